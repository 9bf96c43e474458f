"""Beat times to the fewest straight pieces."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.pulse import Pulse

TOLERANCE_S: Final = 0.010
"""Beats of one piece stay this near to its line."""

_SHARE: Final = 0.85
"""So many of them: a missed or doubled hit is no change of tempo."""
_RUN_BEATS: Final = 6
"""So many in a row beyond the tolerance, on one side, are one."""
_SHORTEST_BEATS: Final = 4
_SETTLING_ROUNDS: Final = 3

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Beats ``first_beat ... first_beat + beats - 1`` lie at ``start_s + k * beat_s``."""

    first_beat: int
    beats: int
    start_s: float
    beat_s: float


def sharpen(beats_s: Floats, pulse: Pulse) -> Floats:
    """Move each beat to the vertex of the parabola through the strongest hop within 18 ms of it."""
    reach = max(round(0.018 / pulse.hop_s), 1)
    middle = np.round((beats_s - pulse.start_s) / pulse.hop_s).astype(np.intp)
    around = np.clip(middle[:, np.newaxis] + np.arange(-reach, reach + 1), 1, pulse.strength.size - 2)
    rows = np.arange(beats_s.size)
    top = around[rows, pulse.strength[around].argmax(axis=1)]
    left, centre, right = (pulse.strength[top + step].astype(np.float64) for step in (-1, 0, 1))
    bend = np.minimum(left - 2.0 * centre + right, -1e-9)
    shift = np.clip(0.5 * (left - right) / bend, -0.5, 0.5)
    return np.asarray(pulse.start_s + (top + shift) * pulse.hop_s)


def fit_pieces(beats_s: Floats) -> tuple[Piece, ...]:
    """Lay straight pieces over at least two ascending beat times, each as long as the tolerance allows."""
    firsts = [0]
    while (following := firsts[-1] + _longest(beats_s[firsts[-1] :])) < beats_s.size - 1:
        firsts.append(following)
    for _ in range(_SETTLING_ROUNDS):
        _settle(beats_s, firsts)
    bounds = [*firsts, beats_s.size]
    return _joined(tuple(_piece(beats_s, first, end - first) for first, end in pairwise(bounds)))


def _settle(beats_s: Floats, firsts: list[int]) -> None:
    """Move each border to where the two lines beside it explain the beats best.

    A piece grows until it no longer fits, so at first it reaches some beats into the next tempo.
    """
    bounds = [0, *firsts[1:], beats_s.size]
    for index in range(1, len(firsts)):
        start, border, end = bounds[index - 1 : index + 2]
        lowest, highest = start + 2, end - 2
        if highest <= lowest:
            continue
        places = np.arange(start, end)
        before = _misfit(beats_s, start, border, places)
        after = _misfit(beats_s, border, end, places)
        # Cost of a border at b: beats before it by the first line, from it on by the second.
        cost = np.concatenate([[0.0], np.cumsum(before)]) + after.sum() - np.concatenate([[0.0], np.cumsum(after)])
        inside = cost[lowest - start : highest - start + 1]
        bounds[index] = firsts[index] = lowest + int(inside.argmin())


def _misfit(beats_s: Floats, first: int, end: int, places: npt.NDArray[np.intp]) -> Floats:
    offset, slope = _line(beats_s[first:end])
    return np.minimum(np.abs(beats_s[places] - offset - slope * (places - first)), 3.0 * TOLERANCE_S)


def _longest(beats_s: Floats) -> int:
    """Return how many beats from the first on lie on one line: doubling, then halving."""
    if beats_s.size <= _SHORTEST_BEATS + 1:
        return int(beats_s.size)
    good, bad = _SHORTEST_BEATS, beats_s.size + 1
    while good < beats_s.size and bad > beats_s.size:
        wanted = min(2 * good, beats_s.size)
        if _straight(beats_s[:wanted]):
            good = wanted
        else:
            bad = wanted
    while bad - good > 1 and good < beats_s.size:
        middle = (good + bad) // 2
        if _straight(beats_s[:middle]):
            good = middle
        else:
            bad = middle
    # A last beat alone makes no piece.
    return good if beats_s.size - good > 1 else int(beats_s.size)


def _straight(beats_s: Floats) -> bool:
    offset, slope = _line(beats_s)
    residual = beats_s - offset - slope * np.arange(beats_s.size)
    far = np.abs(residual) > TOLERANCE_S
    if far.mean() > 1.0 - _SHARE:
        return False
    side = np.where(far, np.sign(residual), 0.0)
    run = min(_RUN_BEATS, side.size)
    return bool(np.abs(np.convolve(side, np.ones(run), mode="valid")).max() < run)


def _line(beats_s: Floats) -> tuple[float, float]:
    """Return offset and slope of a robust line through ``(0, b0), (1, b1) ...``."""
    index = np.arange(beats_s.size, dtype=np.float64)
    half = max(beats_s.size // 2, 1)
    slope = float(np.median((beats_s[half:] - beats_s[: beats_s.size - half]) / half))
    offset = float(np.median(beats_s - slope * index))
    for _ in range(3):
        residual = beats_s - offset - slope * index
        weight = np.maximum(1.0 - (residual / (3.0 * TOLERANCE_S)) ** 2, 0.0) ** 2
        total = weight.sum()
        if total <= 1e-9:
            break
        centre = (weight * index).sum() / total
        moment = (weight * (index - centre) ** 2).sum()
        change = (weight * (index - centre) * residual).sum() / moment if moment > 0.0 else 0.0
        offset += float((weight * residual).sum() / total - change * centre)
        slope += float(change)
    return offset, slope


def _piece(beats_s: Floats, first: int, length: int) -> Piece:
    offset, slope = _line(beats_s[first : first + length])
    return Piece(first_beat=first, beats=length, start_s=offset, beat_s=slope)


def _joined(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Let each piece end where the next begins, unless that would bend it beyond the tolerance."""
    joined: list[Piece] = []
    for index, piece in enumerate(pieces):
        beat_s = piece.beat_s
        if index + 1 < len(pieces):
            meeting = (pieces[index + 1].start_s - piece.start_s) / piece.beats
            if abs(meeting - beat_s) * piece.beats <= 2.0 * TOLERANCE_S:
                beat_s = meeting
        joined.append(Piece(first_beat=piece.first_beat, beats=piece.beats, start_s=piece.start_s, beat_s=beat_s))
    return tuple(joined)
