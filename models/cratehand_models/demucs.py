"""Four stems with htdemucs. The graph holds the network; the transform to the spectrum and back is done here.

After `demucs.htdemucs.HTDemucs` and `demucs.spec` of Demucs 4 (MIT): Hann window, 4096 points, a hop of 1024, both
directions normalised by the root of the window's length; the network sees 336 hops of 2048 bins and normalises each
window by itself.
"""

from concurrent.futures import ThreadPoolExecutor
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
_SHARING: Final = _POINTS // _HOP
"""So many windows lie over each sample; there the squares of their weights make 1.5 together."""
_HANN: Final = np.hanning(_POINTS + 1)[:-1].astype(np.float32)
_SCALE: Final = np.float32(_POINTS**0.5)
_THERE: Final = _HANN / _SCALE
_BACK: Final = _HANN * _SCALE / np.float32(1.5)
INPUTS: Final = ("input", "onnx::ReduceMean_1")
"""The mix and its spectrum, as the graph that users fetch names them; one that is exported anew has to do the same."""
OUTPUTS: Final = ("output", "5073")
"""The spectra of the stems, and what the time branch adds to their waves."""

Spectrum = npt.NDArray[np.float32]
"""``(1, 4, 2048, 336)``: real and imaginary part of the left channel, then of the right."""


class DemucsSeparator:
    """Implements `StemSeparator`."""

    kinds: tuple[StemKind, ...] = (StemKind.DRUMS, StemKind.BASS, StemKind.OTHER, StemKind.VOCALS)
    sample_rate_hz: int = 44_100
    window_frames: int = WINDOW_FRAMES

    def __init__(self, session: ModelSession, *, name: str) -> None:
        self._session = session
        self.name = name

    def separate(self, mix: Samples) -> Samples:
        """Separate one window; see `StemSeparator`."""
        spectra, waves = self._session.run(dict(zip(INPUTS, (mix[np.newaxis], to_spectrum(mix)), strict=True)))
        # The network on an accelerator takes a fraction of what the transforms take on one core.
        with ThreadPoolExecutor(min(self._session.threads, len(self.kinds))) as pool:
            stems: Samples = np.stack(list(pool.map(to_wave, spectra[0])))
        stems += waves[0]
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
    kept = slice(2 * _HOP, (2 + _HOPS) * _HOP, _HOP)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _POINTS, axis=1)[:, kept]
    spectrum = rfft(frames * _THERE, axis=-1)[:, :, :_BINS].swapaxes(1, 2)
    parts = np.empty((1, 2, 2, _BINS, _HOPS), dtype=np.float32)
    parts[0, :, 0], parts[0, :, 1] = spectrum.real, spectrum.imag
    return parts.reshape(1, 4, _BINS, _HOPS)


def to_wave(spectrum: Spectrum) -> Samples:
    """Transform one stem of one window back.

    Args:
        spectrum: float32 ``(4, 2048, 336)``, as one entry of `to_spectrum`.

    Returns:
        float32 ``(2, 343980)``.
    """
    parts = spectrum.reshape(2, 2, _BINS, _HOPS)
    whole = np.zeros((2, _HOPS + 4, _BINS + 1), dtype=np.complex64)
    inner = whole[:, 2 : 2 + _HOPS, :_BINS]
    inner.real, inner.imag = parts[:, 0].swapaxes(1, 2), parts[:, 1].swapaxes(1, 2)
    frames = irfft(whole, n=_POINTS, axis=-1, overwrite_x=True)
    frames *= _BACK
    hops = frames.reshape(2, _HOPS + 4, _SHARING, _HOP)
    wave = np.zeros((2, _HOPS + 3 + _SHARING, _HOP), dtype=np.float32)
    for late in range(_SHARING):
        wave[:, late : late + _HOPS + 4] += hops[:, :, late]
    start = _POINTS // 2 + _EDGE
    return wave.reshape(2, -1)[:, start : start + WINDOW_FRAMES]
