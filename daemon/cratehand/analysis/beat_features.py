"""Features per beat instead of per hop: what downbeats and sections are found on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.onsets import FLUX_BANDS, FLUX_LEAD_S, LEVEL_HOP_S
from cratehand.analysis.pitch import CHROMA_BINS, PITCH_HOP_S
from cratehand.analysis.pulse import ATTACK_LEAD_S
from cratehand.analysis.spectra import BANDS, HOP_S

Floats = npt.NDArray[np.float64]

_NEAR_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BeatFeatures:
    """One row per beat.

    Attributes:
        times_s: Start of each beat, ``(beats,)``.
        levels: Mean level (fourth root of power) of each band during the beat, ``(beats, BANDS)``.
        chroma: Pitch classes during the beat, ``(beats, 12)``, about 1 for the strongest of the track.
        accents: Onset strength at the beat itself, ``(beats, FLUX_BANDS)``.
        activity: Mean onset strength during the beat, ``(beats, FLUX_BANDS)``.
    """

    times_s: Floats
    levels: Floats
    chroma: Floats
    accents: Floats
    activity: Floats

    @property
    def beats(self) -> int:
        """How many beats there are."""
        return int(self.times_s.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class HopFeatures:
    """What the streams kept of the whole track."""

    flux: HopStore
    levels: HopStore
    chroma: HopStore
    duration_s: float


def per_beat(features: HopFeatures, times_s: Floats) -> BeatFeatures:
    """Average the features over the beats that begin at `times_s` (ascending, at least two)."""
    edges_s = np.append(times_s, 2.0 * times_s[-1] - times_s[-2])
    chroma = _pitch_classes(features.chroma, edges_s / PITCH_HOP_S)
    flux_edges = (edges_s + FLUX_LEAD_S - ATTACK_LEAD_S) / HOP_S
    accents = np.empty((times_s.size, FLUX_BANDS))
    activity = np.empty((times_s.size, FLUX_BANDS))
    for band in range(FLUX_BANDS):
        column = features.flux.column(band)
        accents[:, band] = strongest_near(column, flux_edges[:-1])
        activity[:, band] = _averages(column, flux_edges)
    return BeatFeatures(
        times_s=times_s,
        levels=np.stack(
            [_averages(features.levels.column(band), edges_s / LEVEL_HOP_S) for band in range(BANDS)], axis=1
        ),
        chroma=chroma / max(float(chroma.max(initial=0.0)), 1e-9),
        accents=accents,
        activity=activity,
    )


def _pitch_classes(store: HopStore, edges: Floats) -> Floats:
    step = CHROMA_BINS // 12
    classes = []
    for semitone in range(12):
        # Bin 5 k is the middle of pitch class k.
        bins = [(semitone * step + shift) % CHROMA_BINS for shift in range(-(step // 2), step // 2 + 1)]
        classes.append(_averages(np.sum([store.column(fine) for fine in bins], axis=0), edges))
    return np.stack(classes, axis=1)


def _averages(column: npt.NDArray[np.float32], edges: Floats) -> Floats:
    """Return the mean of a column between fractional edges, ``(edges - 1,)``."""
    summed = np.zeros(column.size + 1)
    np.cumsum(column, dtype=np.float64, out=summed[1:])
    at_edges = np.interp(edges, np.arange(summed.size), summed)
    width = np.diff(np.clip(edges, 0.0, column.size))
    return np.asarray(np.diff(at_edges) / np.maximum(width, 1e-9))


def strongest_near(column: npt.NDArray[np.float32], places: Floats) -> Floats:
    """Return the strongest value of a column of hops within 20 ms of each place (in hops), 0 outside of it."""
    reach = round(_NEAR_S / HOP_S)
    around = np.round(places).astype(np.intp)[:, np.newaxis] + np.arange(-reach, reach + 1)
    if column.size == 0:
        return np.zeros(places.size)
    inside = (around >= 0) & (around < column.size)
    near = np.where(inside, column[np.clip(around, 0, column.size - 1)], 0.0)
    return np.asarray(near.max(axis=1), dtype=np.float64)


def novelty(rows: Floats, reach: int) -> Floats:
    """Return how much the `reach` beats from each beat on differ from those before it, ``(beats,)``, city-block.

    Where one side has fewer beats than that, 0: a mean of few is not compared with a mean of many.
    """
    count = len(rows)
    summed = np.vstack([np.zeros((1, rows.shape[1])), np.cumsum(rows, axis=0)])
    here = np.arange(count)
    after = np.minimum(here + reach, count)
    before = np.maximum(here - reach, 0)
    mean_after = (summed[after] - summed[here]) / np.maximum(after - here, 1)[:, np.newaxis]
    mean_before = (summed[here] - summed[before]) / np.maximum(here - before, 1)[:, np.newaxis]
    change = np.abs(mean_after - mean_before).sum(axis=1)
    change[(here < reach) | (here > count - reach)] = 0.0
    return np.asarray(change)
