"""Cutting a long signal into overlapping windows of one length, and adding them up again without a seam."""

from collections.abc import Iterable, Iterator
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
    """Adds windows up as they come, and gives away what no later window can change."""

    def __init__(self, windows: Windows, *, channels: int) -> None:
        self._windows = windows
        self._sum = np.zeros((channels, windows.length_frames), dtype=np.float32)
        self._weight = np.zeros(windows.length_frames, dtype=np.float32)
        self._weights = windows.weights()

    def add(self, window: Samples) -> Samples:
        """Take the next window; return the frames that are settled now.

        Args:
            window: float32 ``(channels, length_frames)``.

        Returns:
            float32 ``(channels, stride_frames)``.
        """
        self._sum += window * self._weights
        self._weight += self._weights
        settled = self._windows.stride_frames
        done: Samples = self._sum[:, :settled] / self._weight[:settled]
        kept = self._windows.length_frames - settled
        for array in (self._sum, self._weight):
            array[..., :kept] = array[..., settled:].copy()
            array[..., kept:] = 0.0
        return done

    def rest(self) -> Samples:
        """Return what the last window left, ``(channels, length_frames - stride_frames)``."""
        kept = self._windows.length_frames - self._windows.stride_frames
        return np.divide(self._sum[:, :kept], self._weight[:kept], dtype=np.float32)


def each_window(blocks: Iterable[Samples], windows: Windows) -> Iterator[Samples]:
    """Cut a stream into windows.

    Args:
        blocks: float32 ``(channels, any number of frames)``, one behind the other.
        windows: How to cut; zeros stand behind the end of the stream.

    Yields:
        float32 ``(channels, length_frames)``; their strides and the rest of the last cover every frame.
    """
    held: list[Samples] = []
    frames, first = 0, True
    for block in blocks:
        held.append(block)
        frames += block.shape[1]
        while frames >= windows.length_frames:
            joined = np.concatenate(held, axis=1)
            yield joined[:, : windows.length_frames].copy()
            first = False
            held = [joined[:, windows.stride_frames :]]
            frames = held[0].shape[1]
    if frames > (0 if first else windows.length_frames - windows.stride_frames):
        last = np.zeros((held[0].shape[0], windows.length_frames), dtype=np.float32)
        last[:, :frames] = np.concatenate(held, axis=1)
        yield last
