"""From beat numbers to seconds: constant, jumping, ramping and live tempo."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Times = npt.NDArray[np.float64]
_SPARE_BEATS: Final = 64


@dataclass(frozen=True, eq=False)
class TempoMap:
    """Time of every beat; between beats time is linear."""

    times_s: Times

    def time_s(self, beat: float) -> float:
        """Return when a beat (may be fractional, from 0) comes."""
        return float(np.interp(beat, np.arange(self.times_s.size), self.times_s))

    def beats(self, count: int) -> Times:
        """Return the times of the first `count` beats."""
        return self.times_s[:count]


def constant(tempo_bpm: float, beats: int, *, start_s: float = 0.0) -> TempoMap:
    """Return one tempo from `start_s` on."""
    return TempoMap(start_s + np.arange(beats + _SPARE_BEATS) * 60.0 / tempo_bpm)


def jumps(pieces: list[tuple[float, int]], *, start_s: float = 0.0) -> TempoMap:
    """Return constant pieces ``[(tempo_bpm, beats), ...]`` without a gap between them."""
    steps = np.concatenate([np.full(beats, 60.0 / tempo_bpm) for tempo_bpm, beats in pieces])
    return _from_steps(steps, start_s)


def ramp(from_bpm: float, to_bpm: float, beats: int, *, start_s: float = 0.0) -> TempoMap:
    """Return a tempo that moves linearly per beat."""
    return _from_steps(60.0 / np.linspace(from_bpm, to_bpm, beats), start_s)


def live(tempo_bpm: float, beats: int, rng: np.random.Generator, *, start_s: float = 0.0) -> TempoMap:
    """Return the tempo of a band without a click: it wanders by about 2 %, and each beat is off by about 4 ms.

    The wandering is an autoregressive walk with a memory of some 30 beats.
    """
    wander = np.zeros(beats)
    for beat in range(1, beats):
        wander[beat] = 0.97 * wander[beat - 1] + 0.004 * rng.standard_normal()
    steps = 60.0 / (tempo_bpm * (1.0 + np.clip(wander, -0.05, 0.05)))
    smooth = _from_steps(steps, start_s).times_s
    return TempoMap(smooth + np.clip(0.004 * rng.standard_normal(smooth.size), -0.012, 0.012))


def _from_steps(steps: Times, start_s: float) -> TempoMap:
    spare = np.full(_SPARE_BEATS, steps[-1])
    return TempoMap(start_s + np.concatenate([[0.0], np.cumsum(np.concatenate([steps, spare]))]))
