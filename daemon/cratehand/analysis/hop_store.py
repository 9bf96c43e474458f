"""Rows of features that grow hop by hop, kept small."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
"""float32, shape ``(hops, columns)``."""

_CHUNK_HOPS = 1 << 14


class HopStore:
    """Appends rows of float32 and keeps them as float16: 11 bits are plenty for a level or a flux.

    Memory grows by whole chunks, so nothing is copied twice, and a full chunk holds exactly its data.
    """

    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._chunks: list[npt.NDArray[np.float16]] = []
        self._used = _CHUNK_HOPS
        self._sum: npt.NDArray[np.float64] = np.zeros(columns)

    def append(self, rows: Features) -> None:
        """Take rows, float32 ``(hops, columns)`` in 0 ... 65,000."""
        self._sum += rows.sum(axis=0, dtype=np.float64)
        start = 0
        while start < len(rows):
            if self._used == _CHUNK_HOPS:
                self._chunks.append(np.empty((_CHUNK_HOPS, self._columns), dtype=np.float16))
                self._used = 0
            taken = min(len(rows) - start, _CHUNK_HOPS - self._used)
            self._chunks[-1][self._used : self._used + taken] = rows[start : start + taken]
            self._used += taken
            start += taken

    @property
    def hops(self) -> int:
        """How many rows there are."""
        return max(len(self._chunks) - 1, 0) * _CHUNK_HOPS + (self._used if self._chunks else 0)

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """Mean of each column, zeros where there are no rows."""
        return self._sum / max(self.hops, 1)

    def blocks(self) -> Iterator[Features]:
        """Yield the rows as float32 blocks of up to 16,384, so that a long track is never there as a whole."""
        for index, chunk in enumerate(self._chunks):
            used = self._used if index == len(self._chunks) - 1 else _CHUNK_HOPS
            yield chunk[:used].astype(np.float32)

    def column(self, index: int) -> npt.NDArray[np.float32]:
        """Return one column as float32 ``(hops,)``."""
        parts = [chunk[:, index] for chunk in self._chunks]
        return np.concatenate(parts)[: self.hops].astype(np.float32) if parts else np.empty(0, dtype=np.float32)
