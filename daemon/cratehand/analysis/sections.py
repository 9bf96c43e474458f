"""Where sections begin: the bars of a track cut into few stretches that are alike inside, with phrases preferred."""

import itertools
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.beat_features import BeatFeatures
from cratehand.analysis.builds import join_builds, split_builds
from cratehand.analysis.calibration import SECTIONS, Evidence, confidence
from cratehand.analysis.downbeats import BEATS_PER_BAR
from cratehand.analysis.section_labels import label_sections, traits
from cratehand.analysis.spectra import BAND_CENTRES_HZ
from cratehand.domain.structure import Section

_LONGEST_BARS: Final = 64
_SHORTEST_BARS: Final = 4
_SECTION_COST: Final = 1.2
"""What a further section costs, in units of a bar's typical squared distance from the track's mean."""
_PHRASE_COSTS: Final = ((8, 0.0), (4, 0.35), (2, 0.9), (1, 1.3))
"""Extra cost by what the length divides by: club music is built in eights."""
_LOW_HZ: Final = 150.0
_HIGH_HZ: Final = 2000.0
_LEAST_SPREAD: Final = 0.02
"""Bars that differ from the mean by less than this share of the level are one section."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Sections that touch and cover the track, how sure they are, 0 ... 1, and what that follows from."""

    sections: tuple[Section, ...]
    confidence: float
    evidence: Evidence = field(default_factory=dict)


def find_sections(
    beats: BeatFeatures,
    *,
    first_downbeat: int,
    duration_s: float,
    grid_confidence: float,
    beats_per_bar: int = BEATS_PER_BAR,
) -> Structure:
    """Cut a track into sections that begin on bars.

    Args:
        beats: Features per beat.
        first_downbeat: Index of the first beat that begins a bar.
        duration_s: Length of the track.
        grid_confidence: How sure the grid is.
        beats_per_bar: Metre of the grid.

    Returns:
        The sections; none for fewer than eight bars.
    """
    bars = (beats.beats - first_downbeat) // beats_per_bar
    if bars < 2 * _SHORTEST_BARS:
        return Structure(sections=(), confidence=0.0)
    levels, chroma, activity = (
        _per_bar(rows[first_downbeat:], bars, beats_per_bar) for rows in (beats.levels, beats.chroma, beats.activity)
    )
    scale = max(float(levels.sum(axis=1).mean()), 1e-9)
    striking = activity / np.maximum(activity.mean(axis=0), 1e-9)
    features = np.hstack([levels / scale * 3.0, 0.15 * striking, 0.1 * chroma])
    bounds, gain = _cut(features)
    treble, low = _treble(levels, activity), _low(levels, activity)
    bounds = split_builds(join_builds(bounds, treble, low), treble, low)
    measured = traits(levels, treble, low, bounds)
    starts_s = beats.times_s[first_downbeat + bounds[:-1] * beats_per_bar]
    edges_s = [0.0, *(float(start) for start in starts_s[1:]), duration_s]
    sections = tuple(
        Section(start_s=start_s, end_s=end_s, label=label)
        for start_s, end_s, label in zip(edges_s[:-1], edges_s[1:], label_sections(measured), strict=True)
    )
    evidence = {"gain": gain, "grid": grid_confidence, "bars": min(bars / 64.0, 1.0)}
    sure = confidence(SECTIONS, evidence, duration_s=duration_s)
    return Structure(sections=sections, confidence=sure, evidence=evidence)


def _treble(levels: Floats, activity: Floats) -> Floats:
    """Return the level above 2 kHz and the strikes above 600 Hz in each bar, each about 1 on average."""
    high = levels[:, int(np.searchsorted(BAND_CENTRES_HZ, _HIGH_HZ)) :].sum(axis=1)
    return np.asarray(sum(curve / max(float(curve.mean()), 1e-9) for curve in (high, activity[:, 2], activity[:, 3])))


def _low(levels: Floats, activity: Floats) -> Floats:
    """Return how much of kick and bass together plays in each bar, 0 ... 1: level and strikes, multiplied."""
    bass = levels[:, : int(np.searchsorted(BAND_CENTRES_HZ, _LOW_HZ))].sum(axis=1)
    kick = activity[:, 0]
    return np.asarray(bass / max(float(bass.max(initial=0.0)), 1e-9) * kick / max(float(kick.max(initial=0.0)), 1e-9))


def _per_bar(rows: Floats, bars: int, beats_per_bar: int) -> Floats:
    return np.asarray(rows[: bars * beats_per_bar].reshape(bars, beats_per_bar, -1).mean(axis=1))


def _cut(features: Floats) -> tuple[npt.NDArray[np.intp], float]:
    """Return the bounds with the least total cost, and how much of the track's variety they explain, 0 ... 1."""
    bars = len(features)
    spread = float(((features - features.mean(axis=0)) ** 2).sum(axis=1).mean())
    unit = max(spread, (_LEAST_SPREAD * float(np.abs(features).sum(axis=1).mean())) ** 2)
    summed = np.vstack([np.zeros((1, features.shape[1])), np.cumsum(features, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((features**2).sum(axis=1))])
    best = np.full(bars + 1, np.inf)
    best[0] = 0.0
    came_from = np.zeros(bars + 1, dtype=np.intp)
    for end in range(1, bars + 1):
        starts = np.arange(max(0, end - _LONGEST_BARS), end)
        length = end - starts
        inside = squares[end] - squares[starts] - ((summed[end] - summed[starts]) ** 2).sum(axis=1) / length
        cost = best[starts] + inside / unit + _SECTION_COST * _length_cost(length, last=end == bars)
        came_from[end] = starts[cost.argmin()]
        best[end] = cost.min()
    bounds = [bars]
    while bounds[-1] > 0:
        bounds.append(int(came_from[bounds[-1]]))
    edges = np.array(bounds[::-1], dtype=np.intp)
    inside = sum(
        float(((features[first:last] - features[first:last].mean(axis=0)) ** 2).sum())
        for first, last in itertools.pairwise(edges)
    )
    return edges, float(np.clip(1.0 - inside / max(unit * bars, 1e-12), 0.0, 1.0))


def _length_cost(length: npt.NDArray[np.intp], *, last: bool) -> Floats:
    cost = np.full(length.size, _PHRASE_COSTS[-1][1])
    for divisor, extra in reversed(_PHRASE_COSTS):
        cost[length % divisor == 0] = extra
    if last:
        # Files end where they end.
        cost[:] = 0.0
    cost[length < _SHORTEST_BARS] += 3.0
    return 1.0 + cost
