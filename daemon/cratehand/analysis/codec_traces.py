"""Whether a lossy codec once rounded this sound: its zeros, looked for at every place where its frames may lie.

The loudest passages are searched at all places; what stands out there has to stand out in other passages too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.codec_transforms import CodecTransform, codec_transforms
from cratehand.analysis.passages import PASSAGE_FRAMES, Passage
from cratehand.domain.audio import Samples

_SEARCHED_PASSAGES: Final = 12
_SEARCHED_FRAMES: Final = 1_024
"""Of each passage so much is looked at everywhere; the rest confirms."""
_FULL_SCALE: Final = np.float32(32_768.0)
_ZERO: Final = 1.0
"""Steps of 16 bits. Rounding to 16 bits leaves 0.29 of noise on each line that was zero, dithering 0.5."""
_SOUNDING: Final = 12.0
"""Steps of 16 bits: a line that is weaker on average is near zero wherever one looks."""
_MEDIAN_OF_NORMAL: Final = 0.6745
_MEDIAN_OF: Final = 256
"""So many places tell as well as all whether a line sounds."""
_CONTROLS: Final = 30
_CANDIDATES: Final = 8
_BESIDE: Final = np.array([-6, 6])
"""Frames: so near to a codec's own place its zeros are filled already; where the sound itself has gaps they are not."""
_FEWEST_LINES: Final = 60
"""With fewer sounding lines, as in the side of near-mono sound, there is nothing to count."""
_CONVINCING_MARGIN: Final = 12.0
_CONVINCING_RATIO: Final = 2.5
_CONVINCING_SHARE: Final = 0.025
"""What a trace has to exceed, all three. Measured: originals stay below a margin of 7, or, where flat clipping makes
zeros of its own, below a share of 0.005; encodes lie above 18 and 0.035."""
_BEYOND_DOUBT: Final = 40.0

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
Magnitudes = npt.NDArray[np.float32]
Spectra = npt.NDArray[np.complex64]


class _Heard(NamedTuple):
    """One signal of a passage: where it lies in the track, and its spectrum, complex64 ``(bins,)``."""

    start_frame: int
    spectrum: Spectra


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecTrace:
    """What one codec's transform shows at the most telling place for its frames.

    The numbers are from parts of the sound that did not choose the place: chance does not favour it there.

    Attributes:
        codec: ``mp3``, ``aac`` or ``ogg``.
        offset_frames: Start of its frames, modulo their distance.
        share: Share of the sounding lines that are zero there.
        chance: Median share at other places, or that right beside it where that is larger.
        lines: How many sounding lines were counted at each place.
        margin: How far the zeros stand out of those at other places, in standard deviations.
    """

    codec: str
    offset_frames: int
    share: float
    chance: float
    lines: int
    margin: float

    @property
    def convinces(self) -> bool:
        """Whether only a codec explains it."""
        excess = self.share >= max(_CONVINCING_RATIO * self.chance, _CONVINCING_SHARE)
        return excess and self.margin >= _CONVINCING_MARGIN


def search_traces(passages: Sequence[Passage]) -> list[CodecTrace]:
    """Return the best place of each codec transform, until one is beyond doubt; empty where nothing sounds."""
    traces: list[CodecTrace] = []
    signals = _signals(passages)
    for transform in codec_transforms():
        found = [trace for signal in signals for trace in _candidates(transform, signal)]
        if found:
            traces.append(max(found, key=lambda trace: (trace.convinces, trace.margin)))
            if traces[-1].convinces and traces[-1].margin >= _BEYOND_DOUBT:
                break
    return traces


def _signals(passages: Sequence[Passage]) -> list[list[_Heard]]:
    """Return left and side of each passage: joint stereo rounds middle and side, plain stereo left and right."""
    left = [_Heard(passage.start_frame, _spectrum(passage.samples[0])) for passage in passages]
    if not passages or passages[0].samples.shape[0] < 2:
        return [left]
    scale = np.float32(np.sqrt(0.5))
    side = [
        _Heard(passage.start_frame, _spectrum((passage.samples[0] - passage.samples[1]) * scale))
        for passage in passages
    ]
    return [left, side]


def _spectrum(samples: Samples) -> Spectra:
    return np.asarray(scipy.fft.rfft(samples * _FULL_SCALE), dtype=np.complex64)


