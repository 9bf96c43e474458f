"""Loudness of a stream after ITU-R BS.1770-4 and EBU R 128 (Tech 3341, Tech 3342)."""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import sosfilt  # type: ignore[attr-defined]  # SciPy ships no types

from cratehand.analysis.true_peak import TruePeakStream
from cratehand.domain.audio import Samples
from cratehand.domain.loudness import Loudness

_STEP_S: Final = 0.1
_MOMENTARY_STEPS: Final = 4
_SHORT_TERM_STEPS: Final = 30
_ABSOLUTE_GATE_LUFS: Final = -70.0
_RELATIVE_GATE_LU: Final = -10.0
_RANGE_GATE_LU: Final = -20.0
_RANGE_PERCENTILES: Final = (10.0, 95.0)
_SURROUND_WEIGHTS: Final = {1: (1.0,), 2: (1.0, 1.0), 6: (1.0, 1.0, 1.0, 0.0, 1.41, 1.41)}
"""BS.1770-4 table 3, in the channel order of WAV: left, right, centre, LFE, surrounds."""

Floats = npt.NDArray[np.float64]


def k_weighting(sample_rate_hz: int) -> Floats:
    """Return the two biquads of the K filter as second-order sections, ``(2, 6)``.

    The standard lists coefficients for 48 kHz only; these are the analogue prototypes behind them (as in libebur128),
    so every rate gets the same curve.
    """
    tangent = np.tan(np.pi * 1681.974450955533 / sample_rate_hz)
    quality, gain = 0.7071752369554196, 10.0 ** (3.999843853973347 / 20.0)
    band = gain**0.4996667741545416
    scale = 1.0 + tangent / quality + tangent**2
    shelf = [
        (gain + band * tangent / quality + tangent**2) / scale,
        2.0 * (tangent**2 - gain) / scale,
        (gain - band * tangent / quality + tangent**2) / scale,
        1.0,
        2.0 * (tangent**2 - 1.0) / scale,
        (1.0 - tangent / quality + tangent**2) / scale,
    ]
    tangent, quality = np.tan(np.pi * 38.13547087602444 / sample_rate_hz), 0.5003270373238773
    scale = 1.0 + tangent / quality + tangent**2
    high_pass = [
        1.0,
        -2.0,
        1.0,
        1.0,
        2.0 * (tangent**2 - 1.0) / scale,
        (1.0 - tangent / quality + tangent**2) / scale,
    ]
    return np.array([shelf, high_pass])


class LoudnessStream:
    """Measures loudness, range and true peak of a signal fed in blocks."""

    def __init__(self, *, sample_rate_hz: int, channels: int) -> None:
        self._rate_hz = sample_rate_hz
        self._filter = k_weighting(sample_rate_hz)
        self._state = np.zeros((2, channels, 2))
        weights = _SURROUND_WEIGHTS.get(channels, (1.0,) * channels)
        self._weights = np.asarray(weights)
        self._steps: list[Floats] = []
        self._open_power = 0.0
        self._fed = 0
        self._peak = TruePeakStream(channels)

    def feed(self, samples: Samples) -> None:
        """Take the next block, ``(channels, frames)``."""
        if samples.shape[1] == 0:
            return
        self._peak.feed(samples)
        weighted, self._state = sosfilt(self._filter, samples.astype(np.float64), axis=-1, zi=self._state)
        np.square(weighted, out=weighted)
        self._collect(self._weights @ weighted)

    def _collect(self, power: Floats) -> None:
        """Sum the power over steps of 100 ms, whose ends lie on rounded multiples of it."""
        first = int(self._fed / (self._rate_hz * _STEP_S))
        last = int((self._fed + power.size) / (self._rate_hz * _STEP_S)) + 1
        ends = np.round(np.arange(first, last + 2) * self._rate_hz * _STEP_S).astype(np.int64) - self._fed
        ends = ends[(ends > 0) & (ends <= power.size)]
        starts = np.concatenate([[0], ends])
        sums = np.add.reduceat(np.append(power, 0.0), starts)
        sums[0] += self._open_power
        # The last sum is still open; where a step ended exactly here it is the appended zero.
        self._open_power = float(sums[-1])
        self._steps.append(sums[:-1])
        self._fed += power.size

    def finish(self) -> Loudness:
        """Return the loudness of everything fed."""
        self._peak.finish()
        power = np.concatenate(self._steps) if self._steps else np.empty(0)
        power = power / (self._rate_hz * _STEP_S)
        peak, short_term = self._peak.true_peak, _sliding(power, _SHORT_TERM_STEPS)
        return Loudness(
            integrated_lufs=_rounded(_gated(_sliding(power, _MOMENTARY_STEPS))),
            range_lu=_rounded(_range(short_term)),
            true_peak_dbtp=_rounded(20.0 * float(np.log10(peak)) if peak > 0.0 else None),
            short_term_max_lufs=_rounded(_highest(short_term)),
        )

    @property
    def sample_peak(self) -> float:
        """Highest absolute sample so far."""
        return self._peak.sample_peak


def _sliding(power: Floats, steps: int) -> Floats:
    """Return the mean power of windows of so many steps, one a step."""
    if power.size < steps:
        return np.empty(0)
    summed = np.concatenate([[0.0], np.cumsum(power)])
    return np.asarray(np.maximum(summed[steps:] - summed[:-steps], 0.0) / steps)


def _lufs(power: float | Floats) -> Floats:
    return np.asarray(-0.691 + 10.0 * np.log10(np.maximum(power, 1e-20)))


def _above(windows: Floats, gate_lu: float) -> Floats:
    """Return the windows above the absolute gate and above the relative one under their mean."""
    loud = windows[_lufs(windows) > _ABSOLUTE_GATE_LUFS]
    return loud[_lufs(loud) > _lufs(loud.mean()) + gate_lu] if loud.size else loud


def _gated(windows: Floats) -> float | None:
    loud = _above(windows, _RELATIVE_GATE_LU)
    return float(_lufs(loud.mean())) if loud.size else None


def _highest(windows: Floats) -> float | None:
    highest = float(_lufs(windows.max(initial=0.0)))
    return highest if highest > _ABSOLUTE_GATE_LUFS else None


def _range(windows: Floats) -> float | None:
    loud = _above(windows, _RANGE_GATE_LU)
    if loud.size == 0:
        return None
    low, high = np.percentile(_lufs(loud), _RANGE_PERCENTILES)
    return float(high - low)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
