"""Whether what passes for beats at a fast tempo are the eighths of half that tempo: hip-hop at 87 heard as 174.

The comb of `cratehand.analysis.tempo` can't know: hats that run in eighths at 87 are the quarters of 174. Three things
together tell, and each alone tells nothing:

* nothing sounds between these beats. Drum and bass fills the eighths of its 174; the sixteenths of slow music are
  mostly empty;
* every other of them is weaker in kick and body: it is an off-beat;
* the strokes of the low drums repeat after four of them and not after two. A fast beat of kick and snare in turn (punk,
  polka, rock and roll) repeats after two; the kicks and back beats of half the tempo need twice as long. This is what
  keeps fast drummers fast who leave out the eighths.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.beat_features import strongest_near
from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.onsets import FLUX_BANDS, FLUX_LEAD_S
from cratehand.analysis.pulse import ATTACK_LEAD_S
from cratehand.analysis.smoothing import moving_mean
from cratehand.analysis.spectra import HOP_S

_FEWEST_BEATS: Final = 32
_LOW_BANDS: Final = 3
"""Kick, body and snare: hats run on through every beat."""
_STROKE_BANDS: Final = 2
_AROUND_BEATS: Final = 16
_BETWEEN: Final = (0.52, 0.30)
"""Onsets half-way between two beats relative to those on them: of 21 drum-and-bass tracks 0.54 or more, of hip-hop
that the comb hears twice as fast 0.30 or less. In each of the three first what tells nothing, then what tells all."""
_WEAKER: Final = (0.96, 0.76)
"""Onsets on the weaker half of the beats relative to the other: of waltzes 0.98 or more, of this hip-hop up to 0.8."""
_SPAN: Final = (0.15, 0.75)
"""How much more alike kick and body are four beats apart than two: of drummers at 150 to 180 who leave the eighths
out 0.2 or less, of this hip-hop 0.64 or more."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Eighths:
    """How surely some beats are the eighths of half their tempo.

    Attributes:
        score: 0 ... 1; from 0.5 on half the tempo is counted.
        first: Which of two, 0 or 1, are the beats then: the stronger ones.
    """

    score: float
    first: int


def judge_eighths(flux: HopStore, beats_s: Floats) -> Eighths:
    """Judge whether beats are eighths of half the tempo; the weakest of three witnesses counts.

    Args:
        flux: As `OnsetStream` keeps it.
        beats_s: Ascending beats of the fast tempo; the tempo may change. Fewer than 32 tell nothing.
    """
    if beats_s.size < _FEWEST_BEATS:
        return Eighths(score=0.0, first=0)
    on, between = (_strokes(flux, times_s) for times_s in (beats_s, 0.5 * (beats_s[1:] + beats_s[:-1])))
    # As in the pulse curve: bands count alike, but one that hardly exists is not blown up.
    scales = 1.0 / np.maximum(flux.means + 0.2 * flux.means.mean(), 1e-12)
    low = on[:, :_LOW_BANDS] @ scales[:_LOW_BANDS]
    halves = float(low[::2].mean()), float(low[1::2].mean())
    witnesses = (
        (float((between @ scales).mean() / max((on @ scales).mean(), 1e-12)), _BETWEEN),
        (min(halves) / max(*halves, 1e-12), _WEAKER),
        (sum(_span(on[:, band]) for band in range(_STROKE_BANDS)), _SPAN),
    )
    score = min(_ramp(value, ends) for value, ends in witnesses)
    return Eighths(score=score, first=int(halves[1] > halves[0]))


def _strokes(flux: HopStore, times_s: Floats) -> Floats:
    """Return the strongest onset near each time in each band, ``(times, FLUX_BANDS)``."""
    places = (times_s + FLUX_LEAD_S - ATTACK_LEAD_S) / HOP_S
    return np.stack([strongest_near(flux.column(band), places) for band in range(FLUX_BANDS)], axis=1)


def _span(strokes: Floats) -> float:
    """Return the correlation of strokes four beats apart less that of strokes two apart, -2 ... 2."""
    around = moving_mean(strokes, _AROUND_BEATS)
    even = strokes / np.maximum(around + 0.25 * strokes.mean(), 1e-12)
    even -= even.mean()
    whole = max(float((even**2).mean()), 1e-12)
    return float(((even[4:] * even[:-4]).mean() - (even[2:] * even[:-2]).mean()) / whole)


def _ramp(value: float, ends: tuple[float, float]) -> float:
    nothing, full = ends
    return float(np.clip((value - nothing) / (full - nothing), 0.0, 1.0))
