"""A few short passages of the sound itself, kept while it streams by: the loud, steady, bright ones."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.audio import Samples

PASSAGE_FRAMES: Final = 5_120
_STEP_FRAMES: Final = 1_024
_STRETCH_FRAMES: Final = 1 << 15
"""0.7 s at 44.1 kHz; at most one passage of each."""
_STEPS: Final = PASSAGE_FRAMES // _STEP_FRAMES
PASSAGES: Final = 16
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Candidate:
    worth: float
    passage: Passage


class PassageStream:
    """Keeps the best passage of each of at most 32 stretches of the track: at most 1.3 MB, whatever its length."""

    def __init__(self) -> None:
        self._fed = 0
        self._kept: list[_Candidate] = []
        self._stretches_each = 1
        self._stretches_waiting = 0
        self._waiting: _Candidate | None = None

    def feed(self, samples: Samples) -> None:
        """Take the next block, ``(channels, frames)``; passages do not cross from one into the next."""
        for start in range(0, samples.shape[1], _STRETCH_FRAMES):
            self._look(samples[:2, start : start + _STRETCH_FRAMES])

    def _look(self, stretch: Samples) -> None:
        place, worth = _best_place(stretch)
        if worth > 0.0 and (self._waiting is None or worth > self._waiting.worth):
            passage = Passage(start_frame=self._fed + place, samples=stretch[:, place : place + PASSAGE_FRAMES].copy())
            self._waiting = _Candidate(worth=worth, passage=passage)
        self._fed += stretch.shape[1]
        self._stretches_waiting += 1
        if self._stretches_waiting == self._stretches_each:
            self._keep_waiting()

    def _keep_waiting(self) -> None:
        if self._waiting is not None:
            self._kept.append(self._waiting)
        self._waiting, self._stretches_waiting = None, 0
        if len(self._kept) == 2 * PASSAGES:
            # A long track: from now on the best of twice as many stretches.
            pairs = zip(self._kept[::2], self._kept[1::2], strict=True)
            self._kept = [max(pair, key=lambda candidate: candidate.worth) for pair in pairs]
            self._stretches_each *= 2

    def finish(self) -> tuple[Passage, ...]:
        """Return the 16 best passages, the best first."""
        self._keep_waiting()  # changes nothing when it is called again
        ordered = sorted(self._kept, key=lambda candidate: -candidate.worth)
        return tuple(candidate.passage for candidate in ordered[:PASSAGES])


def _best_place(samples: Samples) -> tuple[int, float]:
    """Return where the treble is loud and steady, and how much so: at attacks codecs use short frames."""
    steps = samples.shape[1] // _STEP_FRAMES
    if steps < _STEPS:
        return 0, 0.0
    cut = samples[:, : steps * _STEP_FRAMES].reshape(samples.shape[0], steps, _STEP_FRAMES)
    # The difference of neighbours lifts the treble, where codecs round most coarsely.
    treble = np.square(np.diff(cut, axis=2)).mean(axis=(0, 2), dtype=np.float64)
    treble[np.abs(cut).max(axis=(0, 2)) >= _FULL_SCALE] *= _CLIPPED_WORTH
    stretches = np.lib.stride_tricks.sliding_window_view(treble, _STEPS)
    worths: npt.NDArray[np.float64] = stretches.min(axis=1) ** 2 / (stretches.mean(axis=1) + 1e-30)
    best = int(worths.argmax())
    return best * _STEP_FRAMES, float(worths[best])
