"""Cutting a stream of any pieces into blocks of one fixed length.

Every measurement sees the same blocks whatever the decoder delivered, so the result does not depend on the sizes fed.
"""

from collections.abc import Iterator

import numpy as np

from cratehand.domain.audio import Samples


class FixedBlocks:
    """Collects pieces and gives them back as blocks of exactly `frames` frames."""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self._waiting: list[Samples] = []
        self._waiting_frames = 0

    def feed(self, samples: Samples) -> Iterator[Samples]:
        """Yield each block that became complete, float32 ``(channels, frames)``."""
        start = 0
        while start < samples.shape[1]:
            piece = samples[:, start : start + self._frames - self._waiting_frames]
            start += piece.shape[1]
            self._waiting_frames += piece.shape[1]
            if self._waiting_frames == self._frames:
                yield self._joined([*self._waiting, piece])
                self._waiting, self._waiting_frames = [], 0
            else:
                # The caller may reuse its buffer.
                self._waiting.append(piece.copy())

    def rest(self) -> Samples | None:
        """Return what is left at the end, shorter than a block; None where nothing is."""
        if not self._waiting:
            return None
        rest, self._waiting, self._waiting_frames = self._joined(self._waiting), [], 0
        return rest

    @staticmethod
    def _joined(pieces: list[Samples]) -> Samples:
        return np.ascontiguousarray(pieces[0]) if len(pieces) == 1 else np.concatenate(pieces, axis=1)


class FrameStream:
    """Cuts a mono stream into overlapping windows; window `k` is centred on frame ``k * hop``.

    The signal is taken as silent before its start and after its end.
    """

    def __init__(self, *, window_frames: int, hop_frames: int) -> None:
        self._window = window_frames
        self._hop = hop_frames
        self._buffer = np.zeros(window_frames // 2, dtype=np.float32)
        self._fed = 0
        self._given = 0

    def feed(self, mono: Samples) -> Samples:
        """Return the windows that became complete: float32 view ``(windows, window_frames)``, read only."""
        self._fed += mono.shape[-1]
        return self._windows(mono)

    def finish(self) -> Samples:
        """Return the windows centred on the last frames, the missing part filled with silence."""
        wanted = -(-self._fed // self._hop)
        missing = (wanted - self._given - 1) * self._hop + self._window - self._buffer.size
        return self._windows(np.zeros(max(missing, 0), dtype=np.float32))

    def _windows(self, mono: Samples) -> Samples:
        joined = np.concatenate([self._buffer, mono])
        count = max((joined.size - self._window) // self._hop + 1, 0)
        self._buffer = joined[count * self._hop :].copy()
        self._given += count
        if count == 0:
            return np.empty((0, self._window), dtype=np.float32)
        return np.lib.stride_tricks.sliding_window_view(joined, self._window)[:: self._hop][:count]
