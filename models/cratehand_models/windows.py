"""Cutting a long signal into overlapping windows of one length, and adding them up again without a seam."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cratehand.domain.audio import Samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How a signal is cut.

    The weights of all windows add up to one at every frame after the division by their sum, so that a model that
    returns its input gives the signal back to the rounding of float32.
    """

    length_frames: int
    overlap: float = 0.25
    """Share of a window that the next one covers too, in [0, 0.5]."""

    def __post_init__(self) -> None:
        if self.length_frames < 1 or not 0.0 <= self.overlap <= 0.5:
            raise ValueError(f"no window has {self.length_frames} frames and an overlap of {self.overlap}")

    @property
    def stride_frames(self) -> int:
        """From the start of one window to the start of the next."""
        return max(1, round(self.length_frames * (1.0 - self.overlap)))

    def count(self, frames: int) -> int:
        """Return how many windows cover a signal; one for the shortest."""
        return max(1, -(-(frames - self.length_frames) // self.stride_frames) + 1) if frames else 0

    def start(self, index: int) -> int:
        """Return the first frame of a window."""
        return index * self.stride_frames

    def cut(self, signal: Samples, index: int) -> Samples:
        """Return one window, zeros behind the end of the signal.

        Args:
            signal: ``(channels, frames)``.
            index: From 0 to ``count - 1``.

        Returns:
            ``(channels, length_frames)``, a copy.
        """
        start = self.start(index)
        piece = signal[:, start : start + self.length_frames]
        window = np.zeros((signal.shape[0], self.length_frames), dtype=np.float32)
        window[:, : piece.shape[1]] = piece
        return window

    def weights(self) -> Samples:
        """Return float32 ``(length_frames,)``: a trapezium that rises and falls over what two windows share."""
        shared = self.length_frames - self.stride_frames
        weights = np.ones(self.length_frames, dtype=np.float32)
        if shared > 0:
            ramp = (np.arange(shared, dtype=np.float32) + 1.0) / np.float32(shared + 1)
            weights[:shared] = ramp
            weights[-shared:] = ramp[::-1]
        return weights


class OverlapAdd:
    """Adds windows up as they come, and gives away what no later window can change; memory stays at two windows."""

    def __init__(self, windows: Windows, *, channels: int, frames: int) -> None:
        self._windows = windows
        self._frames = frames
        self._sum = np.zeros((channels, windows.length_frames), dtype=np.float32)
        self._weight = np.zeros(windows.length_frames, dtype=np.float32)
        self._weights = windows.weights()
        self._next = 0

    def add(self, window: Samples) -> Samples:
        """Take the next window.

        Args:
            window: ``(channels, length_frames)``.

        Returns:
            The frames that are settled now, ``(channels, settled)``; behind the last window all that is left.
        """
        self._sum += window * self._weights
        self._weight += self._weights
        start, self._next = self._windows.start(self._next), self._next + 1
        is_last = self._next >= self._windows.count(self._frames)
        settled = self._frames - start if is_last else self._windows.stride_frames
        done: Samples = self._sum[:, :settled] / self._weight[:settled]
        self._shift(settled)
        return done

    def _shift(self, frames: int) -> None:
        kept = self._windows.length_frames - frames
        for array in (self._sum, self._weight):
            array[..., :kept] = array[..., frames:].copy()
            array[..., kept:] = 0.0


def each_window(signal: Samples, windows: Windows) -> Iterator[Samples]:
    """Yield every window of a signal, float32 ``(channels, length_frames)``."""
    for index in range(windows.count(signal.shape[1])):
        yield windows.cut(signal, index)
