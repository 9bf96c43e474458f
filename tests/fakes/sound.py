"""What a model would have heard."""

import numpy as np

from cratehand.domain.embedding import SOUND_SPACE, Vector
from cratehand.domain.sound_tags import TAG_NAMES, SoundDescription, likely_tags


def sound(*, seed: int = 1, **tags: float) -> SoundDescription:
    """Return a description with these tags (``hip_hop`` is ``hip-hop``, ``female_vocalists`` has a space)."""
    given = {name: probability for name in TAG_NAMES if (probability := tags.get(_word(name))) is not None}
    assert len(given) == len(tags), f"none of the fifty: {tags.keys()}"
    probabilities = np.array([given.get(name, 0.01) for name in TAG_NAMES], dtype=np.float32)
    return SoundDescription(
        model=SOUND_SPACE.model,
        version=SOUND_SPACE.version,
        tags=likely_tags(probabilities),
        probabilities=probabilities,
        embedding=_unit_vector(seed),
    )


def _word(tag: str) -> str:
    word = tag.replace("-", "_").replace(" ", "_")
    return f"from_{word}" if word[0].isdigit() else word


def _unit_vector(seed: int) -> Vector:
    vector = np.random.default_rng(seed).standard_normal(SOUND_SPACE.dimension).astype(np.float32)
    return vector / np.linalg.norm(vector)
