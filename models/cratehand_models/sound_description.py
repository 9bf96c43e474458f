"""What a whole track sounds like, from a few excerpts of it."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import soxr

from cratehand.domain.audio import Samples
from cratehand.domain.embedding import SOUND_SPACE
from cratehand.domain.sound_tags import SoundDescription, likely_tags
from cratehand_models.musicnn import SAMPLE_RATE_HZ, MusicnnTagger, log_mel

_SMALLEST: Final = 1e-9


class MusicnnDescriber:
    """Implements `cratehand.domain.ports.SoundDescriber`: means over the excerpts, as the model's authors do."""

    def __init__(self, tagger: MusicnnTagger) -> None:
        self._tagger = tagger

    def describe(self, excerpts: Sequence[Samples], *, sample_rate_hz: int) -> SoundDescription | None:
        """Return the description; see the port."""
        if not excerpts:
            return None
        patches = np.stack([log_mel(_at_rate(excerpt, sample_rate_hz)) for excerpt in excerpts])
        probabilities, embeddings = self._tagger(patches)
        mean = np.asarray(embeddings.mean(axis=0), dtype=np.float32)
        likely = np.asarray(probabilities.mean(axis=0), dtype=np.float32)
        return SoundDescription(
            model=SOUND_SPACE.model,
            version=SOUND_SPACE.version,
            tags=likely_tags(likely),
            probabilities=likely,
            embedding=mean / np.float32(max(float(np.linalg.norm(mean)), _SMALLEST)),
        )


def _at_rate(excerpt: Samples, from_hz: int) -> Samples:
    if from_hz == SAMPLE_RATE_HZ:
        return excerpt
    mono = soxr.resample(excerpt[0], from_hz, SAMPLE_RATE_HZ, quality="HQ")
    return np.asarray(mono, dtype=np.float32)[np.newaxis]
