"""Scores of tempo, beat grid, beats and downbeats. Pure: numbers in, numbers out."""

import itertools
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

EXACT_BPM: Final = 0.05
BEAT_WINDOW_S: Final = 0.07
"""Half-width of the window of the beat F-measure (Dixon 2007; the default of mir_eval)."""
MINUTE_S: Final = 60.0
Times = npt.NDArray[np.float64]


def tempo_exact(said_bpm: float | None, true_bpm: float, also_right_bpm: float | None = None) -> bool:
    """Whether the tempo is within 0.05 BPM of a right one."""
    right = [true_bpm] if also_right_bpm is None else [true_bpm, also_right_bpm]
    return said_bpm is not None and any(abs(said_bpm - bpm) <= EXACT_BPM + 1e-9 for bpm in right)


def tempo_octave_free(said_bpm: float | None, true_bpm: float) -> bool:
    """Whether the tempo, doubled or halved any number of times, is within 0.05 BPM of the true one."""
    if said_bpm is None or said_bpm <= 0:
        return False
    octave = round(np.log2(true_bpm / said_bpm))
    return bool(abs(said_bpm * 2.0**octave - true_bpm) <= EXACT_BPM + 1e-9)


def tempo_within(said_bpm: float | None, true_bpm: float, also_right_bpm: float | None, *, share: float = 0.04) -> bool:
    """Whether the tempo is within 4 % of a right one (the "Accuracy 1" of Gouyon et al., 2006)."""
    right = [true_bpm] if also_right_bpm is None else [true_bpm, also_right_bpm]
    return said_bpm is not None and any(abs(said_bpm - bpm) <= share * bpm for bpm in right)


def f_measure(said_s: Sequence[float], true_s: Sequence[float], *, window_s: float = BEAT_WINDOW_S) -> float:
    """Return the F-measure of events, each matched to at most one other within the window.

    What was said before the first and after the last true event, further away than the window, is not counted: a grid
    goes on through silence. Both empty is 1, one empty is 0.
    """
    if not len(true_s):
        return 1.0 if not len(said_s) else 0.0
    true = np.sort(np.asarray(true_s, dtype=float))
    said = np.sort(np.asarray(said_s, dtype=float))
    said = said[(said >= true[0] - window_s) & (said <= true[-1] + window_s)]
    hits = matches(said, true, window_s=window_s)
    total = said.size + true.size
    return 2.0 * hits / total


def matches(said_s: Times, true_s: Times, *, window_s: float) -> int:
    """Return the size of the largest one-to-one matching of sorted events within the window."""
    hits = said = true = 0
    while said < said_s.size and true < true_s.size:
        difference = said_s[said] - true_s[true]
        if abs(difference) <= window_s + 1e-9:
            hits, said, true = hits + 1, said + 1, true + 1
        elif difference < 0:
            said += 1
        else:
            true += 1
    return hits


def beat_readings(
    beats_s: Sequence[float], downbeats_s: Sequence[float], factor: float | None
) -> list[tuple[list[float], list[float]]]:
    """Return the ways in which beats and downbeats can rightly be read.

    Args:
        beats_s: True beats.
        downbeats_s: True downbeats.
        factor: How another right tempo lies to the written one: 2, 0.5, or None.
    """
    beats, downbeats = list(beats_s), list(downbeats_s)
    readings = [(beats, downbeats)]
    if factor == 2.0:
        between = [(a + b) / 2.0 for a, b in itertools.pairwise(beats)]
        halves = [(a + b) / 2.0 for a, b in itertools.pairwise(downbeats)]
        readings += [(sorted(beats + between), sorted(downbeats + halves)), (sorted(beats + between), downbeats)]
    if factor == 0.5:
        readings += [(beats[::2], downbeats), (beats[::2], downbeats[::2]), (beats[::2], downbeats[1::2])]
    return readings


def grid_errors_ms(
    said_s: Sequence[float], true_s: Sequence[float], *, span_s: float = MINUTE_S
) -> tuple[float, float] | None:
    """Return how far a grid is off in the first and in the last minute, in ms.

    Per minute: the 95th percentile of the distance from a said beat to the nearest true one. True beats are halved,
    doubled, or taken as they are, whichever lies nearest to the said period, so that an octave is no grid error here,
    but beats between the true ones at the right period are.

    Returns:
        None where fewer than 4 beats were said in either span.
    """
    true = np.sort(np.asarray(true_s, dtype=float))
    said = np.sort(np.asarray(said_s, dtype=float))
    if true.size < 4 or said.size < 4:
        return None
    said = said[(said >= true[0] - 0.5 * (true[1] - true[0])) & (said <= true[-1] + 0.5 * (true[-1] - true[-2]))]
    if said.size < 4:
        return None
    octave = round(np.log2(float(np.median(np.diff(true))) / float(np.median(np.diff(said)))))
    if octave >= 1:
        # Said at twice the tempo: the beats half-way are right too.
        steps = np.arange((true.size - 1) * 2**octave + 1) / 2**octave
        true = np.interp(steps, np.arange(true.size), true)
    first = said[said <= true[0] + span_s]
    last = said[said >= true[-1] - span_s]
    if first.size < 4 or last.size < 4:
        return None
    return _error_ms(first, true), _error_ms(last, true)


def _error_ms(said: Times, true: Times) -> float:
    after = np.clip(np.searchsorted(true, said), 1, true.size - 1)
    distance = np.minimum(np.abs(said - true[after - 1]), np.abs(said - true[after]))
    return float(1_000.0 * np.percentile(distance, 95))
