"""The overview waveform of a stream whose length nobody knows beforehand."""

from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.analysis_rate import ANALYSIS_RATE_HZ
from cratehand.analysis.hop_store import Features
from cratehand.analysis.spectra import BAND_CENTRES_HZ, HOP_FRAMES
from cratehand.domain.audio import Samples
from cratehand.domain.waveform import BAND_EDGES_HZ, Waveform

MAX_STEPS: Final = 1200

_FIRST_HOPS: Final = 4
"""Hops of the short spectrum in the finest step: 11.6 ms."""
_FLOOR_DB: Final = -60.0

Floats = npt.NDArray[np.float64]


class WaveformStream:
    """Collects peaks and band powers in steps that double whenever there would be too many."""

    def __init__(self, *, sample_rate_hz: int) -> None:
        self._frames_a_step = sample_rate_hz * _FIRST_HOPS * HOP_FRAMES / ANALYSIS_RATE_HZ
        self._peaks = _Merging(1, np.maximum)
        self._powers = _Merging(3, np.add)
        self._fed = 0
        self._open_peak: Floats = np.zeros((0, 1))
        self._open_step = 0
        self._group = np.searchsorted(BAND_CENTRES_HZ, BAND_EDGES_HZ)
        self._pending = np.empty((0, 3))

    def feed(self, samples: Samples) -> None:
        """Take the next block of the file, ``(channels, frames)``."""
        if samples.shape[1] == 0:
            return
        level = np.abs(samples).max(axis=0)
        first = int(self._fed / self._frames_a_step)
        last = int((self._fed + level.size - 1) / self._frames_a_step)
        edges = np.ceil(np.arange(first + 1, last + 1) * self._frames_a_step).astype(np.int64) - self._fed
        peaks = np.maximum.reduceat(level, np.concatenate([[0], edges[edges < level.size]])).astype(np.float64)[
            :, np.newaxis
        ]
        if len(self._open_peak):
            # The step that the block before left open goes on in this one, if it is the same.
            if first == self._open_step:
                peaks[0] = np.maximum(peaks[0], self._open_peak[0])
            else:
                self._peaks.append(self._open_peak)
        self._peaks.append(peaks[:-1])
        self._open_peak, self._open_step = peaks[-1:], last
        self._fed += level.size

    def feed_powers(self, powers: Features) -> None:
        """Take the band powers of the shared stream, ``(hops, BANDS)``."""
        grouped = np.add.reduceat(powers, [0, *self._group], axis=1).astype(np.float64)
        pending = np.concatenate([self._pending, grouped])
        whole = len(pending) // _FIRST_HOPS
        self._powers.append(pending[: whole * _FIRST_HOPS].reshape(whole, _FIRST_HOPS, 3).mean(axis=1))
        self._pending = pending[whole * _FIRST_HOPS :]

    def finish(self) -> Waveform | None:
        """Return the overview, None for an empty signal."""
        if self._fed == 0:
            return None
        self._peaks.append(self._open_peak)
        if len(self._pending):
            self._powers.append(self._pending.mean(axis=0, keepdims=True))
        merged = max(self._peaks.steps_merged, self._powers.steps_merged)
        peaks, powers = self._peaks.rows(merged), self._powers.rows(merged) / merged
        powers = np.pad(powers, ((0, max(len(peaks) - len(powers), 0)), (0, 0)))[: len(peaks)]
        levels = np.vstack([_linear(peaks[:, 0]), *(_linear(np.sqrt(2.0 * band)) for band in powers.T)])
        levels.setflags(write=False)
        return Waveform(levels=levels, step_s=merged * _FIRST_HOPS * HOP_FRAMES / ANALYSIS_RATE_HZ)


def _linear(amplitude: Floats) -> npt.NDArray[np.uint8]:
    return np.round(np.clip(amplitude, 0.0, 1.0) * 255.0).astype(np.uint8)


class _Merging:
    """At most `MAX_STEPS` rows; when full, neighbours merge and each row stands for twice as many steps."""

    def __init__(self, columns: int, join: np.ufunc) -> None:
        self._rows: Floats = np.zeros((MAX_STEPS, columns))
        self._join = join
        self._used = 0
        self._waiting: Floats = np.empty((0, columns))
        self.steps_merged = 1

    def append(self, steps: Floats) -> None:
        """Take finest steps."""
        steps = np.concatenate([self._waiting, steps])
        while True:
            whole = len(steps) // self.steps_merged
            taken = min(whole, MAX_STEPS - self._used)
            block = steps[: taken * self.steps_merged].reshape(taken, self.steps_merged, self._rows.shape[1])
            self._rows[self._used : self._used + taken] = self._join.reduce(block, axis=1)
            self._used += taken
            steps = steps[taken * self.steps_merged :]
            if taken == whole:
                self._waiting = steps
                return
            self._merge()

    def _merge(self) -> None:
        self._rows[: MAX_STEPS // 2] = self._join.reduce(
            self._rows.reshape(MAX_STEPS // 2, 2, self._rows.shape[1]), axis=1
        )
        self._used = MAX_STEPS // 2
        self.steps_merged *= 2

    def rows(self, steps_merged: int) -> Floats:
        """Return all rows, each made of so many finest steps, the last one of what is left."""
        rows = self._rows[: self._used]
        if len(self._waiting):
            rows = np.concatenate([rows, self._join.reduce(self._waiting, axis=0, keepdims=True)])
        if steps_merged == self.steps_merged:
            return rows
        pairs = np.pad(rows, ((0, len(rows) % 2), (0, 0))).reshape((len(rows) + 1) // 2, 2, rows.shape[1])
        return np.asarray(self._join.reduce(pairs, axis=1))
