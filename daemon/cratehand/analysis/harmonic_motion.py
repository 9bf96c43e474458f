"""How tones move: voices slide and tremble, keyboards and drum machines do not.

Every 23 ms the spectrum between 400 and 4,000 Hz is laid out in steps of 25 cents and compared with the one 46 ms
before, moved up and down by as much as a semitone, in four sub-bands (the fluctogram of Sonnleitner et al., "A simple
and effective spectral feature for speech detection in mixed audio signals", DAFx 2012; Lehner et al., EUSIPCO 2013).
Beside it stands the prominence of one harmonic series, from the spectrum of the logarithmic spectrum (cepstral peak
prominence after Hillenbrand et al., 1994).

All quantities are ratios inside one spectrum, so gain does not change them. To save time, only the first eight
windows of three seconds are measured without a gap, and every second one after that.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.analysis_rate import ANALYSIS_RATE_HZ
from cratehand.analysis.block_stream import FrameStream
from cratehand.analysis.hop_store import Features, HopStore
from cratehand.analysis.smoothing import moving_mean32
from cratehand.domain.audio import Samples

MOTION_HOP_S: Final = 512 / ANALYSIS_RATE_HZ
"""Seconds between two rows: 23 ms."""
WINDOW_HOPS: Final = 128
"""Hops of a window: 2.97 s."""
_DENSE_WINDOWS: Final = 8
COLUMNS: Final = ("moving", "together", "staying", "contrast", "series", "pitch")
"""What a row of `HarmonicMotion.rows` holds:

