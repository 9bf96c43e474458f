"""Whether a lossy codec once rounded this sound: its zeros, looked for at every place where its frames may lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.codec_transforms import CodecTransform, tested_transforms
from cratehand.analysis.passages import Passage
from cratehand.domain.audio import Samples

_FULL_SCALE: Final = np.float32(32_768.0)
_ZERO: Final = 1.0
"""Steps of 16 bits. Rounding to 16 bits leaves 0.29 of noise on each line that was zero, dithering 0.5."""
_SOUNDING: Final = 12.0
"""Steps of 16 bits: a line that is weaker on average is near zero wherever one looks."""
_NEIGHBOURS: Final = 3
"""Places so near the peak are part of it."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodecTrace:
    """The best place for one codec's frames.

    Attributes:
        codec: ``mp3``, ``aac`` or ``ogg``.
        offset_frames: Start of its frames, modulo their distance.
        zero_share: Share of the sounding lines that are zero there.
        chance_share: Largest share at any other place.
        lines: How many sounding lines there were at each place.
        agreeing: In how many passages alone the same place stands out.
    """

    codec: str
    offset_frames: int
    zero_share: float
    chance_share: float
    lines: int
    agreeing: int

    @property
    def margin(self) -> float:
        """How far the zeros stand out of chance, in standard deviations of a count."""
        excess = (self.zero_share - self.chance_share) * self.lines
        return float(excess / np.sqrt(self.chance_share * self.lines + 1.0))


def search_traces(passages: Sequence[Passage]) -> list[CodecTrace]:
    """Return the best place of each codec in each of left and side; empty where nothing sounds."""
    traces: list[CodecTrace] = []
    for transform in tested_transforms():
        for signal in _signals(passages):
            trace = _best(transform, signal)
            if trace is not None:
                traces.append(trace)
    return traces


def _signals(passages: Sequence[Passage]) -> list[list[tuple[int, Samples]]]:
    """Return left and side of each passage: joint stereo rounds middle and side, plain stereo left and right."""
    left = [(passage.start_frame, passage.samples[0]) for passage in passages]
    if not passages or passages[0].samples.shape[0] < 2:
        return [left]
    scale = np.float32(np.sqrt(0.5))
    side = [(passage.start_frame, (passage.samples[0] - passage.samples[1]) * scale) for passage in passages]
    return [left, side]


def _best(transform: CodecTransform, signal: Sequence[tuple[int, Samples]]) -> CodecTrace | None:
    counts = [_count_zeros(transform, start, samples) for start, samples in signal]
    lines = np.array([sounding for _, sounding in counts])
    if lines.sum() == 0:
        return None
    zeros = np.stack([found for found, _ in counts])
    together = zeros.sum(axis=0)
    place = int(together.argmax())
    chance = _highest_elsewhere(together, place)
    agreeing = sum(bool(alone[place] > 2.0 * _highest_elsewhere(alone, place) and alone[place] >= 6) for alone in zeros)
    return CodecTrace(
        codec=transform.codec,
        offset_frames=place,
        zero_share=float(together[place] / lines.sum()),
        chance_share=float(chance / lines.sum()),
        lines=int(lines.sum()),
        agreeing=agreeing,
    )


def _highest_elsewhere(counts: Floats, place: int) -> float:
    away = np.abs((np.arange(counts.size) - place + counts.size // 2) % counts.size - counts.size // 2)
    return float(counts[away > _NEIGHBOURS].max())


def _count_zeros(transform: CodecTransform, start_frame: int, samples: Samples) -> tuple[Floats, int]:
    """Return how many sounding lines are zero for each place of the grid, ``(grid_frames,)``, and how many sound."""
    hop = transform.hop_frames
    frames = (samples.size - transform.window_frames) // hop
    windows = np.lib.stride_tricks.sliding_window_view(samples * _FULL_SCALE, transform.window_frames)
    zeros = np.zeros(hop)
    sounding = 0
    for frame in range(frames):
        lines = np.abs(windows[frame * hop : (frame + 1) * hop] @ transform.kernel)
        # Every fourth place tells the usual level of a line as well as all.
        loud = np.median(lines[::4], axis=0) > 0.6745 * _SOUNDING
        zeros += (lines[:, loud] < _ZERO).sum(axis=1)
        sounding += int(loud.sum())
    # Of the places that the grid allows, the frames of a passage stand at one.
    best = zeros.reshape(-1, transform.grid_frames).max(axis=0)
    return np.roll(best, start_frame % transform.grid_frames), sounding
