"""The analysis filter banks of MP3, AAC, Ogg Vorbis and Opus, as matrices from a stretch of samples to spectral lines.

A lossy codec stores rounded lines, many of them zero. Who cuts the decoded sound at the same places and turns it into
the same lines finds the zeros again; at every other place they are smeared.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Kernel = npt.NDArray[np.float32]

_SUBBANDS: Final = 32
_SUBBAND_LINES: Final = 18
_POLYPHASE_TAPS: Final = 512
_PROTOTYPE: Final = (0.1091679, 0.1091713, 0.1087613, 0.1025475, 0.0771983, 0.0374396, 0.0094513, 0.0008439)
"""Cosine series of the analysis window of ISO/IEC 11172-3, table 3-C.1: it agrees with the table to -97 dB."""
_ALIAS: Final = (-0.6, -0.535, -0.33, -0.185, -0.095, -0.041, -0.0142, -0.0037)
"""Butterfly coefficients of ISO/IEC 11172-3, table 3-B.9."""
_MDCT_LINES: Final = 1024
"""Of the long blocks of AAC, and of Vorbis at 44.1 kHz and above."""
_SHORT_LINES: Final = 128
"""Of the short blocks of both. Whatever blocks Vorbis uses, it moves by multiples of so many frames."""

_CELT_LINES: Final = 960
_CELT_OVERLAP: Final = 120
_CELT_EMPHASIS: Final = 0.85

_MP3_TESTED: Final = range(100, 420, 4)
_MDCT_TESTED: Final = range(180, 740, 8)
_SHORT_TESTED: Final = range(23, 93)
"""4 ... 16 kHz of 22: below, the rounding is too fine to be seen, above, there is often nothing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CodecTransform:
    """One codec's way from samples to lines.

    Attributes:
        codec: ``mp3``, ``aac`` or ``ogg``.
        hop_frames: Distance of its long frames.
        grid_frames: What that distance is a multiple of where short frames stand between long ones.
        kernel: float32 ``(window_frames, lines)``; each column has norm 1, so white noise keeps its level.
    """

    codec: str
    hop_frames: int
    grid_frames: int
    kernel: Kernel

    @property
    def window_frames(self) -> int:
        """How many frames one set of lines is made of."""
        return int(self.kernel.shape[0])


@cache
def codec_transforms() -> tuple[CodecTransform, ...]:
    """Return the transforms to try, the cheapest first; 2.4 MB, made once a process."""
    long = {"hop_frames": _MDCT_LINES, "grid_frames": _MDCT_LINES}
    vorbis = {"hop_frames": _MDCT_LINES, "grid_frames": _SHORT_LINES}
    short = {"hop_frames": _SHORT_LINES, "grid_frames": _SHORT_LINES}
    return (
        CodecTransform(codec="mp3", hop_frames=576, grid_frames=576, kernel=mp3_kernel(_MP3_TESTED)),
        CodecTransform(codec="aac", kernel=mdct_kernel(kaiser_bessel_window(alpha=4.0), _MDCT_TESTED), **long),
        CodecTransform(codec="ogg", kernel=mdct_kernel(vorbis_window(), _MDCT_TESTED), **vorbis),
        CodecTransform(codec="aac", kernel=mdct_kernel(sine_window(2 * _MDCT_LINES), _MDCT_TESTED), **long),
        CodecTransform(
            codec="aac", kernel=mdct_kernel(kaiser_bessel_window(2 * _SHORT_LINES, alpha=6.0), _SHORT_TESTED), **short
        ),
        CodecTransform(codec="ogg", kernel=mdct_kernel(vorbis_window(2 * _SHORT_LINES), _SHORT_TESTED), **short),
        CodecTransform(codec="aac", kernel=mdct_kernel(sine_window(2 * _SHORT_LINES), _SHORT_TESTED), **short),
    )


def sine_window(frames: int) -> Floats:
    """Return the sine window (ISO/IEC 14496-3, 4.6.11.3.2), float64 ``(frames,)``."""
    return np.asarray(np.sin(np.pi * (np.arange(frames) + 0.5) / frames))


