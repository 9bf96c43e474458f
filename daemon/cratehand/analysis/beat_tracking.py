"""Beats one by one, for music whose tempo moves: a tempo curve, then dynamic programming over the pulse.

The tracking follows Ellis, "Beat Tracking by Dynamic Programming" (2007), with the period taken from a tempo curve
found by Viterbi over combs of short windows.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.pulse import Pulse
from cratehand.analysis.tempo import MAX_TEMPO_BPM, MIN_TEMPO_BPM, comb, prior

_WINDOW_S: Final = 8.0
_STEP_S: Final = 2.0
_TEMPOS: Final = 240
"""Half a percent between two."""
_CHANGE_COST: Final = 0.35
"""What a change of tempo costs, per half percent up to 4 % a step, in units of a window's whole comb contrast / 10."""
_CHANGE_LIMIT: Final = 8
_TIGHTNESS: Final = 100.0
"""Cost of a squared relative deviation from the period (natural logarithm), as in the paper."""

Floats = npt.NDArray[np.float64]


def tempo_curve(pulse: Pulse, *, near_bpm: float | None) -> tuple[Floats, Floats]:
    """Follow the tempo through the track.

    Args:
        pulse: The pulse.
        near_bpm: Octave to stay in: tempos beyond a factor of 1.5 are left out; None allows all.

    Returns:
        Times (s from the curve's start) and tempos (BPM), one every two seconds.
    """
    tempos = np.geomspace(MIN_TEMPO_BPM, MAX_TEMPO_BPM, _TEMPOS)
    window = min(round(_WINDOW_S / pulse.hop_s), pulse.strength.size)
    starts = np.arange(0, max(pulse.strength.size - window, 0) + 1, max(round(_STEP_S / pulse.hop_s), 1))
    salience = np.stack([comb(pulse.strength[start : start + window], pulse.hop_s, tempos) for start in starts])
    salience *= prior(tempos) ** 0.5
    if near_bpm is not None:
        salience[:, np.abs(np.log2(tempos / near_bpm)) > np.log2(1.5)] = 0.0
    salience /= np.maximum(salience.max(axis=1, keepdims=True), 1e-12)
    path = _viterbi(salience)
    times_s: Floats = (starts.astype(np.float64) + window / 2) * pulse.hop_s
    return times_s, tempos[path]


def _viterbi(salience: Floats) -> npt.NDArray[np.intp]:
    """Return the path of states with the most salience, paying for steps; a jump costs like eight steps at most."""
    states = np.arange(salience.shape[1])
    distance = np.minimum(np.abs(states[:, np.newaxis] - states), _CHANGE_LIMIT)
    cost = _CHANGE_COST / 10 * distance
    total = salience[0].copy()
    came_from = np.zeros(salience.shape, dtype=np.intp)
    for step in range(1, len(salience)):
        options = total - cost
        came_from[step] = options.argmax(axis=1)
        total = options[states, came_from[step]] + salience[step]
    path = np.empty(len(salience), dtype=np.intp)
    path[-1] = total.argmax()
    for step in range(len(salience) - 1, 0, -1):
        path[step - 1] = came_from[step, path[step]]
    return path


def track_beats(pulse: Pulse, times_s: Floats, tempos_bpm: Floats) -> Floats:
    """Return the times of the beats (s, absolute), from dynamic programming with a period that follows the curve."""
    strength = pulse.strength / max(float(pulse.strength.std(dtype=np.float64)), 1e-9)
    curve_hops = times_s / pulse.hop_s
    period = (60.0 / np.interp(np.arange(strength.size), curve_hops, tempos_bpm) / pulse.hop_s).astype(np.float32)
    shortest = max(int(period.min() * 0.7), 1)
    score = np.zeros(strength.size)
    previous = np.full(strength.size, -1, dtype=np.int32)
    # All beats that can precede this block lie before it, so it is done at once.
    for start in range(0, strength.size, shortest):
        block = np.arange(start, min(start + shortest, strength.size))
        longest = int(period[block].max() * 1.4) + 1
        lag = np.arange(shortest, longest + 1)
        source = block[:, np.newaxis] - lag
        penalty = _TIGHTNESS * np.log(lag / period[block][:, np.newaxis]) ** 2
        option = np.where(source >= 0, score[np.maximum(source, 0)], 0.0) - penalty
        best = option.argmax(axis=1)
        rows = np.arange(block.size)
        score[block] = strength[block] + np.maximum(option[rows, best], 0.0)
        chosen = source[rows, best]
        previous[block] = np.where((option[rows, best] > 0.0) & (chosen >= 0), chosen, -1)
    return _trace(score, previous, period) * pulse.hop_s + pulse.start_s


def _trace(score: Floats, previous: npt.NDArray[np.int32], period: npt.NDArray[np.float32]) -> Floats:
    tail = max(score.size - int(period[-1] * 1.5), 0)
    beats = [tail + int(score[tail:].argmax())]
    while (before := int(previous[beats[-1]])) >= 0:
        beats.append(before)
    return np.array(beats[::-1], dtype=np.float64)
