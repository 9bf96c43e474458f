"""A few short passages of the sound itself, kept while it streams by: the loud, steady, bright ones."""

import heapq
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.audio import Samples

PASSAGE_FRAMES: Final = 5_120
_STEP_FRAMES: Final = 1_024
_STEPS: Final = PASSAGE_FRAMES // _STEP_FRAMES
_KEPT: Final = 5
_FULL_SCALE: Final = 0.9995
_CLIPPED_WORTH: Final = 1e-3
"""Clipping after decoding smears the lines of a codec; such passages are taken where there are no others."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Passage:
    """A stretch of the first two channels.

    Attributes:
        start_frame: Where it lies in the track.
        samples: float32 ``(channels, 5120)``.
    """

    start_frame: int
    samples: Samples


class PassageStream:
    """Keeps the best passage of each of the best blocks: at most 200 kB, whatever the length of the track."""

    def __init__(self) -> None:
        self._fed = 0
        self._best: list[tuple[float, int, Samples]] = []

    def feed(self, samples: Samples) -> None:
        """Take the next block, ``(channels, frames)``; passages do not cross from one into the next."""
        place, worth = _best_place(samples[:2])
        if worth > 0.0 and (len(self._best) < _KEPT or worth > self._best[0][0]):
            passage = samples[:2, place : place + PASSAGE_FRAMES].copy()
            heapq.heappush(self._best, (worth, self._fed + place, passage))
            if len(self._best) > _KEPT:
                heapq.heappop(self._best)
        self._fed += samples.shape[1]

    def finish(self) -> tuple[Passage, ...]:
        """Return the passages, the best first."""
        ordered = sorted(self._best, key=lambda kept: -kept[0])
        return tuple(Passage(start_frame=start, samples=samples) for _, start, samples in ordered)


def _best_place(samples: Samples) -> tuple[int, float]:
    """Return where the quietest of a passage's steps is loudest in treble, and how loud it is there."""
    steps = samples.shape[1] // _STEP_FRAMES
    if steps < _STEPS:
        return 0, 0.0
    cut = samples[:, : steps * _STEP_FRAMES].reshape(samples.shape[0], steps, _STEP_FRAMES)
    # The difference of neighbours lifts the treble, where codecs round most coarsely.
    treble = np.square(np.diff(cut, axis=2)).mean(axis=(0, 2), dtype=np.float64)
    treble[np.abs(cut).max(axis=(0, 2)) >= _FULL_SCALE] *= _CLIPPED_WORTH
    worths: npt.NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(treble, _STEPS).min(axis=1)
    best = int(worths.argmax())
    return best * _STEP_FRAMES, float(worths[best])
