"""Rows of features that grow hop by hop, kept small."""

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

    def append(self, rows: Features) -> None:
        """Take rows, float32 ``(hops, columns)`` in 0 ... 65,000."""
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

    def column(self, index: int) -> npt.NDArray[np.float32]:
        """Return one column as float32 ``(hops,)``."""
        parts = [chunk[:, index] for chunk in self._chunks]
        return np.concatenate(parts)[: self.hops].astype(np.float32) if parts else np.empty(0, dtype=np.float32)

    def rows(self) -> Features:
        """Return everything as float32 ``(hops, columns)``."""
        if not self._chunks:
            return np.empty((0, self._columns), dtype=np.float32)
        return np.concatenate(self._chunks)[: self.hops].astype(np.float32)
