"""Which pitches sound: spectral peaks of the shared stream folded into one octave, fine enough to hear the tuning."""

from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.analysis_rate import ANALYSIS_RATE_HZ
from cratehand.analysis.block_stream import FrameStream
from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.smoothing import moving_mean32
from cratehand.domain.audio import Samples

PITCH_HOP_S: Final = 2048 / ANALYSIS_RATE_HZ
"""Seconds between two rows of chroma: 93 ms."""
CHROMA_BINS: Final = 60
"""Bins of an octave: 20 cents each, bin 0 is centred on C at A = 440 Hz."""
TUNING_BINS: Final = 100
"""Bins of a semitone in the histogram of deviations: one cent each, -50 ... 49."""

_WINDOW_FRAMES: Final = 8192
_HOP_FRAMES: Final = 2048
_BIN_HZ: Final = ANALYSIS_RATE_HZ / _WINDOW_FRAMES
_LOWEST_HZ: Final = 50.0
_HIGHEST_HZ: Final = 2200.0
_BASS_HZ: Final = 200.0
_FLOOR_BINS: Final = 41
_ABOVE_FLOOR: Final = 2.0
"""A tone stands out of its neighbourhood of 110 Hz by 6 dB; noise rarely does."""
_C0_HZ: Final = 440.0 * 2.0 ** (-57 / 12)

Floats = npt.NDArray[np.float64]


class PitchStream:
    """Collects chroma and tuning of the shared stream."""

    def __init__(self) -> None:
        self._frames = FrameStream(window_frames=_WINDOW_FRAMES, hop_frames=_HOP_FRAMES)
        self._window = np.hanning(_WINDOW_FRAMES + 1)[:-1].astype(np.float32) / np.float32(_WINDOW_FRAMES / 4)
        self._first = int(_LOWEST_HZ / _BIN_HZ)
        self._last = int(_HIGHEST_HZ / _BIN_HZ)
        self.chroma = HopStore(CHROMA_BINS)
        """Strength of each pitch class, one row a `PITCH_HOP_S`: sum of the roots of its peaks' amplitudes."""
        self.bass = HopStore(12)
        """The same below 200 Hz, by semitone."""
        self.deviations: Floats = np.zeros(TUNING_BINS)
        """How strongly tones lie how many cents off A = 440 Hz."""
        self._tonal = 0.0
        self._total = 0.0

    @property
    def tonalness(self) -> float:
        """Share of the spectrum's amplitude that stands in peaks: noise about 0.25, music 0.4 and more."""
        return self._tonal / self._total if self._total > 0.0 else 0.0

    def feed(self, mono: Samples) -> None:
        """Take the next part of the shared stream."""
        self._take(self._frames.feed(mono))

    def finish(self) -> None:
        """End the stream."""
        self._take(self._frames.finish())

    def _take(self, frames: Samples) -> None:
        if len(frames) == 0:
            return
        spectrum = scipy.fft.rfft(frames * self._window, axis=1, overwrite_x=True)[:, self._first : self._last]
        magnitude = np.abs(spectrum)
        floor = moving_mean32(magnitude, _FLOOR_BINS, axis=1)
        middle = magnitude[:, 1:-1]
        peak = (middle > magnitude[:, :-2]) & (middle >= magnitude[:, 2:])
        peak &= middle > np.maximum(_ABOVE_FLOOR * floor[:, 1:-1], 1e-5)
        rows, columns = np.nonzero(peak)
        left, top, right = (np.log(magnitude[rows, columns + step] + 1e-9) for step in (0, 1, 2))
        shift = 0.5 * (left - right) / np.minimum(left - 2.0 * top + right, -1e-6)
        pitch = 12.0 * np.log2((self._first + columns + 1 + shift) * _BIN_HZ / _C0_HZ)
        strength = np.sqrt(magnitude[rows, columns + 1] - floor[rows, columns + 1])
        self._add(rows, pitch, strength, len(frames))
        # Three bins of the Hann window hold a tone.
        self._tonal += float(np.minimum(magnitude[rows, columns + 1] * 2.0, 1e6).sum(dtype=np.float64))
        self._total += float(magnitude.sum(dtype=np.float64))

    def _add(self, rows: npt.NDArray[np.intp], pitch: Floats, strength: Samples, count: int) -> None:
        fine = np.floor(pitch * (CHROMA_BINS / 12) + 0.5).astype(np.intp) % CHROMA_BINS
        chroma = np.bincount(rows * CHROMA_BINS + fine, weights=strength, minlength=count * CHROMA_BINS)
        self.chroma.append(chroma.reshape(count, CHROMA_BINS).astype(np.float32))
        low = pitch < 12.0 * np.log2(_BASS_HZ / _C0_HZ)
        semitone = np.floor(pitch[low] + 0.5).astype(np.intp) % 12
        bass = np.bincount(rows[low] * 12 + semitone, weights=strength[low], minlength=count * 12)
        self.bass.append(bass.reshape(count, 12).astype(np.float32))
        # Low tones are too coarse for cents: a bin at 200 Hz is 23 cents wide.
        high = ~low
        cents = np.floor(((pitch[high] + 0.5) % 1.0) * TUNING_BINS).astype(np.intp)
        self.deviations += np.bincount(
            np.minimum(cents, TUNING_BINS - 1), weights=strength[high], minlength=TUNING_BINS
        )
