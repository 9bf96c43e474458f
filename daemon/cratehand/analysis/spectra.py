"""Short spectra of the shared stream: the levels of log-spaced bands every 2.9 ms."""

import itertools
from typing import Final

import numpy as np
import scipy.fft

from cratehand.analysis.analysis_rate import ANALYSIS_RATE_HZ
from cratehand.analysis.block_stream import FrameStream
from cratehand.analysis.hop_store import Features
from cratehand.domain.audio import Samples

HOP_FRAMES: Final = 64
HOP_S: Final = HOP_FRAMES / ANALYSIS_RATE_HZ
"""Seconds between two short spectra: 2.9 ms."""
WINDOW_FRAMES: Final = 512
"""23 ms: short enough for an attack, long enough to tell a kick from a bass."""
BAND_EDGES_BINS: Final = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    10,
    12,
    14,
    17,
    20,
    24,
    29,
    35,
    42,
    50,
    60,
    72,
    86,
    103,
    124,
    149,
    179,
    215,
    257,
)
"""Edges of the bands in bins of 43 Hz: single bins at the bottom, then a fifth of an octave and more."""
BANDS: Final = len(BAND_EDGES_BINS) - 1
BAND_CENTRES_HZ: Final = tuple(
    (low + high - 1) / 2 * ANALYSIS_RATE_HZ / WINDOW_FRAMES for low, high in itertools.pairwise(BAND_EDGES_BINS)
)


class BandSpectrum:
    """Turns the shared stream into band powers, hop by hop."""

    def __init__(self) -> None:
        self._frames = FrameStream(window_frames=WINDOW_FRAMES, hop_frames=HOP_FRAMES)
        window = np.hanning(WINDOW_FRAMES + 1)[:-1]
        # Scaled so that a full-scale sine gives a power of 0.5, as its mean square does.
        self._window = (window / np.sqrt((window**2).sum() * WINDOW_FRAMES / 2)).astype(np.float32)

    def feed(self, mono: Samples) -> Features:
        """Return band powers (mean square) of the hops that became complete, float32 ``(hops, BANDS)``."""
        return self._powers(self._frames.feed(mono))

    def finish(self) -> Features:
        """Return those of the last hops."""
        return self._powers(self._frames.finish())

    def _powers(self, frames: Samples) -> Features:
        if len(frames) == 0:
            return np.empty((0, BANDS), dtype=np.float32)
        spectrum = scipy.fft.rfft(frames * self._window, axis=1, overwrite_x=True)
        power = spectrum.real**2
        power += spectrum.imag**2
        return np.add.reduceat(power, BAND_EDGES_BINS[:-1], axis=1)
