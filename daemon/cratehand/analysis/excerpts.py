"""A few excerpts of a track, spread evenly over it, kept while it streams past."""

from typing import Final

import numpy as np

from cratehand.analysis.analysis_rate import ANALYSIS_RATE_HZ
from cratehand.domain.audio import Samples

EXCERPT_S: Final = 3.0
_FRAMES: Final = int(EXCERPT_S * ANALYSIS_RATE_HZ)
_FIRST_STEP: Final = 4
"""Twelve seconds from one excerpt to the next in a short track: a quarter of the sound."""
_MOST: Final = 16
_QUIET: Final = 0.063
"""An excerpt 24 dB under the loudest one is a pause or a fade and says nothing."""
_SILENT: Final = 1e-5


class ExcerptStream:
    """Keeps a few excerpts; where nothing else is said at most 16 of three seconds at the analysis rate, 4 MB.

    They stand on a lattice that begins at the first frame; when there would be too many, every second one is let go and
    the lattice doubles its step, so that the length of the track need not be known.

    Args:
        frames: Length of an excerpt.
        most: How many are kept at most.
        first_step: How many excerpts would fit from the beginning of one to that of the next in a short track.
    """

    def __init__(self, *, frames: int = _FRAMES, most: int = _MOST, first_step: int = _FIRST_STEP) -> None:
        self._frames = frames
        self._most = most
        self._step = first_step
        self._kept: list[tuple[int, Samples]] = []
        self._current: list[Samples] = []
        self._filled = 0
        self._number = 0

    def feed(self, mono: Samples) -> None:
        """Take the next mono samples, float32 ``(frames,)``."""
        while len(mono):
            taken, mono = mono[: self._frames - self._filled], mono[self._frames - self._filled :]
            if self._number % self._step == 0:
                self._current.append(taken.copy())
            self._filled += len(taken)
            if self._filled == self._frames:
                self._close()

    def finish(self) -> tuple[Samples, ...]:
        """Return the excerpts that sound, in order, each float32 ``(1, frames)``; a short track is a short one."""
        if not self._kept and self._filled:
            self._close()
        levels = [float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) for _, samples in self._kept]
        floor = max(_SILENT, _QUIET * max(levels, default=0.0))
        return tuple(
            samples[np.newaxis] for (_, samples), level in zip(self._kept, levels, strict=True) if level >= floor
        )

    def _close(self) -> None:
        if self._current:
            self._kept.append((self._number, np.concatenate(self._current)))
        if len(self._kept) > self._most:
            self._step *= 2
            self._kept = [each for each in self._kept if each[0] % self._step == 0]
        self._current, self._filled = [], 0
        self._number += 1
