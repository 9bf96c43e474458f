"""Whether a lossy codec once rounded this sound: its zeros, looked for at every place where its frames may lie.

The loudest passages are searched at all places; what stands out there has to stand out in other passages too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

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
_FEW_PLACES: Final = 128
"""So many products are as quick as a convolution."""
_CONTROLS: Final = 30
_CANDIDATES: Final = 8
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


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecTrace:
    """What one codec's transform shows at the most telling place for its frames.

    The numbers are from parts of the sound that did not choose the place: chance does not favour it there.

    Attributes:
        codec: ``mp3``, ``aac`` or ``ogg``.
        offset_frames: Start of its frames, modulo their distance.
        share: Share of the sounding lines that are zero there.
        chance: Median share at other places.
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
            traces.append(max(found, key=lambda trace: trace.margin))
            if traces[-1].convinces and traces[-1].margin >= _BEYOND_DOUBT:
                break
    return traces


def _signals(passages: Sequence[Passage]) -> list[list[tuple[int, Samples]]]:
    """Return left and side of each passage: joint stereo rounds middle and side, plain stereo left and right."""
    left = [(passage.start_frame, passage.samples[0]) for passage in passages]
    if not passages or passages[0].samples.shape[0] < 2:
        return [left]
    scale = np.float32(np.sqrt(0.5))
    side = [(passage.start_frame, (passage.samples[0] - passage.samples[1]) * scale) for passage in passages]
    return [left, side]


def _candidates(transform: CodecTransform, signal: Sequence[tuple[int, Samples]]) -> list[CodecTrace]:
    """Search a part of each passage at all places, and return how the best ones do in the other parts."""
    split = _SEARCHED_FRAMES // transform.hop_frames
    places = np.arange(transform.grid_frames)
    zeros, sounding = _count(transform, signal[:_SEARCHED_PASSAGES], places, frames=range(split))
    if sounding == 0:
        return []
    best = np.argsort(-zeros)[:_CANDIDATES]
    controls = np.linspace(0, transform.grid_frames, _CONTROLS, endpoint=False).astype(np.intp)
    rest = range(split, PASSAGE_FRAMES // transform.hop_frames)
    again, lines = _count(transform, signal, np.concatenate([best, controls]), frames=rest)
    if lines < _FEWEST_LINES:
        return []
    # Medians: the true place may be one of the controls.
    chance = float(np.median(again[best.size :]))
    spread = 1.4826 * float(np.median(np.abs(again[best.size :] - chance)))
    deviation = max(spread, np.sqrt(chance + 1.0))
    return [
        CodecTrace(
            codec=transform.codec,
            offset_frames=int(place),
            share=float(again[number]) / lines,
            chance=chance / lines,
            lines=lines,
            margin=float((again[number] - chance) / deviation),
        )
        for number, place in enumerate(best)
    ]


def _count(
    transform: CodecTransform, signal: Sequence[tuple[int, Samples]], places: Places, *, frames: range
) -> tuple[Floats, int]:
    """Return how many sounding lines are zero at each place, float64 ``(places,)``, and how many sound."""
    counts = [_count_passage(transform, start, samples, places, frames) for start, samples in signal]
    zeros: Floats = np.zeros(places.size)
    for found, _ in counts:
        zeros += found
    return zeros, sum(sounding for _, sounding in counts)


def _count_passage(
    transform: CodecTransform, start_frame: int, samples: Samples, places: Places, frames: range
) -> tuple[Floats, int]:
    hop, grid = transform.hop_frames, transform.grid_frames
    scaled = samples * _FULL_SCALE
    # Of the places that the grid allows within a hop, the frames of a passage stand at one.
    starts = (places - start_frame) % grid + grid * np.arange(hop // grid)[:, np.newaxis]
    whole = [frame for frame in frames if (frame + 1) * hop <= scaled.size - transform.window_frames + 1]
    zeros = np.zeros(starts.size)
    sounding = 0
    for levels in _levels(transform, scaled, starts.ravel(), whole):
        loud = (levels[:, :: max(levels.shape[1] // 256, 1)] > _MEDIAN_OF_NORMAL * _SOUNDING).mean(axis=1) > 0.5
        zeros += (levels < _ZERO)[loud].sum(axis=0)
        sounding += int(loud.sum())
    best: Floats = zeros.reshape(starts.shape).max(axis=0)
    return best, sounding


def _levels(
    transform: CodecTransform, scaled: Samples, starts: Places, frames: Sequence[int]
) -> Iterator[npt.NDArray[np.float32]]:
    """Yield the magnitudes of the lines of each frame, ``(lines, places)``."""
    hop = transform.hop_frames
    if starts.size == hop and hop > _FEW_PLACES:
        for frame in frames:
            yield np.abs(transform.lines_at_each(scaled[frame * hop :]))[:, starts]
    elif frames:
        windows = np.lib.stride_tricks.sliding_window_view(scaled, transform.window_frames)
        placed = windows[(np.array(frames)[:, np.newaxis] * hop + starts).ravel()]
        yield from np.abs(placed @ transform.kernel).reshape(len(frames), starts.size, -1).transpose(0, 2, 1)