def kaiser_bessel_window(frames: int = 2 * _MDCT_LINES, *, alpha: float = 4.0) -> Floats:
    """Return the Kaiser-Bessel derived window (ISO/IEC 14496-3, 4.6.11.3.2), float64 ``(frames,)``."""
    summed = np.cumsum(np.kaiser(frames // 2 + 1, np.pi * alpha))
    rising = np.sqrt(summed[:-1] / summed[-1])
    return np.concatenate([rising, rising[::-1]])


def vorbis_window(frames: int = 2 * _MDCT_LINES) -> Floats:
    """Return the power-complementary window of Vorbis I, 4.3.1, float64 ``(frames,)``."""
    return np.asarray(np.sin(0.5 * np.pi * np.sin(np.pi * (np.arange(frames) + 0.5) / frames) ** 2))


def mdct_kernel(window: Floats, lines: range) -> Kernel:
    """Return the orthonormal MDCT (Princen, Johnson and Bradley 1987) of some lines: float32 ``(frames, lines)``."""
    half = window.size // 2
    time = np.arange(window.size)[:, np.newaxis] + 0.5 + 0.5 * half
    place = np.asarray(lines)[np.newaxis, :] + 0.5
    return np.asarray(np.sqrt(2.0 / half) * window[:, np.newaxis] * np.cos(np.pi / half * time * place), np.float32)


def celt_kernel(lines: range) -> Kernel:
    """Return some of the 960 lines of 20 ms of Opus with its pre-emphasis (RFC 6716, 4.3.7): ``(1081, lines)``."""
    flat = (_CELT_LINES - _CELT_OVERLAP) // 2
    rising = vorbis_window(2 * _CELT_OVERLAP)[:_CELT_OVERLAP]
    window = np.concatenate([np.zeros(flat), rising, np.ones(2 * flat), rising[::-1], np.zeros(flat)])
    plain = mdct_kernel(window, lines).astype(np.float64)[flat - 1 : -flat]
    emphasised = plain.copy()
    emphasised[:-1] -= _CELT_EMPHASIS * plain[1:]
    return np.asarray(emphasised / np.linalg.norm(emphasised, axis=0), dtype=np.float32)


def mp3_kernel(lines: range) -> Kernel:
    """Return some of the 576 lines of layer III long blocks (ISO/IEC 11172-3, C.1.3 and C.1.5.3)."""
    mixed = _without_aliases(_hybrid_lines())
    kernel = mixed.reshape(_SUBBANDS * _SUBBAND_LINES, -1)[lines]
    return np.ascontiguousarray((kernel / np.linalg.norm(kernel, axis=1, keepdims=True)).T, dtype=np.float32)


def _hybrid_lines() -> Floats:
    """Return the MDCT of the subbands' samples, float64 ``(32, 18, frames)``."""
    times = np.arange(2 * _SUBBAND_LINES)
    subband = np.arange(_SUBBANDS)[:, np.newaxis]
    tap = np.arange(_POLYPHASE_TAPS)
    bank = _prototype() * np.cos((2 * subband + 1) * (tap - 16) * np.pi / (2 * _SUBBANDS))
    spread = np.zeros((_SUBBANDS, times.size, _POLYPHASE_TAPS + _SUBBANDS * (times.size - 1)))
    for time in times:
        spread[:, time, _SUBBANDS * time : _SUBBANDS * time + _POLYPHASE_TAPS] = bank[:, ::-1]
    # The odd subbands come out upside down in frequency.
    spread[1::2, 1::2] *= -1.0
    line = np.arange(_SUBBAND_LINES)[:, np.newaxis]
    phase = np.pi / (4 * _SUBBAND_LINES) * (2 * times + 1 + _SUBBAND_LINES) * (2 * line + 1)
    mdct = sine_window(times.size) * np.cos(phase)
    return np.asarray(np.tensordot(mdct, spread, axes=(1, 1)).transpose(1, 0, 2))


def _prototype() -> Floats:
    turn = 2.0 * np.pi * (np.arange(_POLYPHASE_TAPS) - _POLYPHASE_TAPS // 2) / _POLYPHASE_TAPS
    series = sum(weight * np.cos(order * turn) for order, weight in enumerate(_PROTOTYPE[1:], start=1))
    return np.asarray(_PROTOTYPE[0] + 2.0 * series)


def _without_aliases(lines: Floats) -> Floats:
    """Apply the encoder's butterflies between neighbouring subbands."""
    mixed = lines.copy()
    weights = np.array(_ALIAS)
    keep = (1.0 / np.sqrt(1.0 + weights**2))[:, np.newaxis]
    cross = (weights / np.sqrt(1.0 + weights**2))[:, np.newaxis]
    upper = lines[:-1, : -len(_ALIAS) - 1 : -1]
    lower = lines[1:, : len(_ALIAS)]
    mixed[:-1, : -len(_ALIAS) - 1 : -1] = upper * keep + lower * cross
    mixed[1:, : len(_ALIAS)] = lower * keep - upper * cross
    return mixed
