"""How fast: a comb over the spectrum of the pulse curve, and the choice among its octaves.

Music in one tempo has an onset spectrum of sharp lines at multiples of the beat. The comb sums the first eight lines
of every tempo; the true one collects quarter, eighth and sixteenth notes and wins over its fractions, which hit every
second line only.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.fft

from cratehand.analysis.pulse import Curve, Pulse
from cratehand.domain.tempo import is_octave

MIN_TEMPO_BPM: Final = 60.0
MAX_TEMPO_BPM: Final = 200.0

_HARMONICS: Final = 8
_WINDOW_S: Final = 240.0
_SHORT_WINDOW_S: Final = 12.0
_LOCAL_WINDOW_S: Final = 8.0
_LOCAL_SHARE: Final = 0.8
_NEAR: Final = 0.06
_PRIOR_BPM: Final = 128.0
"""Where DJ collections are thickest."""
_PRIOR_OCTAVES: Final = 0.55
"""Width of the prior: 140 beats 70, 174 beats 87 by a little, 90 and 180 are judged alike."""
SAME: Final = 0.03
"""Tempos nearer than this are one candidate."""

Lattice = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoCandidate:
    """One possible tempo.

    `salience` is the comb's answer relative to the strongest, `weight` the same with its octaves and the prior.
    """

    tempo_bpm: float
    salience: float
    weight: float


def comb(curve: Curve, hop_s: float, tempos_bpm: Lattice) -> Lattice:
    """Return the sum of the first eight spectral lines of each tempo, shape of `tempos_bpm`.

    The curve is windowed (Hann) and padded fourfold, so the lines are smooth enough to be read by interpolation.
    """
    window = np.hanning(curve.size).astype(np.float32)
    size = 1 << (4 * curve.size - 1).bit_length()
    magnitude = np.abs(scipy.fft.rfft((curve - curve.mean(dtype=np.float64).astype(np.float32)) * window, size))
    magnitude /= max(float(window.sum()), 1.0)
    line = tempos_bpm / 60.0 * hop_s * size
    bins = np.arange(magnitude.size)
    total = np.zeros_like(tempos_bpm)
    for harmonic in range(1, _HARMONICS + 1):
        total += np.interp(harmonic * line, bins, magnitude, right=0.0)
    return total


def prior(tempos_bpm: Lattice) -> Lattice:
    """Return how usual each tempo is among DJ tracks: a Gaussian over octaves, 1 at its top."""
    octaves = np.log2(tempos_bpm / _PRIOR_BPM)
    return np.asarray(np.exp(-0.5 * (octaves / _PRIOR_OCTAVES) ** 2))


def tempo_candidates(pulse: Pulse, *, limit: int = 5, known_bpm: float | None = None) -> tuple[TempoCandidate, ...]:
    """Return the likely tempos between 60 and 200 BPM, most likely first; empty for a curve under two seconds.

    Where `known_bpm` is told it comes first, and what is no octave of it is left out.
    """
    if pulse.duration_s < 2.0:
        return ()
    window = min(pulse.strength.size, round(_WINDOW_S / pulse.hop_s))
    # Half the distance of two lines that the window can tell apart.
    step_bpm = 60.0 / (4.0 * window * pulse.hop_s)
    lattice = np.arange(MIN_TEMPO_BPM / 2.0, MAX_TEMPO_BPM * 2.0, step_bpm)
    salience = _mean_comb(pulse, lattice, window)
    if pulse.duration_s > 2 * _SHORT_WINDOW_S:
        # Played music has no sharp lines over minutes, but it has them over seconds.
        coarse = np.geomspace(lattice[0], lattice[-1], 700)
        short = _mean_comb(pulse, coarse, round(_SHORT_WINDOW_S / pulse.hop_s))
        salience = salience / salience.max(initial=1e-12) + np.interp(lattice, coarse, short / short.max(initial=1e-12))
    inside = (lattice >= MIN_TEMPO_BPM) & (lattice <= MAX_TEMPO_BPM)
    bpm = lattice[inside]
    # Music that moves in quarters also moves in halves and eighths; in dotted quarters it does not.
    double, half = (np.interp(bpm * factor, lattice, salience) for factor in (2.0, 0.5))
    found = _peaks(bpm, salience[inside], (salience[inside] + 0.5 * double + 0.5 * half) * prior(bpm), limit)
    return found if known_bpm is None else _led_by(known_bpm, found)


def _led_by(known_bpm: float, found: tuple[TempoCandidate, ...]) -> tuple[TempoCandidate, ...]:
    others = tuple(each for each in found if is_octave(each.tempo_bpm / known_bpm))
    return (TempoCandidate(tempo_bpm=known_bpm, salience=1.0, weight=1.0), *others)


def _mean_comb(pulse: Pulse, lattice: Lattice, window: int) -> Lattice:
    count = max(2 * (pulse.strength.size // window) - 1, 1)
    starts = np.linspace(0, pulse.strength.size - window, count).astype(int)
    total = np.zeros_like(lattice)
    for start in starts:
        total += comb(pulse.strength[start : start + window], pulse.hop_s, lattice)
    return total / count


def _peaks(lattice: Lattice, salience: Lattice, weight: Lattice, limit: int) -> tuple[TempoCandidate, ...]:
    if not salience.max() > 0.0:
        return ()
    chosen: list[int] = []
    for index in np.argsort(weight)[::-1]:
        if all(abs(lattice[index] / lattice[other] - 1.0) > SAME for other in chosen):
            chosen.append(int(index))
        if len(chosen) == limit:
            break
    return tuple(
        TempoCandidate(
            tempo_bpm=_top(lattice, salience, index),
            salience=float(salience[index] / salience.max()),
            weight=float(weight[index] / weight.max()),
        )
        for index in chosen
    )


def _top(lattice: Lattice, salience: Lattice, index: int) -> float:
    """Return the vertex of the parabola through a maximum and its neighbours."""
    if not 0 < index < lattice.size - 1:
        return float(lattice[index])
    left, middle, right = salience[index - 1 : index + 2]
    bend = left - 2.0 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0.0 else 0.0
    return float(lattice[index] + np.clip(shift, -0.5, 0.5) * (lattice[1] - lattice[0]))


def clarity(pulse: Pulse, tempo_bpm: float) -> float:
    """Return how much a tempo stands out: its comb over 8 s windows against the typical one; 1.4 for noise.

    In each window the tempo may be up to 6 % off, as played music is. A quarter of the windows may be without a beat.
    """
    window = min(pulse.strength.size, round(_LOCAL_WINDOW_S / pulse.hop_s))
    lattice = np.geomspace(MIN_TEMPO_BPM, MAX_TEMPO_BPM, 300)
    near = np.abs(lattice / tempo_bpm - 1.0) < _NEAR
    if not near.any():
        return 0.0
    ratios = []
    for start in range(0, pulse.strength.size - window + 1, window):
        salience = comb(pulse.strength[start : start + window], pulse.hop_s, lattice)
        typical = float(np.median(salience))
        ratios.append(float(salience[near].max()) / typical if typical > 0.0 else 0.0)
    return float(np.percentile(ratios, 75.0))


def local_agreement(pulse: Pulse, tempo_bpm: float) -> float:
    """Return the share of 8 s windows in which no other tempo within 20 % fits clearly better, 0 ... 1.

    Windows count by how clear their own best tempo is, so breaks without drums say little.
    """
    window = min(pulse.strength.size, round(_LOCAL_WINDOW_S / pulse.hop_s))
    starts = np.arange(0, pulse.strength.size - window + 1, max(window // 2, 1))
    factors = np.concatenate([[1.0], np.geomspace(1.0 / 1.2, 1.2, 80)])
    own = np.empty(starts.size)
    best = np.empty(starts.size)
    typical = np.empty(starts.size)
    for index, start in enumerate(starts):
        salience = comb(pulse.strength[start : start + window], pulse.hop_s, tempo_bpm * factors)
        own[index], best[index], typical[index] = salience[0], salience.max(), np.median(salience)
    weight = np.maximum(best - 1.5 * typical, 0.0)
    return float((weight * (own > _LOCAL_SHARE * best)).sum() / weight.sum()) if weight.sum() > 0.0 else 0.0
