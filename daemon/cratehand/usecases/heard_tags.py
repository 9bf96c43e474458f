"""What is heard in every track, kept between searches: reading it anew takes longer than a device may wait."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.embedding import EmbeddingSpace, Vector
from cratehand.domain.ids import TrackId
from cratehand.domain.vector_store import VectorStore
from cratehand.usecases.sound_words import FLOOR, usual_logarithms

Floats = npt.NDArray[np.float32]

_GROWTH: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardTrack:
    """A track that sounds like what is asked for."""

    track_id: TrackId
    cosine: float
    """0 (exclusive) ... 1 (the very sound)."""
    probabilities: Vector
    """Of the tags, float32."""


@dataclass(slots=True, eq=False)
class _Memory:
    """Logarithms of the probabilities of all tracks of one catalogue, in the order they came."""

    mark: int = 0
    ids: list[TrackId] = field(default_factory=list)
    places: dict[TrackId, int] = field(default_factory=dict)
    rows: Floats = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    mean: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    lengths: Floats = field(default_factory=lambda: np.zeros(0, np.float32))
    """Of each row less the mean."""

    def take(self, ids: Sequence[TrackId], probabilities: Floats) -> None:
        """Take vectors that are new, or other than before."""
        rows = np.log(probabilities + np.float32(FLOOR))
        for track_id in ids:
            if track_id not in self.places:
                self.places[track_id] = len(self.ids)
                self.ids.append(track_id)
        if len(self.ids) > len(self.rows):
            room = np.zeros((len(self.ids) + _GROWTH - len(self.rows), rows.shape[1]), np.float32)
            self.rows = np.concatenate([self.rows.reshape(-1, rows.shape[1]), room])
        self.rows[[self.places[track_id] for track_id in ids]] = rows
        known = self.rows[: len(self.ids)]
        self.mean = usual_logarithms(known).astype(np.float32)
        # |a - b|² of all rows at once, without a second table as large as the first.
        squared = np.einsum("ij,ij->i", known, known) - 2 * known @ self.mean + self.mean @ self.mean
        self.lengths = np.sqrt(np.maximum(squared, 0.0))


class HeardTags:
    """Ranks tracks by how much more than usual the tags are heard that somebody asks for. Safe for threads.

    Args:
        space: The space in which the store keeps the probabilities of the tags.
    """

    def __init__(self, space: EmbeddingSpace) -> None:
        self._space = space
        self._memory = _Memory()
        self._turn = Lock()

    def nearest(
        self, vectors: VectorStore, asked: Vector, *, among: Collection[TrackId] | None, limit: int
    ) -> list[HeardTrack]:
        """Return the tracks whose sound points where `asked` does, the nearest first, equal ones by id.

        Args:
            vectors: The store, inside a transaction.
            asked: Weight of each tag.
            among: Only these tracks; all where None. What is usual is the whole collection's all the same.
            limit: How many at most.
        """
        with self._turn:
            memory = self._fresh(vectors)
            known = memory.rows[: len(memory.ids)]
            wanted = asked.astype(np.float32)
            lengths = memory.lengths * np.linalg.norm(wanted)
            along = known @ wanted - memory.mean @ wanted if len(known) else np.zeros(0, np.float32)
            cosines = np.divide(along, lengths, out=np.zeros(len(known), np.float32), where=lengths > 0.0)
            if among is not None:
                places = [memory.places[track_id] for track_id in among if track_id in memory.places]
                inside = np.zeros(len(known), bool)
                inside[places] = True
                cosines[~inside] = 0.0
            found = np.flatnonzero(cosines > 0.0)
            if len(found) > limit > 0:
                # All that are as near as the last of the best, so that equal ones are told apart by id.
                least = np.partition(cosines[found], -limit)[-limit]
                found = found[cosines[found] >= least]
            order = sorted(found.tolist(), key=lambda row: (-cosines[row], memory.ids[row]))[:limit]
            return [
                HeardTrack(
                    track_id=memory.ids[row],
                    cosine=float(cosines[row]),
                    probabilities=np.exp(known[row]) - np.float32(FLOOR),
                )
                for row in order
            ]

    def _fresh(self, vectors: VectorStore) -> _Memory:
        """Bring the memory up to what the transaction sees: what is new is added; after a removal all is read again."""
        mark, ids, probabilities = vectors.newer(self._space, self._memory.mark)
        if ids and not self._is_known(ids, probabilities):
            self._memory.take(ids, probabilities)
        self._memory.mark = mark
        if len(self._memory.ids) != vectors.count(self._space):
            self._memory = _Memory()
            self._memory.mark, ids, probabilities = vectors.newer(self._space, 0)
            if ids:
                self._memory.take(ids, probabilities)
        return self._memory

    def _is_known(self, ids: Sequence[TrackId], probabilities: Floats) -> bool:
        places = [self._memory.places.get(track_id, -1) for track_id in ids]
        if min(places) < 0:
            return False
        rows = np.log(probabilities + np.float32(FLOOR))
        return bool(np.array_equal(self._memory.rows[places], rows))
