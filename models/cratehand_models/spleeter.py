"""Two stems with Spleeter's U-nets: soft masks on the spectrum.

After `spleeter.model` (Hennequin et al. 2020, MIT): Hann window, 4096 points, a hop of 1024; segments of 512 hops and
the 1024 lowest bins (up to 11 kHz). Each net masks the magnitudes; the squares of what they leave, divided by their
sum, are the masks of the mix. Above 11 kHz, which the nets never see, a hop's mask is the mean of its mask below, as
Spleeter's ``mask_extension = "average"``.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, rfft

from cratehand.domain.audio import Samples
from cratehand.domain.stem import StemKind
from cratehand_models.session import ModelSession

_POINTS: Final = 4096
_HOP: Final = 1024
_HOPS: Final = 512
_BINS: Final = 1024
_HANN: Final = np.hanning(_POINTS + 1)[:-1].astype(np.float32)
_TINY: Final = np.float32(1e-10)

WINDOW_FRAMES: Final = (_HOPS - 1) * _HOP
"""11.9 s at 44.1 kHz: one segment, its first and last hop centred on the ends."""

Spectrum = npt.NDArray[np.complex64]
"""``(2, 512, 2049)``."""


class SpleeterSeparator:
    """Implements `StemSeparator`."""

    kinds: tuple[StemKind, ...] = (StemKind.VOCALS, StemKind.ACCOMPANIMENT)
    sample_rate_hz: int = 44_100
    window_frames: int = WINDOW_FRAMES

    def __init__(self, session: ModelSession, *, name: str) -> None:
        self._session = session
        self.name = name

    def separate(self, mix: Samples) -> Samples:
        """Separate one window; see `StemSeparator`."""
        spectrum = to_spectrum(mix)
        magnitude = np.abs(spectrum[np.newaxis, :, :, :_BINS]).astype(np.float32)
        vocals, accompaniment = self._session.run({"magnitude": magnitude})
        return np.stack([to_wave(spectrum * mask) for mask in soft_masks(vocals[0], accompaniment[0])])


def soft_masks(*estimates: npt.NDArray[np.float32]) -> list[npt.NDArray[np.float32]]:
    """Turn what the nets leave into masks that add up to one.

    Args:
        estimates: Magnitudes of each stem, float32 ``(2, 512, 1024)``.

    Returns:
        A mask for each, float32 ``(2, 512, 2049)``, in [0, 1].
    """
    powers = [estimate**2 + _TINY / len(estimates) for estimate in estimates]
    total = np.sum(powers, axis=0)
    masks = []
    for power in powers:
        low = power / total
        high = np.repeat(low.mean(axis=-1, keepdims=True), _POINTS // 2 + 1 - _BINS, axis=-1)
        masks.append(np.concatenate([low, high], axis=-1).astype(np.float32))
    return masks


def to_spectrum(mix: Samples) -> Spectrum:
    """Transform one window, float32 ``(2, WINDOW_FRAMES)``, zeros around it; return ``(2, 512, 2049)``."""
    padded = np.pad(mix, ((0, 0), (_POINTS // 2, _POINTS // 2)))
    hops = np.lib.stride_tricks.sliding_window_view(padded, _POINTS, axis=1)[:, ::_HOP]
    spectrum: Spectrum = rfft(hops * _HANN, axis=-1).astype(np.complex64)
    return spectrum


def to_wave(spectrum: Spectrum) -> Samples:
    """Transform back: ``(2, 512, 2049)`` to float32 ``(2, WINDOW_FRAMES)``."""
    hops = irfft(spectrum, n=_POINTS, axis=-1).astype(np.float32) * _HANN
    length = WINDOW_FRAMES + _POINTS
    wave, weight = np.zeros((2, length), dtype=np.float32), np.zeros(length, dtype=np.float32)
    for hop in range(_HOPS):
        start = hop * _HOP
        wave[:, start : start + _POINTS] += hops[:, hop]
        weight[start : start + _POINTS] += _HANN * _HANN
    kept = slice(_POINTS // 2, _POINTS // 2 + WINDOW_FRAMES)
    result: Samples = wave[:, kept] / weight[kept]
    return result
