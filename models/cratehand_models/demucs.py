"""Four stems with htdemucs. The graph holds the network; the transform to the spectrum and back is done here.

After `demucs.htdemucs.HTDemucs` and `demucs.spec` of Demucs 4 (MIT): Hann window, 4096 points, a hop of 1024, both
directions normalised by the root of the window's length; the network sees 336 hops of 2048 bins and normalises each
window by itself.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, rfft

from cratehand.domain.audio import Samples
from cratehand.domain.stem import StemKind
from cratehand_models.session import ModelSession

WINDOW_FRAMES: Final = 343_980
"""7.8 s at 44.1 kHz."""
_POINTS: Final = 4096
_HOP: Final = 1024
_BINS: Final = _POINTS // 2
_HOPS: Final = -(-WINDOW_FRAMES // _HOP)
_EDGE: Final = _HOP // 2 * 3
_HANN: Final = np.hanning(_POINTS + 1)[:-1].astype(np.float32)
_SCALE: Final = np.float32(_POINTS**0.5)
_MIX, _SPECTRUM = "input", "onnx::ReduceMean_1"
EXPORTED_SPECTRUM: Final = "spectrum"
"""What the second input is called in a graph that ``models/export/htdemucs.py`` made."""

Spectrum = npt.NDArray[np.float32]
"""``(1, 4, 2048, 336)``: real and imaginary part of the left channel, then of the right."""


class DemucsSeparator:
    """Implements `StemSeparator`."""

    kinds: tuple[StemKind, ...] = (StemKind.DRUMS, StemKind.BASS, StemKind.OTHER, StemKind.VOCALS)
    sample_rate_hz: int = 44_100
    window_frames: int = WINDOW_FRAMES

    def __init__(self, session: ModelSession, *, name: str, spectrum: str = _SPECTRUM) -> None:
        self._session = session
        self._spectrum = spectrum
        self.name = name

    def separate(self, mix: Samples) -> Samples:
        """Separate one window; see `StemSeparator`."""
        spectra, waves = self._session.run({_MIX: mix[np.newaxis], self._spectrum: to_spectrum(mix)})
        stems: Samples = np.stack([to_wave(spectrum) for spectrum in spectra[0]]) + waves[0]
        return stems


def to_spectrum(mix: Samples) -> Spectrum:
    """Transform one window.

    Args:
        mix: float32 ``(2, 343980)``.

    Returns:
        float32 ``(1, 4, 2048, 336)``.
    """
    behind = _EDGE + _HOPS * _HOP - WINDOW_FRAMES
    padded = np.pad(mix, ((0, 0), (_EDGE, behind)), mode="reflect")
    padded = np.pad(padded, ((0, 0), (_POINTS // 2, _POINTS // 2)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _POINTS, axis=1)[:, ::_HOP]
    spectrum = rfft(frames * _HANN, axis=-1)[:, 2 : 2 + _HOPS, :_BINS] / _SCALE
    parts = np.stack([spectrum.real, spectrum.imag], axis=1).transpose(0, 1, 3, 2)
    return np.ascontiguousarray(parts.reshape(1, 4, _BINS, _HOPS), dtype=np.float32)


def to_wave(spectrum: Spectrum) -> Samples:
    """Transform one stem of one window back.

    Args:
        spectrum: float32 ``(4, 2048, 336)``, as one entry of `to_spectrum`.

    Returns:
        float32 ``(2, 343980)``.
    """
    parts = spectrum.reshape(2, 2, _BINS, _HOPS)
    whole = np.zeros((2, _HOPS + 4, _BINS + 1), dtype=np.complex64)
    whole[:, 2 : 2 + _HOPS, :_BINS] = (parts[:, 0] + 1j * parts[:, 1]).transpose(0, 2, 1)
    frames = irfft(whole * _SCALE, n=_POINTS, axis=-1).astype(np.float32) * _HANN
    length = (_HOPS + 3) * _HOP + _POINTS
    wave, weight = np.zeros((2, length), dtype=np.float32), np.zeros(length, dtype=np.float32)
    for hop in range(_HOPS + 4):
        start = hop * _HOP
        wave[:, start : start + _POINTS] += frames[:, hop]
        weight[start : start + _POINTS] += _HANN * _HANN
    start = _POINTS // 2 + _EDGE
    kept = slice(start, start + WINDOW_FRAMES)
    result: Samples = wave[:, kept] / weight[kept]
    return result
