"""Why two tracks are near, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from cratehand.domain.embedding import DSP_PARTS, DSP_SPACE, TAG_SPACE, EmbeddingSpace, Vector
from cratehand.domain.ids import TrackId
from cratehand.domain.key import parse_key
from cratehand.domain.sound_tags import TAG_NAMES
from cratehand.domain.track import TrackSummary
from cratehand.domain.vector_store import VectorStore

_NEAR: Final = 0.7
"""Cosine of a part from which it is worth telling."""
_HEARD: Final = 0.2
"""Probability of a tag in both tracks from which they share it."""
_TAGS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """What one track and others have in common by their vectors."""

    origin: TrackId
    parts: Mapping[TrackId, Vector]
    tags: Mapping[TrackId, Vector]

    @classmethod
    def between(cls, vectors: VectorStore, origin: TrackId, others: Sequence[TrackId]) -> "Likeness":
        """Look the vectors up."""
        ids = [origin, *others]
        return cls(origin=origin, parts=_of(vectors, DSP_SPACE, ids), tags=_of(vectors, TAG_SPACE, ids))

    def reasons(self, other: TrackId) -> tuple[str, ...]:
        """Say which tags both have, and which named parts of the signal are near."""
        found = []
        if self.origin in self.tags and other in self.tags:
            shared = np.minimum(self.tags[self.origin], self.tags[other])
            heard = [TAG_NAMES[index] for index in np.argsort(-shared)[:_TAGS] if shared[index] >= _HEARD]
            found += [f"both {', '.join(heard)}"] if heard else []
        if self.origin in self.parts and other in self.parts:
            near = near_parts(self.parts[self.origin], self.parts[other])
            found += [f"near in {' and '.join(near)}"] if near else []
        return tuple(found)


def near_parts(one: Vector, other: Vector) -> tuple[str, ...]:
    """Return the names of `DSP_PARTS` in which two vectors of `DSP_SPACE` point the same way; unknown ones are not."""
    found, start = [], 0
    for name, length in DSP_PARTS:
        first, second = one[start : start + length], other[start : start + length]
        lengths = float(np.linalg.norm(first) * np.linalg.norm(second))
        if lengths > 0.0 and float(first @ second) >= _NEAR * lengths:
            found.append(name)
        start += length
    return tuple(found)


def reasons(origin: TrackSummary, other: TrackSummary) -> tuple[str, ...]:
    """Say in words what two tracks share that matters in a mix."""
    found = []
    if origin.tempo_bpm and other.tempo_bpm:
        found.extend(_tempo_reason(origin.tempo_bpm, other.tempo_bpm))
    first, second = parse_key(origin.key or ""), parse_key(other.key or "")
    if first and second and first.camelot_steps(second) <= 1:
        found.append("same key" if first == second else f"keys mix: {first.camelot} and {second.camelot}")
    if origin.energy and other.energy and abs(origin.energy - other.energy) <= 1:
        found.append(f"energy {other.energy}")
    if origin.genre and origin.genre == other.genre:
        found.append(origin.genre)
    return tuple(found)


def _tempo_reason(origin_bpm: float, other_bpm: float) -> list[str]:
    for factor, words in ((1.0, ""), (2.0, " at half time"), (0.5, " at double time")):
        percent = (other_bpm * factor / origin_bpm - 1) * 100
        if abs(percent) <= 6:
            return [f"tempo {percent:+.1f} %{words}"]
    return []


def _of(vectors: VectorStore, space: EmbeddingSpace, ids: Sequence[TrackId]) -> dict[TrackId, Vector]:
    found, rows = vectors.many(space, ids)
    return dict(zip(found, rows, strict=True))
