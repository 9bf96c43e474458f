"""One tempo for the whole track: period and phase by regression over all of it.

The curve is cut into segments of sixteen beats. Each gets the Fourier coefficients of the beat and its harmonics; their
sum is the track's own beat profile. How far each segment lies before or behind that profile, over time, is a straight
line if the tempo is constant, and its slope is the error of the tempo.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.pulse import Pulse

_SEGMENT_BEATS: Final = 16
_SHORTEST_BEATS: Final = 4
_HARMONICS: Final = 12
_ROUNDS: Final = 4
_NEAR_S: Final = 0.012
"""A segment nearer to the common lattice than this agrees with it."""
_PHASES: Final = 512

Complex = npt.NDArray[np.complex128]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatticeFit:
    """A constant tempo laid over the whole curve.

    Attributes:
        tempo_bpm: Tempo.
        origin_s: A time on the lattice; which part of the beat it is, is not known here.
        spread_s: Weighted scatter of the segments around the lattice.
        agreement: Share (by weight) of segments within 12 ms of the lattice, 0 ... 1.
        steadiness: How alike the segments' beat profiles are, 0 (unrelated) ... 1 (a loop).
        tempo_error_bpm: Standard error of the tempo.
    """

    tempo_bpm: float
    origin_s: float
    spread_s: float
    agreement: float
    steadiness: float
    tempo_error_bpm: float


def fit_lattice(pulse: Pulse, tempo_bpm: float) -> LatticeFit:
    """Refine a tempo that is right within about half a percent; see `LatticeFit`."""
    tempo, offset_beats, line = tempo_bpm, 0.0, None
    for _ in range(_ROUNDS):
        coefficients, centres_s = _segments(pulse, tempo)
        lags_beats, weights, steadiness = _lags(coefficients)
        # Profiles of off-beat hats alone look half a beat late: only the distance to the nearest quarter counts.
        wrapped = (lags_beats + 0.125) % 0.25 - 0.125
        line = _line(centres_s, wrapped, weights, tolerance_beats=_NEAR_S * tempo / 60.0)
        tempo -= line.slope * 60.0
        offset_beats = line.offset
    assert line is not None
    residual_s = np.abs(line.residuals) * 60.0 / tempo
    total = max(float(weights.sum()), 1e-12)
    near = residual_s <= _NEAR_S
    return LatticeFit(
        tempo_bpm=tempo,
        origin_s=pulse.start_s + offset_beats * 60.0 / tempo,
        spread_s=float(np.sqrt((weights * np.minimum(residual_s, 0.05) ** 2).sum() / total)),
        agreement=float((weights * near).sum() / total),
        steadiness=steadiness,
        tempo_error_bpm=line.slope_error * 60.0,
    )


def _segments(pulse: Pulse, tempo_bpm: float) -> tuple[Complex, Floats]:
    """Return beat harmonics ``(segments, harmonics)`` with phases counted from the curve's start, and centre times."""
    beat_hops = 60.0 / tempo_bpm / pulse.hop_s
    total_beats = pulse.strength.size / beat_hops
    beats = float(np.clip(total_beats / 6.0, _SHORTEST_BEATS, _SEGMENT_BEATS))
    length = min(round(beats * beat_hops), pulse.strength.size)
    count = pulse.strength.size // length
    cut = pulse.strength[: count * length].reshape(count, length).astype(np.float64)
    cut = cut - cut.mean(axis=1, keepdims=True)
    harmonic = np.arange(1, _HARMONICS + 1)
    inside = np.exp(-2j * np.pi * np.outer(np.arange(length) / beat_hops, harmonic))
    start_beats = np.arange(count) * length / beat_hops
    coefficients = (cut @ inside) * np.exp(-2j * np.pi * np.outer(start_beats % 1.0, harmonic))
    centres_s: Floats = (np.arange(count, dtype=np.float64) + 0.5) * length * pulse.hop_s
    return np.asarray(coefficients), centres_s


def _lags(coefficients: Complex) -> tuple[Floats, Floats, float]:
    """Return how late each segment is (beats), how much that can be trusted, and the steadiness of all."""
    strength = np.abs(coefficients)
    scale = np.sqrt((strength**2).sum(axis=1, keepdims=True))
    unit = np.divide(coefficients, scale, out=np.zeros_like(coefficients), where=scale > 0.0)
    profile = unit.sum(axis=0)
    profile /= max(float(np.linalg.norm(profile)), 1e-12)
    shifts = np.arange(_PHASES) / _PHASES
    harmonic = np.arange(1, coefficients.shape[1] + 1)
    turn = np.exp(2j * np.pi * np.outer(harmonic, shifts))
    match = ((unit * profile.conj()) @ turn).real
    best = match.argmax(axis=1)
    rows = np.arange(len(match))
    left, right = match[rows, best - 1], match[rows, (best + 1) % _PHASES]
    top = match[rows, best]
    bend = np.minimum(left - 2.0 * top + right, -1e-12)
    lags = (best + 0.5 * (left - right) / bend) / _PHASES
    # A strong pulse counts more, though a drop must not outvote the rest of the track.
    weights = np.maximum(top, 0.0) ** 2 * np.sqrt(scale[:, 0])
    steadiness = float((match[:, 0] * scale[:, 0]).sum() / max(float(scale.sum()), 1e-12))
    return (lags + 0.5) % 1.0 - 0.5, weights, max(steadiness, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Line:
    slope: float
    offset: float
    residuals: Floats
    slope_error: float


def _line(times_s: Floats, lags: Floats, weights: Floats, *, tolerance_beats: float) -> _Line:
    """Fit a line robustly (Tukey's biweight, a few rounds of reweighting); residuals are wrapped to a quarter beat."""
    slope, offset = 0.0, float(_weighted_median(lags, weights))
    residuals, used = lags - offset, weights
    for _ in range(8):
        width = max(3.0 * tolerance_beats, 4.0 * float(_weighted_median(np.abs(residuals), weights)))
        used = weights * np.maximum(1.0 - (residuals / width) ** 2, 0.0) ** 2
        total = used.sum()
        if total <= 0.0:
            break
        centre = (used * times_s).sum() / total
        moment = (used * (times_s - centre) ** 2).sum()
        change = (used * (times_s - centre) * residuals).sum() / moment if moment > 0.0 else 0.0
        shift = (used * residuals).sum() / total - change * centre
        slope, offset = slope + change, offset + shift
        residuals = (lags - offset - slope * times_s + 0.125) % 0.25 - 0.125
    total = used.sum()
    slope_error = 0.0
    if total > 0.0 and times_s.size > 2:
        centre = (used * times_s).sum() / total
        variance = (used * residuals**2).sum() / total
        moment = (used * (times_s - centre) ** 2).sum() / total
        effective = total**2 / max(float((used**2).sum()), 1e-12)
        slope_error = float(np.sqrt(variance / max(moment * effective, 1e-12)))
    return _Line(slope=float(slope), offset=float(offset), residuals=residuals, slope_error=slope_error)


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    summed = np.cumsum(weights[order])
    if summed[-1] <= 0.0:
        return float(np.median(values))
    return float(values[order][np.searchsorted(summed, 0.5 * summed[-1])])