moving    how much better the spectrum before fits when it is moved, 0 ... 1
together  the same, where the sub-bands move into the same direction, 0 ... 1
staying   likeness to the unmoved spectrum before, 0 ... 1
contrast  share of the spectrum that stands out of its neighbourhood, 0 ... 1
series    height of one harmonic series over the others, 0 ... about 10
pitch     octaves of that series above 70 Hz
"""

_WINDOW_FRAMES: Final = 2048
_HOP_FRAMES: Final = 512
_BIN_HZ: Final = ANALYSIS_RATE_HZ / _WINDOW_FRAMES
_LOWEST_HZ: Final = 400.0
_STEPS_AN_OCTAVE: Final = 48
_STEPS: Final = 160
_SUB_BANDS: Final = 4
_NEIGHBOURHOOD_STEPS: Final = 17
_LAG_HOPS: Final = 2
_LARGEST_SHIFT: Final = 4
_SERIES_BINS: Final = 512
_SERIES_SIZE: Final = 1024
_PITCHES_HZ: Final = (70.0, 450.0)
_QUIET: Final = np.float32(1e-5)
"""Mean amplitude of a spectrum under which it is silence: about -90 dBFS."""

Floats = npt.NDArray[np.float32]


class HarmonicMotion:
    """Collects the rows of the shared stream."""

    def __init__(self) -> None:
        self._frames = FrameStream(window_frames=_WINDOW_FRAMES, hop_frames=_HOP_FRAMES)
        self._window = (np.hanning(_WINDOW_FRAMES + 1)[:-1] / (_WINDOW_FRAMES / 4)).astype(np.float32)
        places = _LOWEST_HZ / _BIN_HZ * 2.0 ** (np.arange(_STEPS) / _STEPS_AN_OCTAVE)
        self._below = places.astype(np.intp)
        self._share = (places - self._below).astype(np.float32)
        taper = np.hanning(_SERIES_BINS + 2)[1:-1]
        self._taper = taper.astype(np.float32)
        # A series spaced by f Hz repeats SIZE * BIN_HZ / f times along the padded spectrum.
        self._first = int(np.ceil(_SERIES_SIZE * _BIN_HZ / _PITCHES_HZ[1]))
        self._last = int(_SERIES_SIZE * _BIN_HZ / _PITCHES_HZ[0]) + 1
        self._before = np.zeros((_LAG_HOPS, _STEPS), dtype=np.float32)
        self._hops = 0
        self.rows = HopStore(len(COLUMNS))
        """One row a `MOTION_HOP_S` of the windows that `is_measured`, see `COLUMNS`; zeros in silence."""

    def feed(self, mono: Samples) -> None:
        """Take the next part of the shared stream."""
        self._take(self._frames.feed(mono))

    def finish(self) -> None:
        """End the stream."""
        self._take(self._frames.finish())

    def _take(self, frames: Samples) -> None:
        windows = np.arange(self._hops, self._hops + len(frames)) // WINDOW_HOPS
        self._hops += len(frames)
        frames = frames[is_measured(windows)]
        if len(frames) == 0:
            return
        magnitude = np.abs(scipy.fft.rfft(frames * self._window, axis=1, overwrite_x=True)[:, :_SERIES_BINS])
        sounding = magnitude.mean(axis=1) > _QUIET
        rows = np.concatenate([self._motion(magnitude), self._series(magnitude)], axis=1)
        self.rows.append(rows * sounding[:, np.newaxis])

    def _motion(self, magnitude: Floats) -> Features:
        """Return moving, together, staying and contrast, ``(hops, 4)``."""
        amplitude = np.sqrt(magnitude)
        laid = amplitude[:, self._below] * (1.0 - self._share) + amplitude[:, self._below + 1] * self._share
        peaks = np.maximum(laid - moving_mean32(laid, _NEIGHBOURHOOD_STEPS, axis=1), 0.0)
        contrast = peaks.sum(axis=1) / np.maximum(laid.sum(axis=1), _QUIET)
        joined = np.concatenate([self._before, peaks])
        self._before = joined[-_LAG_HOPS:].copy()
        likeness = _likeness(joined[_LAG_HOPS:], joined[:-_LAG_HOPS])
        middle = _LARGEST_SHIFT
        up, down = likeness[middle + 1 :].max(axis=0), likeness[:middle].max(axis=0)
        gain_up = np.maximum(up - np.maximum(likeness[middle], down), 0.0)
        gain_down = np.maximum(down - np.maximum(likeness[middle], up), 0.0)
        weights = peaks.reshape(len(peaks), _SUB_BANDS, -1).sum(axis=2)
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), _QUIET)
        moving = (weights * (gain_up + gain_down)).sum(axis=1)
        together = np.abs((weights * (gain_up - gain_down)).sum(axis=1))
        staying = (weights * likeness[middle]).sum(axis=1)
        return np.stack([moving, together, staying, contrast], axis=1)

    def _series(self, magnitude: Floats) -> Features:
        """Return the height of the best harmonic series and its pitch in octaves above 70 Hz, ``(hops, 2)``."""
        level = np.log(magnitude + np.float32(0.01) * magnitude.mean(axis=1, keepdims=True) + np.float32(1e-9))
        level -= moving_mean32(level, 81, axis=1)
        ripple = np.abs(scipy.fft.rfft(level * self._taper, n=_SERIES_SIZE, axis=1)[:, self._first : self._last])
        best = ripple.argmax(axis=1)
        height = ripple[np.arange(len(ripple)), best] / np.maximum(ripple.mean(axis=1), _QUIET)
        pitch = np.log2(_SERIES_SIZE * _BIN_HZ / (self._first + best) / _PITCHES_HZ[0])
        return np.stack([height, pitch.astype(np.float32)], axis=1)


def is_measured(windows: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether each window, counted from the start of the track, is measured."""
    measured: npt.NDArray[np.bool_] = (windows < _DENSE_WINDOWS) | (windows % 2 == 0)
    return measured


def _likeness(now: Floats, before: Floats) -> Floats:
    """Return the cosine likeness of each sub-band for every shift, ``(shifts, hops, sub-bands)``."""
    reach, count = _LARGEST_SHIFT, len(now)
    padded = np.pad(before, ((0, 0), (reach, reach)))
    by_band = now.reshape(count, _SUB_BANDS, -1)
    norm_now = np.einsum("hbk,hbk->hb", by_band, by_band)
    likeness = np.empty((2 * reach + 1, count, _SUB_BANDS), dtype=np.float32)
    for index in range(2 * reach + 1):
        # Shift +s: what lay s steps lower before lies here now.
        moved = padded[:, 2 * reach - index : 2 * reach - index + _STEPS].reshape(count, _SUB_BANDS, -1)
        norm = norm_now * np.einsum("hbk,hbk->hb", moved, moved)
        product = np.einsum("hbk,hbk->hb", by_band, moved)
        likeness[index] = product / np.sqrt(np.maximum(norm, np.float32(1e-18)))
    return likeness
