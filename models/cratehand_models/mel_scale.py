"""Mel bands after Slaney's Auditory Toolbox, as librosa makes them: triangles of equal area."""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_LINEAR_HZ: Final = 200.0 / 3.0
_LOG_FROM_HZ: Final = 1000.0
_LOG_STEP: Final = np.log(6.4) / 27.0


def mel_filters(bands: int, *, low_hz: float, high_hz: float, points: int, sample_rate_hz: int) -> Floats:
    """Return float64 ``(bands, points / 2 + 1)``: triangles of area one over the bins of a transform of `points`."""
    edges_hz = _mel_to_hz(np.linspace(_hz_to_mel(low_hz), _hz_to_mel(high_hz), bands + 2))
    bins_hz = np.fft.rfftfreq(points, 1.0 / sample_rate_hz)
    low, middle, high = edges_hz[:-2, np.newaxis], edges_hz[1:-1, np.newaxis], edges_hz[2:, np.newaxis]
    rising, falling = (bins_hz - low) / (middle - low), (high - bins_hz) / (high - middle)
    return np.asarray(np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low)), dtype=np.float64)


def _hz_to_mel(hz: float) -> float:
    if hz < _LOG_FROM_HZ:
        return hz / _LINEAR_HZ
    return float(_LOG_FROM_HZ / _LINEAR_HZ + np.log(hz / _LOG_FROM_HZ) / _LOG_STEP)


def _mel_to_hz(mel: Floats) -> Floats:
    split = _LOG_FROM_HZ / _LINEAR_HZ
    return np.where(mel < split, mel * _LINEAR_HZ, _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - split)))
