"""Builds: bars before a drop over which hiss and snare rolls swell while kick and bass are away.

A stretch that swells is not alike inside, so that cutting a track into even stretches leaves a break and the build
after it together, or cuts the build in two. Here the swelling end of a stretch without kick or bass is found: the
place from which a parabola through the treble explains more than one level for the whole.
"""

import itertools
from typing import Final

import numpy as np
import numpy.typing as npt

_LENGTHS_BARS: Final = (4, 8, 16)
_LEAST_BEFORE_BARS: Final = 4
_SWELL: Final = 0.12
"""Growth from the first to the last quarter of the bars, over their sum: half as loud again is 0.2. Beds of chords
move by 0.1 and less."""
_ALREADY: Final = 0.03
"""What swells this much in its first half is a build from its start."""
_STEEPER: Final = 0.6
"""What is left of the spread around the whole stretch's mean; without a swell in its end, nearly all is."""
_AWAY: Final = 0.62
"""Kick and bass of a build against the sections on which they are full."""
_ROLLING: Final = 0.75

Floats = npt.NDArray[np.float64]
Bounds = npt.NDArray[np.intp]


def swell(curve: Floats) -> float:
    """Return how much a curve, at least 0, grows from its first to its last quarter, -1 ... 1."""
    quarter = max(len(curve) // 4, 1)
    begin, end = float(curve[:quarter].mean()), float(curve[-quarter:].mean())
    return (end - begin) / max(begin + end, 1e-9)


def split_builds(bounds: Bounds, treble: Floats, low: Floats) -> Bounds:
    """Cut builds off the end of what they were left together with.

    Args:
        bounds: Ascending bars at which sections begin, first 0, last the number of bars.
        treble: Level and strikes of snares and hiss in each bar, ``(bars,)``, at least 0.
        low: Kick and bass in each bar, ``(bars,)``, at least 0.

    Returns:
        The bounds and those between a break and its build.
    """
    full = float(np.percentile(low, 90.0))
    cut = [int(bounds[0])]
    for first, last in itertools.pairwise(bounds):
        returns = last < len(low) and low[last : last + 4].mean() > low[first:last].mean() / _AWAY
        if returns and low[first:last].mean() < _AWAY * full:
            place = _beginning(treble[first:last])
            if place is not None:
                cut.append(int(first) + place)
        cut.append(int(last))
    return np.array(cut, dtype=np.intp)


def join_builds(bounds: Bounds, treble: Floats, low: Floats) -> Bounds:
    """Take away a bound in the middle of a swell: where both sides of it swell, lack kick and bass, and are short."""
    full = float(np.percentile(low, 90.0))
    kept = list(map(int, bounds))
    for place in range(len(kept) - 2, 0, -1):
        first, middle, last = kept[place - 1 : place + 2]
        # A roll of snares and toms brings back some of the low end.
        away = max(low[first:middle].mean(), low[middle:last].mean()) < _ROLLING * full
        both = _begins_swelling(treble[first:last]) and swell(treble[middle:last]) > _ALREADY
        if away and both and last - first <= max(_LENGTHS_BARS) // 2:
            del kept[place]
    return np.array(kept, dtype=np.intp)


def _beginning(treble: Floats) -> int | None:
    """Return the bar from which the rest swells; None where nothing does, or all of it."""
    if len(treble) <= max(_LENGTHS_BARS) and _begins_swelling(treble):
        return None
    best, least = None, _STEEPER * float(((treble - treble.mean()) ** 2).sum())
    for length in _LENGTHS_BARS:
        place = len(treble) - length
        if place < _LEAST_BEFORE_BARS or swell(treble[place:]) < _SWELL:
            continue
        left = _residual(treble, place)
        if left < least:
            best, least = place, left
    return best


def _begins_swelling(treble: Floats) -> bool:
    """Whether the second quarter already lies over the first, against the mean of the whole; one bar never swells."""
    if len(treble) < 2:
        return False
    quarter = max(len(treble) // 4, 1)
    growth = float(treble[quarter : 2 * quarter].mean() - treble[:quarter].mean())
    return growth > _ALREADY * float(treble.mean())


def _residual(treble: Floats, place: int) -> float:
    """Return the squares left by one level up to a place and a parabola from there on: swells grow ever faster."""
    before, after = treble[:place], treble[place:]
    times = np.linspace(-1.0, 1.0, len(after))
    shapes = np.stack([np.ones_like(times), times, times**2], axis=1)
    fitted = shapes @ np.linalg.lstsq(shapes, after, rcond=None)[0]
    level = before.mean() if len(before) else 0.0
    return float(((before - level) ** 2).sum() + ((after - fitted) ** 2).sum())
