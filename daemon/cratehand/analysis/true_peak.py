"""Inter-sample peaks: four times oversampling by one small matrix product per block."""

from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.audio import Samples

_OVERSAMPLING: Final = 4
_TAPS: Final = 32
"""Samples each interpolated value is made of; BS.1770-4 Annex 2 shows 12, more keep the level up to 20 kHz."""
_STRETCH: Final = 64


def _phases() -> npt.NDArray[np.float64]:
    """Return the filters of the values a quarter, a half and three quarters after a sample, ``(3, taps)``."""
    place = np.arange(_TAPS) - (_TAPS // 2 - 1)
    filters = []
    for phase in range(1, _OVERSAMPLING):
        distance = place - phase / _OVERSAMPLING
        window = np.kaiser(2 * 4096 + 1, 9.0)[np.round((distance / (_TAPS / 2) + 1.0) * 4096).astype(int)]
        kernel = np.sinc(distance) * window
        filters.append(kernel / kernel.sum())
    return np.array(filters)


def _matrix() -> tuple[Samples, float]:
    filters = _phases()
    matrix = np.zeros((_STRETCH + _TAPS - 1, (_OVERSAMPLING - 1) * _STRETCH), dtype=np.float32)
    for at in range(_STRETCH):
        for phase, kernel in enumerate(filters):
            matrix[at : at + _TAPS, phase * _STRETCH + at] = kernel
    # No interpolated value is higher than this times the highest sample around it.
    return matrix, float(np.abs(filters).sum(axis=1).max())


_MATRIX, _GROWTH = _matrix()


class TruePeakStream:
    """Follows the true peak and the sample peak over all channels."""

    def __init__(self, channels: int) -> None:
        self._tail = np.zeros((channels, _TAPS - 1), dtype=np.float32)
        self.true_peak = 0.0
        """Highest absolute value of the oversampled signal so far, at least the sample peak."""
        self.sample_peak = 0.0

    def feed(self, samples: Samples) -> None:
        """Take the next block, ``(channels, frames)``."""
        self.sample_peak = max(self.sample_peak, float(np.abs(samples).max(initial=0.0)))
        self.true_peak = max(self.true_peak, self.sample_peak)
        joined = np.concatenate([self._tail, samples], axis=1)
        for channel in joined:
            self._scan(channel)
        self._tail = joined[:, -(_TAPS - 1) :]

    def finish(self) -> None:
        """Let the filter run out."""
        self.feed(np.zeros((len(self._tail), _TAPS), dtype=np.float32))

    def _scan(self, channel: Samples) -> None:
        count = -(-(channel.size - _TAPS + 1) // _STRETCH)
        padded = np.pad(channel, (0, count * _STRETCH + _TAPS - 1 - channel.size))
        windows = np.lib.stride_tricks.sliding_window_view(padded, _STRETCH + _TAPS - 1)[::_STRETCH]
        # Stretches that can not beat the peak so far are left out; in most music that is nearly all of them.
        loudest = np.abs(padded[: count * _STRETCH]).reshape(count, _STRETCH).max(axis=1)
        ahead = np.append(loudest[1:], np.abs(padded[count * _STRETCH :]).max(initial=0.0))
        chosen = windows[np.maximum(loudest, ahead) * _GROWTH > self.true_peak]
        if len(chosen):
            values = chosen @ _MATRIX
            self.true_peak = max(self.true_peak, float(values.max()), -float(values.min()))
