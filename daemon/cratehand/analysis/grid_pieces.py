"""Beat times to the fewest straight pieces that stay within 10 ms.

A beat grid is a line that bends at some beats: time over the number of the beat. First each piece is made as long as
any line stays near its beats; then the borders are moved to where the two lines beside them explain the beats best;
then all bends are fitted at once, so that each piece ends where the next begins; last, bends are added where the
line is still too far away, and those that are not needed are taken out. Only where the beats themselves leap, as in an
edit, may the line be broken.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.linalg

from cratehand.analysis.pulse import Pulse

TOLERANCE_S: Final = 0.0068
"""Beats stay this near to the line; a third of the 10 ms is left for how exactly a beat is measured."""

_LEAP_S: Final = 0.025
"""Two lines that meet with a larger gap are not joined."""
_STRAY_S: Final = 0.012
"""A single beat this far from where its neighbours on both sides expect it is a wrong reading."""
_WEAK: Final = 0.3
"""A beat struck less than this share of the usual one is believed only where it is regular."""
_STRAY_WEAK_S: Final = 0.004
_SHORTEST_BEATS: Final = 4
_SETTLING_ROUNDS: Final = 3
_POWERS: Final = (3.0, 3.0, 4.5, 4.5, 7.0, 7.0, 7.0, 10.0, 10.0, 10.0, 10.0)
"""Growing powers of the distances whose sum is made small: iteratively reweighted least squares, Newton's step."""
_MISREAD: Final = 2.0
_FEW: Final = 0.03
"""So many beats of a piece may lie outside the tolerance without a further bend."""
_MENDING_ROUNDS: Final = 12
_SLOPE_ROUNDS: Final = 24
_GOLDEN: Final = 0.6180339887498949

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Beats ``first_beat ... first_beat + beats - 1`` lie at ``start_s + k * beat_s``."""

    first_beat: int
    beats: int
    start_s: float
    beat_s: float


def sharpen(beats_s: Floats, pulse: Pulse) -> tuple[Floats, Flags]:
    """Move each beat to the vertex of the parabola through the strongest hop within 18 ms of it.

    Returns:
        The ascending times, and which of them are sure: clearly struck, and where their neighbours expect them.
    """
    reach = max(round(0.018 / pulse.hop_s), 1)
    middle = np.round((beats_s - pulse.start_s) / pulse.hop_s).astype(np.intp)
    around = np.clip(middle[:, np.newaxis] + np.arange(-reach, reach + 1), 1, pulse.strength.size - 2)
    rows = np.arange(beats_s.size)
    top = around[rows, pulse.strength[around].argmax(axis=1)]
    left, centre, right = (pulse.strength[top + step].astype(np.float64) for step in (-1, 0, 1))
    bend = np.minimum(left - 2.0 * centre + right, -1e-9)
    shift = np.clip(0.5 * (left - right) / bend, -0.5, 0.5)
    sharp, first = np.unique(pulse.start_s + (top + shift) * pulse.hop_s, return_index=True)
    struck = centre[first] >= _WEAK * float(np.median(centre))
    return sharp, _surprise_s(sharp) <= np.where(struck, _STRAY_S, _STRAY_WEAK_S)


def _surprise_s(beats_s: Floats) -> Floats:
    """Return how far each beat lies from where the beats on both sides expect it; at the ends one side tells."""
    surprise = np.zeros(beats_s.size)
    if beats_s.size < 7:
        return surprise
    before, here, after = beats_s[2:-4], beats_s[3:-3], beats_s[4:-2]
    expected = np.median(
        [0.5 * (before + after), 1.5 * before - 0.5 * beats_s[:-6], 1.5 * after - 0.5 * beats_s[6:]], axis=0
    )
    surprise[3:-3] = np.abs(here - expected)
    surprise[:3] = np.abs(beats_s[:3] - 1.5 * beats_s[1:4] + 0.5 * beats_s[3:6])
    surprise[-3:] = np.abs(beats_s[-3:] - 1.5 * beats_s[-4:-1] + 0.5 * beats_s[-6:-3])
    return surprise


def fit_pieces(beats_s: Floats, sure: Flags | None = None) -> tuple[Piece, ...]:
    """Lay straight pieces over at least two ascending beat times.

    Args:
        beats_s: Times of the beats.
        sure: Which of them have to lie on the pieces; None is all.
    """
    trusted = np.ones(beats_s.size, dtype=np.bool_) if sure is None else sure
    firsts = [0]
    while (following := firsts[-1] + _longest(beats_s[firsts[-1] :], trusted[firsts[-1] :])) < beats_s.size - 1:
        firsts.append(following)
    for _ in range(_SETTLING_ROUNDS):
        _settle(beats_s, trusted, firsts)
    pieces: list[Piece] = []
    for first, end, inner in _stretches(beats_s, trusted, firsts):
        pieces += _bent(beats_s[first:end], trusted[first:end], inner, first)
    return tuple(pieces)


def _stretches(beats_s: Floats, sure: Flags, firsts: list[int]) -> list[tuple[int, int, list[int]]]:
    """Return first beat, end and inner bends (counted from the first) of each stretch without a leap."""
    bounds = [*firsts, beats_s.size]
    lines = [_line(beats_s[a:b], sure[a:b]) for a, b in pairwise(bounds)]
    cuts = [0]
    for number in range(1, len(firsts)):
        (offset, slope), length = lines[number - 1], bounds[number] - bounds[number - 1]
        if abs(offset + slope * length - lines[number][0]) > _LEAP_S:
            cuts.append(bounds[number])
    cuts.append(beats_s.size)
    return [(a, b, [bound - a for bound in firsts if a < bound < b - 1]) for a, b in pairwise(cuts)]


def _bent(beats_s: Floats, sure: Flags, inner: list[int], first_beat: int) -> list[Piece]:
    """Fit one bending line, with as many bends as it needs and no more."""
    if beats_s.size < 2:
        return []
    knots = [0, *inner, beats_s.size - 1]
    for _ in range(_MENDING_ROUNDS):
        added = _missing_bends(beats_s, sure, knots)
        if not added:
            break
        knots = sorted({*knots, *added})
    knots = _without_spare(beats_s, sure, knots)
    values = _fit(beats_s, sure, knots)
    return [
        Piece(
            first_beat=first_beat + a,
            beats=b - a + (b == knots[-1]),
            start_s=float(values[number]),
            beat_s=float((values[number + 1] - values[number]) / (b - a)),
        )
        for number, (a, b) in enumerate(pairwise(knots))
    ]


def _missing_bends(beats_s: Floats, sure: Flags, knots: list[int]) -> list[int]:
    """Return a bend in the middle of each piece that leaves its beats."""
    far = _distance(beats_s, sure, knots) > 1.1 * TOLERANCE_S
    return [
        (a + b) // 2
        for a, b in pairwise(knots)
        if b - a >= 2 * _SHORTEST_BEATS and far[a : b + 1].sum() > max(_FEW * (b - a + 1), 1.0)
    ]


def _without_spare(beats_s: Floats, sure: Flags, knots: list[int]) -> list[int]:
    """Take out bends, as long as the beats around them stay near enough."""
    number = 1
    while number < len(knots) - 1:
        # A bend far away changes nothing here: a few neighbours on both sides are enough.
        low, high = max(number - 3, 0), min(number + 3, len(knots) - 1)
        start, end = knots[low], knots[high]
        near = [knot - start for knot in knots[low : high + 1]]
        fewer = [knot for knot in near if knot != knots[number] - start]
        part, trusted = beats_s[start : end + 1], sure[start : end + 1]
        beside = slice(knots[number - 1] - start, knots[number + 1] - start + 1)
        with_it, without = (_distance(part, trusted, some)[beside] for some in (near, fewer))
        if _far(without) <= max(1.05 * TOLERANCE_S, _far(with_it)):
            del knots[number]
        else:
            number += 1
    return knots


def _far(distance: Floats) -> float:
    """Return the largest distance but for the few."""
    return float(np.partition(distance, -2)[-2]) if distance.size > 1.0 / _FEW else float(distance.max(initial=0.0))


def _distance(beats_s: Floats, sure: Flags, knots: list[int]) -> Floats:
    """Return how far each sure beat lies from the best bending line, 0 for others."""
    values = _fit(beats_s, sure, knots)
    return np.where(sure, np.abs(beats_s - np.interp(np.arange(beats_s.size), knots, values)), 0.0)


def _fit(beats_s: Floats, sure: Flags, knots: list[int]) -> Floats:
    """Return the times at the bends of the line that is nearest to the beats.

    Least squares; where that leaves a beat outside the tolerance, the larger distances count more and more, which ends
    near the line whose largest distance is least.
    """
    index = np.arange(beats_s.size)
    piece = np.clip(np.searchsorted(knots, index, side="right") - 1, 0, len(knots) - 2)
    edges = np.asarray(knots)
    right = (index - edges[piece]) / (edges[piece + 1] - edges[piece])
    base = np.where(sure, 1.0, 1e-4)
    weight = base
    values = _solve(beats_s, piece, right, weight, len(knots))
    for power in _POWERS:
        distance = np.abs(beats_s - np.interp(index, edges, values))
        largest = float(np.where(sure, distance, 0.0).max(initial=0.0))
        if largest <= TOLERANCE_S:
            break
        # Beats far outside are misread, not bent.
        scale = min(largest, _MISREAD * TOLERANCE_S)
        pull = np.where(distance <= scale, 1e-3 + (distance / scale) ** (power - 2.0), 1e-3)
        values = values + (_solve(beats_s, piece, right, base * pull, len(knots)) - values) / (power - 1.0)
    return values


def _solve(beats_s: Floats, piece: npt.NDArray[np.intp], right: Floats, weight: Floats, knots: int) -> Floats:
    """Solve the normal equations of a line with bends: they are tridiagonal."""
    left = 1.0 - right
    banded = np.zeros((2, knots))
    total = np.zeros(knots)
    for place, share in ((piece, left), (piece + 1, right)):
        banded[1] += np.bincount(place, weights=weight * share**2, minlength=knots)
        total += np.bincount(place, weights=weight * share * beats_s, minlength=knots)
    banded[0, 1:] = np.bincount(piece, weights=weight * left * right, minlength=knots - 1)[: knots - 1]
    banded[1] += 1e-9
    return np.asarray(scipy.linalg.solveh_banded(banded, total))


def _settle(beats_s: Floats, sure: Flags, firsts: list[int]) -> None:
    """Move each border to where the two lines beside it explain the beats best.

    A piece grows until it no longer fits, so at first it reaches some beats into the next tempo.
    """
    bounds = [0, *firsts[1:], beats_s.size]
    for index in range(1, len(firsts)):
        start, border, end = bounds[index - 1 : index + 2]
        lowest, highest = start + 2, end - 2
        if highest <= lowest:
            continue
        before = _misfit(beats_s, sure, (start, border), (start, end))
        after = _misfit(beats_s, sure, (border, end), (start, end))
        # Cost of a border at b: beats before it by the first line, from it on by the second.
        cost = np.concatenate([[0.0], np.cumsum(before)]) + after.sum() - np.concatenate([[0.0], np.cumsum(after)])
        inside = cost[lowest - start : highest - start + 1]
        bounds[index] = firsts[index] = lowest + int(inside.argmin())


def _misfit(beats_s: Floats, sure: Flags, fitted: tuple[int, int], told: tuple[int, int]) -> Floats:
    """Return how badly the line through some beats explains others."""
    first, end = fitted
    offset, slope = _line(beats_s[first:end], sure[first:end])
    places = np.arange(*told)
    distance = np.abs(beats_s[places] - offset - slope * (places - first))
    return np.asarray(np.minimum(distance, 3.0 * TOLERANCE_S) * sure[places])


def _longest(beats_s: Floats, sure: Flags) -> int:
    """Return how many beats from the first on lie on one line: doubling, then halving."""
    if beats_s.size <= _SHORTEST_BEATS + 1:
        return int(beats_s.size)
    good, bad = _SHORTEST_BEATS, beats_s.size + 1
    while good < beats_s.size and bad > beats_s.size:
        wanted = min(2 * good, beats_s.size)
        if _straight(beats_s[:wanted], sure[:wanted]):
            good = wanted
        else:
            bad = wanted
    while bad - good > 1 and good < beats_s.size:
        middle = (good + bad) // 2
        if _straight(beats_s[:middle], sure[:middle]):
            good = middle
        else:
            bad = middle
    # A last beat alone makes no piece.
    return good if beats_s.size - good > 1 else int(beats_s.size)


def _straight(beats_s: Floats, sure: Flags) -> bool:
    """Whether some line stays within the tolerance of all sure beats.

    The spread of the beats around a slope is convex in the slope: a golden-section search finds its least.
    """
    index = np.flatnonzero(sure)
    if index.size < 3:
        return True
    times_s = beats_s[index]
    _, slope = _line(beats_s, sure)
    reach = 4.0 * TOLERANCE_S / max(int(index[-1] - index[0]), 1)
    low, high = slope - reach, slope + reach
    for _ in range(_SLOPE_ROUNDS):
        inner = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        spreads = [float(np.ptp(times_s - each * index)) for each in inner]
        if min(spreads) <= 2.0 * TOLERANCE_S:
            return True
        low, high = (low, inner[1]) if spreads[0] < spreads[1] else (inner[0], high)
    return False


def _line(beats_s: Floats, sure: Flags) -> tuple[float, float]:
    """Return offset and slope of a robust line through ``(0, b0), (1, b1) ...``."""
    index = np.arange(beats_s.size, dtype=np.float64)
    half = max(beats_s.size // 2, 1)
    slope = float(np.median((beats_s[half:] - beats_s[: beats_s.size - half]) / half))
    offset = float(np.median(beats_s - slope * index))
    base = np.where(sure, 1.0, 0.05)
    for _ in range(3):
        residual = beats_s - offset - slope * index
        weight = base * np.maximum(1.0 - (residual / (4.0 * TOLERANCE_S)) ** 2, 0.0) ** 2
        total = weight.sum()
        if total <= 1e-9:
            break
        centre = (weight * index).sum() / total
        moment = (weight * (index - centre) ** 2).sum()
        change = (weight * (index - centre) * residual).sum() / moment if moment > 0.0 else 0.0
        offset += float((weight * residual).sum() / total - change * centre)
        slope += float(change)
    return offset, slope