@cache
def _replies(transform: CodecTransform) -> Spectra:
    """Return what the spectrum of a passage is multiplied by for the lines, complex64 ``(lines, bins)``; 1.5 MB."""
    replies = scipy.fft.rfft(transform.kernel.T, n=PASSAGE_FRAMES, axis=1)
    return np.asarray(np.conj(replies), dtype=np.complex64)


def _candidates(transform: CodecTransform, signal: Sequence[_Heard]) -> list[CodecTrace]:
    """Search a part of each passage at all places, and return how the best ones do in the other parts."""
    split = _SEARCHED_FRAMES // transform.hop_frames
    lines_of = [(heard.start_frame, _lines(transform, heard.spectrum)) for heard in signal]
    places = np.arange(transform.grid_frames)
    zeros, sounding = _count(transform, lines_of[:_SEARCHED_PASSAGES], places, frames=range(split))
    if sounding == 0:
        return []
    best = np.argsort(-zeros)[:_CANDIDATES]
    beside = (best[:, np.newaxis] + _BESIDE) % transform.grid_frames
    controls = np.linspace(0, transform.grid_frames, _CONTROLS, endpoint=False).astype(np.intp)
    rest = range(split, PASSAGE_FRAMES // transform.hop_frames)
    again, lines = _count(transform, lines_of, np.concatenate([best, beside.ravel(), controls]), frames=rest)
    if lines < _FEWEST_LINES:
        return []
    there, near, elsewhere = np.split(again, [best.size, best.size + beside.size])
    # Medians: the true place may be one of the controls.
    usual = float(np.median(elsewhere))
    spread = 1.4826 * float(np.median(np.abs(elsewhere - usual)))
    chances = np.maximum(near.reshape(beside.shape).max(axis=1), usual)
    return [
        CodecTrace(
            codec=transform.codec,
            offset_frames=int(place),
            share=float(zeros) / lines,
            chance=float(chance) / lines,
            lines=lines,
            margin=float((zeros - chance) / max(spread, np.sqrt(chance + 1.0))),
        )
        for place, zeros, chance in zip(best, there, chances, strict=True)
    ]


def _lines(transform: CodecTransform, spectrum: Spectra) -> Magnitudes:
    """Return the size of each line for frames that begin at each sample, float32 ``(lines, places)``.

    A line at all places is a correlation of the passage with a column of the kernel; by its spectrum it costs a fifth
    of the products one by one.
    """
    everywhere = scipy.fft.irfft(spectrum * _replies(transform), n=PASSAGE_FRAMES, axis=1, overwrite_x=True)
    # What lies beyond wraps around the end of the passage.
    return np.asarray(np.abs(everywhere[:, : PASSAGE_FRAMES - transform.window_frames + 1]), dtype=np.float32)


def _count(
    transform: CodecTransform, lines_of: Sequence[tuple[int, Magnitudes]], places: Places, *, frames: range
) -> tuple[Floats, int]:
    """Return how many sounding lines are zero at each place, float64 ``(places,)``, and how many sound."""
    counts = [_count_passage(transform, start, lines, places, frames) for start, lines in lines_of]
    zeros: Floats = np.zeros(places.size)
    for found, _ in counts:
        zeros += found
    return zeros, sum(sounding for _, sounding in counts)


def _count_passage(
    transform: CodecTransform, start_frame: int, everywhere: Magnitudes, places: Places, frames: range
) -> tuple[Floats, int]:
    hop, grid = transform.hop_frames, transform.grid_frames
    # Of the places that the grid allows within a hop, the frames of a passage stand at one.
    starts = (places - start_frame) % grid + grid * np.arange(hop // grid)[:, np.newaxis]
    inside = np.arange(frames.start, min(frames.stop, everywhere.shape[1] // hop))
    lines = everywhere[:, starts.ravel() + hop * inside[:, np.newaxis]]
    some = lines[:, :, :: max(lines.shape[2] // _MEDIAN_OF, 1)]
    loud = 2 * np.count_nonzero(some > _MEDIAN_OF_NORMAL * _SOUNDING, axis=2) > some.shape[2]
    # A product counts several times as fast as a sum of flags, and exactly.
    flags = (lines < _ZERO).reshape(loud.size, starts.size).astype(np.float32)
    zeros = (loud.ravel().astype(np.float32) @ flags).reshape(starts.shape)
    return np.asarray(zeros.max(axis=0), dtype=np.float64), int(loud.sum())
