"""How far up the spectrum reaches, and whether it ends at a wall: evidence for the codec history."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.smoothing import moving_mean
from cratehand.domain.audio import Samples

_WINDOW_FRAMES: Final = 4096
_EVERY_S: Final = 0.25
_LOUD_DB: Final = -45.0
"""Quieter windows (mean square) say nothing about the top of the spectrum."""
_DIGITAL_FLOOR_DB: Final = -130.0
_EMPTY_DB: Final = -115.0
_LOWEST_WALL_HZ: Final = 9_000.0
_WALL_WIDTH_HZ: Final = 500.0

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bandwidth:
    """Evidence from the top of the spectrum.

    Attributes:
        effective_hz: Up to where the average spectrum stands 6 dB above what lies at its upper end, or the wall.
        wall_hz: Place of the steepest fall, None where no fall is steeper than music's own.
        wall_db: Its height over 1 kHz.
        above_db: Mean level above the wall, dB re full scale per bin.
        top_db: Level of 20.6 ... 21.5 kHz, where only full-band sound reaches: mean power, dB re full scale per bin.
        beyond_cd_db: Level of 22.3 ... 23.5 kHz in the same way, None below a rate of 48 kHz.
        windows: How many loud windows were seen.
    """

    effective_hz: float
    wall_hz: float | None
    wall_db: float
    above_db: float
    top_db: float
    beyond_cd_db: float | None
    windows: int


class BandwidthStream:
    """Looks at a window of the file's own rate four times a second."""

    def __init__(self, *, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._window = np.hanning(_WINDOW_FRAMES + 1)[:-1].astype(np.float32) / np.float32(_WINDOW_FRAMES / 4)
        self._next = 0
        self._fed = 0
        self._tail = np.zeros((1, 0), dtype=np.float32)
        self._sum_db: Floats = np.zeros(_WINDOW_FRAMES // 2 + 1)
        self._sum_power: Floats = np.zeros(_WINDOW_FRAMES // 2 + 1)
        self._count = 0

    def feed(self, samples: Samples) -> None:
        """Take the next block, ``(channels, frames)``."""
        if self._tail.shape[0] != samples.shape[0]:
            self._tail = np.zeros((samples.shape[0], 0), dtype=np.float32)
        joined = np.concatenate([self._tail, samples], axis=1)
        start = self._fed - self._tail.shape[1]
        step = int(_EVERY_S * self._rate_hz)
        while self._next + _WINDOW_FRAMES <= start + joined.shape[1]:
            place = self._next - start
            self._look(joined[:, place : place + _WINDOW_FRAMES])
            self._next += step
        self._fed += samples.shape[1]
        keep = min(max(self._fed - self._next, 0), joined.shape[1])
        self._tail = joined[:, joined.shape[1] - keep :]

    def _look(self, frame: Samples) -> None:
        if 10.0 * np.log10(float(np.square(frame).mean(dtype=np.float64)) + 1e-20) < _LOUD_DB:
            return
        spectrum = scipy.fft.rfft(frame * self._window, axis=1)
        # The louder channel at each frequency: an encoder cuts both.
        power = (spectrum.real**2 + spectrum.imag**2).max(axis=0).astype(np.float64)
        level_db = np.maximum(10.0 * np.log10(power + 1e-20), _DIGITAL_FLOOR_DB)
        self._sum_db += level_db
        self._sum_power += power
        self._count += 1

    def _level_db(self, low_hz: float, high_hz: float) -> float:
        bin_hz = self._rate_hz / _WINDOW_FRAMES
        band = self._sum_power[round(low_hz / bin_hz) : round(high_hz / bin_hz) + 1]
        mean = float(band.mean()) / self._count if band.size else 0.0
        return round(max(10.0 * float(np.log10(mean + 1e-20)), _DIGITAL_FLOOR_DB), 1)

    def finish(self) -> Bandwidth | None:
        """Return the evidence, None where nothing was loud enough to judge."""
        if self._count < 4:
            return None
        average = self._sum_db / self._count
        bin_hz = self._rate_hz / _WINDOW_FRAMES
        smooth = moving_mean(average, round(150.0 / bin_hz))
        wall_bin, wall_db = _steepest(smooth, bin_hz)
        end_hz = 0.5 * self._rate_hz - 200.0
        floor = float(smooth[round((end_hz - 300.0) / bin_hz) : round(end_hz / bin_hz) + 1].mean())
        above = np.nonzero(smooth > floor + 6.0)[0]
        reach_hz = float(above[-1] * bin_hz) if above.size else 0.0
        wall_hz = wall_bin * bin_hz if wall_db >= 12.0 else None
        # A spectrum that is level to its end has no fall to stand above.
        full_hz = end_hz if floor > _EMPTY_DB else reach_hz
        start = round(((wall_hz or reach_hz) + _WALL_WIDTH_HZ) / bin_hz)
        beyond = smooth[start : round(end_hz / bin_hz)]
        return Bandwidth(
            effective_hz=round(wall_hz if wall_hz is not None else full_hz, 0),
            wall_hz=None if wall_hz is None else round(wall_hz, 0),
            wall_db=round(wall_db, 1),
            above_db=round(float(beyond.mean()) if beyond.size else _DIGITAL_FLOOR_DB, 1),
            top_db=self._level_db(20_600.0, 21_500.0),
            beyond_cd_db=self._level_db(22_300.0, 23_500.0) if self._rate_hz >= 48_000 else None,
            windows=self._count,
        )


def _steepest(smooth: Floats, bin_hz: float) -> tuple[int, float]:
    """Return bin and height (dB) of the greatest fall from 0.5 kHz below to 0.5 kHz above a place."""
    reach = max(round(_WALL_WIDTH_HZ / bin_hz), 1)
    first = round(_LOWEST_WALL_HZ / bin_hz)
    last = smooth.size - reach - 1
    if last <= first:
        return 0, 0.0
    places = np.arange(first, last)
    fall = smooth[places - reach] - smooth[places + reach]
    best = int(fall.argmax())
    return int(places[best]), float(fall[best])
