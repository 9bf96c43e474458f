"""Whether a copy holds what the codec of another one rounded away: then it is no child of that file.

A codec replaces each line of its transform by the nearest of some fixed values. The master differs from the coded file
by what was rounded off, and seen in that very transform, cut at the very places, this difference never exceeds half
a step: it is spread evenly, not like a bell. Any file made from the coded one differs from it by the noise of a later
codec, a bell there; unless both codecs cut at the same places: then lines that were zero have stayed zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.codec_transforms import (
    CodecTransform,
    Kernel,
    celt_kernel,
    kaiser_bessel_window,
    mdct_kernel,
    mp3_kernel,
    sine_window,
    vorbis_window,
)
from cratehand.domain.audio import Samples

STRETCH_FRAMES: Final = 16_384
"""Length of each stretch that is looked at."""
STRETCH_GRID_FRAMES: Final = 9_216
"""Stretches begin at multiples of it, which are multiples of the frames of all codecs."""
_FULL_SCALE: Final = np.float32(32_768.0)
_SEARCHED_FRAMES: Final = 5_120
_SEARCHED: Final = 6
"""In so many stretches the place of the frames is looked for; it holds for all."""
_CELL: Final = 12
"""Neighbouring lines that share one step, about a scale factor band."""
_FEWEST_ZEROS: Final = 5
"""Of all signals of a frame; by chance there is none. Frames of other lengths have none either."""
_QUIET: Final = 4.0
"""Power in steps of 16 bits: rounding to whole numbers makes 0.1 of it, dithering 0.3."""
_FEWEST_CELLS: Final = 1_000
_EVEN: Final = 0.05
_FILLED: Final = 0.06
"""Measured: masters lie above 0.08 and 0.15. What another codec made of the coded copy lies below 0.02 of the first,
what the same codec made of it below 0.005 of the second."""
_EMPTY: Final = 0.02

Floats = npt.NDArray[np.float64]
Lines = npt.NDArray[np.float32]
Starts = npt.NDArray[np.intp]
_Found = tuple[Floats, Floats, Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundingEvidence:
    """What the difference of two copies looks like in the transform of one of them.

    Attributes:
        cells: How many groups of 12 lines were looked at.
        evenness: By how much the median kurtosis of the difference is smaller at the codec's own places than elsewhere;
            0 for noise of anything else, about 0.2 for what was rounded off.
        zeros: Median power of the other copy where the codec left zeros, against the difference beside them, 0 ... 1.
    """

    cells: int
    evenness: float
    zeros: float

    @property
    def holds_more(self) -> bool:
        """Whether only a copy that is nearer to the master than the coded one explains it."""
        return self.evenness >= _EVEN and self.zeros >= _FILLED

    @property
    def keeps_zeros(self) -> bool:
        """Whether the other copy has nothing where the codec left nothing: it was cut at the same places once more."""
        return self.zeros <= _EMPTY


def leaves_traces(codec: str) -> bool:
    """Whether the transform of a codec is known here."""
    return bool(_transforms(codec))


def rounding_evidence(
    pairs: Sequence[tuple[Samples, Samples]], codec: str, *, zero: float = 0.02
) -> RoundingEvidence | None:
    """Look at the difference of two copies; None where the codec has no such transform or too little can be seen.

    Args:
        pairs: Stretches of the coded copy, from multiples of `STRETCH_GRID_FRAMES` on, and of the other one, aligned to
            a small fraction of a frame and at one level and rate; float32 ``(channels, STRETCH_FRAMES)`` each.
        codec: Of the first copy: ``mp3``, ``aac``, ``vorbis`` or ``opus``.
        zero: What counts as zero in the first copy, in steps of 16 bits.
    """
    best: tuple[float, CodecTransform, int] | None = None
    for transform in _transforms(codec):
        place, count = _place(transform, [coded for coded, _ in pairs[:_SEARCHED]], zero)
        if best is None or count > best[0]:
            best = (count, transform, place)
    if best is None:
        return None
    _, transform, place = best
    own, elsewhere, zeros = _joined([_look(transform, place, pair, zero) for pair in pairs])
    if own.size < _FEWEST_CELLS or not zeros.size:
        return None
    return RoundingEvidence(
        cells=own.size,
        evenness=float(np.median(elsewhere) - np.median(own)),
        zeros=float(np.median(zeros)),
    )


@cache
def _transforms(codec: str) -> tuple[CodecTransform, ...]:
    """Return the long transforms of a codec, of its lines from about 1.5 to 12 kHz."""
    match codec:
        case "mp3":
            return (_transform(codec, 576, 576, mp3_kernel(range(40, 300))),)
        case "aac":
            windows = (kaiser_bessel_window(), sine_window(2048))
            return tuple(_transform(codec, 1024, 1024, mdct_kernel(window, range(72, 540))) for window in windows)
        case "vorbis":
            return (_transform(codec, 1024, 128, mdct_kernel(vorbis_window(), range(72, 540))),)
        case "opus":
            return (_transform(codec, 960, 960, celt_kernel(range(40, 500))),)
        case _:
            return ()


def _transform(codec: str, hop_frames: int, grid_frames: int, kernel: Kernel) -> CodecTransform:
    return CodecTransform(codec=codec, hop_frames=hop_frames, grid_frames=grid_frames, kernel=kernel)


def _signals(samples: Samples) -> list[Samples]:
    """Return left and right, then middle and side: codecs round the one pair or the other."""
    scaled = samples[:2] * _FULL_SCALE
    if scaled.shape[0] < 2:
        return [scaled[0]]
    half = np.float32(np.sqrt(0.5))
    return [scaled[0], scaled[1], (scaled[0] + scaled[1]) * half, (scaled[0] - scaled[1]) * half]


def _place(transform: CodecTransform, stretches: Sequence[Samples], zero: float) -> tuple[int, float]:
    """Return where the frames begin, modulo the grid, and the share of zeros there."""
    kernel = _few(transform)
    replies = np.conj(scipy.fft.rfft(kernel.T, n=_SEARCHED_FRAMES, axis=1))
    usable = (_SEARCHED_FRAMES - transform.window_frames) // transform.grid_frames * transform.grid_frames
    counts: Floats = np.zeros(transform.grid_frames)
    looked = 0
    for stretch in stretches:
        for signal in _signals(stretch[:, :_SEARCHED_FRAMES]):
            lines = scipy.fft.irfft(scipy.fft.rfft(signal) * replies, n=_SEARCHED_FRAMES, axis=1)
            zeros = np.count_nonzero(np.abs(lines[:, :usable]) < zero, axis=0)
            counts += zeros.reshape(-1, transform.grid_frames).sum(axis=0)
            looked += kernel.shape[1] * usable // transform.grid_frames
    return int(counts.argmax()), float(counts.max() / max(looked, 1))


def _few(transform: CodecTransform) -> Lines:
    return np.ascontiguousarray(transform.kernel[:, ::8])


def _look(transform: CodecTransform, place: int, pair: tuple[Samples, Samples], zero: float) -> _Found:
    """Return the kurtosis of each cell of the difference, there and elsewhere, and what is left where zeros were."""
    coded, differences = _signals(pair[0]), _signals(pair[1] - pair[0])
    away = transform.hop_frames // 3 + 7
    starts = np.arange(place, STRETCH_FRAMES - transform.window_frames - away, transform.grid_frames)
    if transform.grid_frames < transform.hop_frames:
        starts = _own_starts(transform, coded, starts, zero)
    lines = [_lines(transform.kernel, signal, starts) for signal in coded]
    counts = np.array([np.count_nonzero(np.abs(each) < zero, axis=1) for each in lines])
    of_rows, of_others = counts[:2].sum(axis=0), counts[2:].sum(axis=0)
    found: list[_Found] = []
    for row, signal in enumerate(differences):
        mine, others = (of_rows, of_others) if row < 2 else (of_others, of_rows)
        good = (mine >= _FEWEST_ZEROS) & (mine >= others)
        if good.any():
            there = _lines(transform.kernel, signal, starts[good])
            elsewhere = _kurtosis(_lines(transform.kernel, signal, starts[good] + away))
            found.append((_kurtosis(there), elsewhere, _left(lines[row][good], there, zero)))
    return _joined(found)


def _joined(found: Sequence[_Found]) -> _Found:
    if not found:
        return np.empty(0), np.empty(0), np.empty(0)
    own, elsewhere, zeros = (np.concatenate(column) for column in zip(*found, strict=True))
    return own, elsewhere, zeros


def _own_starts(transform: CodecTransform, signals: Sequence[Samples], starts: Starts, zero: float) -> Starts:
    """Return the places where frames do begin, of those where they may."""
    few = _few(transform)
    counts = sum(np.count_nonzero(np.abs(_lines(few, signal, starts)) < zero, axis=1) for signal in signals)
    kept: list[int] = []
    for at in np.argsort(-np.asarray(counts)):
        if np.asarray(counts)[at] < 2:
            break
        if all(abs(starts[at] - other) >= transform.hop_frames for other in kept):
            kept.append(int(starts[at]))
    return np.array(sorted(kept), dtype=np.intp)


def _lines(kernel: Lines, signal: Samples, starts: Starts) -> Lines:
    frames = np.lib.stride_tricks.sliding_window_view(signal, kernel.shape[0])[starts]
    return np.asarray(frames @ kernel, dtype=np.float32)


def _cells(lines: Lines) -> Lines:
    whole = lines.shape[1] // _CELL * _CELL
    return lines[:, :whole].reshape(-1, _CELL)


def _kurtosis(lines: Lines) -> Floats:
    squares = np.square(_cells(lines).astype(np.float64))
    power = squares.mean(axis=1)
    loud = power > _QUIET
    return np.asarray(np.square(squares).mean(axis=1)[loud] / np.square(power[loud]))


def _left(coded: Lines, difference: Lines, zero: float) -> Floats:
    """Return the power at each zero, in parts of the power of the difference beside zeros in the same cell."""
    zeros, squares = np.abs(_cells(coded)) < zero, np.square(_cells(difference).astype(np.float64))
    count = zeros.sum(axis=1)
    beside = (squares * ~zeros).sum(axis=1) / np.maximum(_CELL - count, 1)
    told = (count >= 2) & (count <= 3 * _CELL // 4) & (beside > _QUIET)
    parts = squares[told] / beside[told, np.newaxis]
    return np.asarray(parts[zeros[told]])
