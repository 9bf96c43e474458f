"""The store of embeddings."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cratehand.domain.embedding import EmbeddingSpace, Neighbour, Vector
from cratehand.domain.ids import TrackId


class VectorStore(Protocol):
    """Embeddings and nearest neighbours, exact, per space."""

    def put(self, space: EmbeddingSpace, track_id: TrackId, vector: Vector) -> None: ...

    def remove(self, space: EmbeddingSpace, track_id: TrackId) -> None:
        """Forget the vector of a track in a space, where there is one."""
        ...

    def get(self, space: EmbeddingSpace, track_id: TrackId) -> Vector | None: ...

    def nearest(
        self, space: EmbeddingSpace, vector: Vector, *, limit: int, among: Sequence[TrackId] | None = None
    ) -> Sequence[Neighbour]:
        """Return the nearest tracks, nearest first, among the given ones only where `among` is not None."""
        ...

    def many(
        self, space: EmbeddingSpace, among: Sequence[TrackId] | None = None
    ) -> tuple[Sequence[TrackId], npt.NDArray[np.float32]]:
        """Return the tracks that have a vector, among the given ones where `among` is not None, and their vectors.

        Returns:
            The tracks, and float32 ``(tracks, dimension)`` in the same order.
        """
        ...

    def newer(self, space: EmbeddingSpace, mark: int) -> tuple[int, Sequence[TrackId], npt.NDArray[np.float32]]:
        """Return what was put since a mark, oldest first: for who keeps a copy of all vectors of a space.

        Some that are older may come again. Removals are not told: then `count` is less than what the copy holds.

        Args:
            space: Which.
            mark: What the last call returned; 0 asks for all.

        Returns:
            The mark of now, the tracks, and float32 ``(tracks, dimension)`` in the same order.
        """
        ...

    def lacking(self, space: EmbeddingSpace) -> Sequence[TrackId]:
        """Return tracks whose file is here, that were analysed, have no open job, and no vector in a space."""
        ...

    def count(self, space: EmbeddingSpace) -> int: ...
