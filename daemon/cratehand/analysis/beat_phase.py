"""Which point of the period is the beat: the onset strength of each band, folded over the bar."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.onsets import FLUX_BANDS, FLUX_LEAD_S
from cratehand.analysis.pulse import ATTACK_LEAD_S, BEAT_WEIGHTS
from cratehand.analysis.smoothing import circular_blur
from cratehand.analysis.spectra import HOP_S

_BAR_BEATS: Final = 4
_STEP_S: Final = 0.001
_SMOOTH_S: Final = 0.004
_NEAR_S: Final = 0.012
"""Onsets of one hit in different bands lie this near."""
_SNARE_BAND: Final = 2
_LONE_SNARE: Final = 0.75
_BACK_BEAT: Final = 0.7
"""So strong beside the strongest, on both sides: the snare stands there, so these beats are felt."""
_SNARE_BETWEEN: Final = 0.9
"""A snare as strong between the beats says that these are not the beats."""
_SNARE_OF_MEAN: Final = 2.0
_STRONGEST_WEIGHTS: Final = (1.0, 0.0, 1.0, 0.5)
"""What the strongest hit of the bar says, per band: kick, body, snare, cymbals."""
_ALIKE_WEIGHT: Final = 0.5
_LEAST: Final = 0.3
"""In units of a band's mean: less is no hit, and its logarithm says nothing."""
_CLEARLY: Final = 0.3
_TIMING_WEIGHTS: Final = (0.25, 0.5, 1.5, 1.5)
"""Clicks and hats have sharp attacks; a kick's low end takes 10 to 30 ms to rise."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatPhase:
    """Where beats lie: at ``offset_s + k * 60 / tempo_bpm``.

    `margin` is how much better that point is than the best one elsewhere in the beat, 0 (equal) ... 1.
    """

    offset_s: float
    margin: float


def fold(flux: HopStore, *, tempo_bpm: float, start_s: float, end_s: float) -> Floats:
    """Fold each band's onset strength over four beats.

    Returns:
        float64 ``(FLUX_BANDS, 4, steps)``: each band relative to its mean; step k of a beat is the time
        ``k / steps * 60 / tempo_bpm`` after a multiple of the beat counted from time 0.
    """
    beat_s = 60.0 / tempo_bpm
    return _fold(
        flux,
        lambda times_s: np.asarray(times_s / beat_s, dtype=np.float64),
        steps=round(beat_s / _STEP_S),
        hops=(max(round(start_s / HOP_S), 0), min(round(end_s / HOP_S), flux.hops)),
    )


def _fold(flux: HopStore, beat_at: Callable[[Floats], Floats], *, steps: int, hops: tuple[int, int]) -> Floats:
    """Fold the hops of a range by the beat at which each lies (fractional, counted from anywhere)."""
    first, last = hops
    size = _BAR_BEATS * steps
    hits: Floats = np.zeros(size)
    summed: Floats = np.zeros((FLUX_BANDS, size))
    at = 0
    for block in flux.blocks():
        inside = block[max(first - at, 0) : max(last - at, 0)]
        times_s = np.arange(max(first, at), max(first, at) + len(inside)) * HOP_S - FLUX_LEAD_S + ATTACK_LEAD_S
        place = np.floor(beat_at(np.asarray(times_s, dtype=np.float64)) % _BAR_BEATS * steps).astype(np.intp) % size
        hits += np.bincount(place, minlength=size)
        for band in range(FLUX_BANDS):
            summed[band] += np.bincount(place, weights=inside[:, band], minlength=size)
        at += len(block)
    sigma = max(_SMOOTH_S, 0.4 * HOP_S) / _STEP_S
    smooth_hits = np.maximum(circular_blur(hits, sigma), 1e-6)
    folded = np.stack([circular_blur(band, sigma) / smooth_hits for band in summed])
    folded /= np.maximum(folded.mean(axis=1, keepdims=True), 1e-9)
    return folded.reshape(FLUX_BANDS, _BAR_BEATS, steps)


def find_beat(flux: HopStore, *, tempo_bpm: float, start_s: float, end_s: float) -> BeatPhase:
    """Find the beat of a constant tempo between two times.

    The beat is where most bands rise together and, unlike between the beats, do so in every beat of the bar alike; and
    where the strongest kick, the strongest snare and the strongest cymbal of the bar are. Swung hats and the off-beat
    hits of broken beats rise in more beats than a snare that comes every other one, but not as high.
    """
    folded = fold(flux, tempo_bpm=tempo_bpm, start_s=start_s, end_s=end_s)
    steps = folded.shape[2]
    near = max(round(_NEAR_S / _STEP_S), 1)
    score = _score(folded)
    total = np.einsum("b,bs->s", np.asarray(BEAT_WEIGHTS), folded.mean(axis=1))
    coarse = _best(score, total)
    away = np.abs((np.arange(steps) - coarse + steps // 2) % steps - steps // 2) > max(4 * near, steps // 10)
    margin = 1.0 - float(np.exp(score[away].max(initial=-np.inf) - score[coarse]))
    attack = _attack(folded.mean(axis=1), coarse)
    return BeatPhase(offset_s=attack / steps * 60.0 / tempo_bpm, margin=max(margin, 0.0))


def _score(folded: Floats) -> Floats:
    """Return how much each step of the beat looks like the beat, ``(steps,)``; a difference of 1 is a factor of e."""
    near = max(round(_NEAR_S / _STEP_S), 1)
    # The strongest value within reach, so that the bands of one hit meet.
    reach = np.max([np.roll(folded.reshape(FLUX_BANDS, -1), shift, axis=1) for shift in range(-near, near + 1)], axis=0)
    reach = reach.reshape(folded.shape)
    weights = np.asarray(BEAT_WEIGHTS)[:, np.newaxis]
    alike = (weights * (reach.mean(axis=1) - reach.std(axis=1))).sum(axis=0)
    strongest = np.asarray(_STRONGEST_WEIGHTS) @ np.log(reach.max(axis=1) + _LEAST)
    return np.asarray(_ALIKE_WEIGHT * np.log(np.maximum(alike, 0.0) + _LEAST) + strongest)


def lies_between(flux: HopStore, beats_s: Floats) -> bool:
    """Whether the beat is clearly half-way between these beats (ascending; the tempo may change)."""
    score = _score(_fold_on(flux, beats_s))
    near = round(_NEAR_S / _STEP_S)
    around = np.arange(-near, near + 1)
    here, between = (float(score[(place + around) % score.size].max()) for place in (0, score.size // 2))
    return between - here > _CLEARLY


def attack_offset_s(flux: HopStore, beats_s: Floats) -> float:
    """Return how much later than these beats the attacks lie, -0.025 ... 0.025.

    Args:
        flux: As `OnsetStream` keeps it.
        beats_s: Ascending beats, at least two; the tempo may change.
    """
    folded = _fold_on(flux, beats_s)
    steps = folded.shape[2]
    attack = _attack(folded.mean(axis=1), 0)
    late = (attack + steps / 2) % steps - steps / 2
    return float(late / steps * np.median(np.diff(beats_s)))


def _fold_on(flux: HopStore, beats_s: Floats) -> Floats:
    steps = round(float(np.median(np.diff(beats_s))) / _STEP_S)
    places = np.arange(beats_s.size, dtype=np.float64)
    hops = (max(round(float(beats_s[0]) / HOP_S), 0), min(round(float(beats_s[-1]) / HOP_S), flux.hops))
    return _fold(flux, lambda times_s: np.interp(times_s, beats_s, places), steps=steps, hops=hops)


def _best(score: Floats, total: Floats) -> int:
    """Return the strongest onset among the places that score nearly as the best."""
    allowed = score >= score.max() - 0.02
    return int(np.where(allowed, total, -np.inf).argmax())


def _attack(profile: Floats, coarse: int) -> float:
    """Return the step of the attack near a coarse place: the peak where sharp bands count more."""
    steps = profile.shape[1]
    timing = np.asarray(_TIMING_WEIGHTS) @ profile
    reach = round(0.025 / _STEP_S)
    around = (coarse + np.arange(-reach, reach + 1)) % steps
    top = int(around[timing[around].argmax()])
    left, middle, right = timing[top - 1], timing[top], timing[(top + 1) % steps]
    bend = left - 2.0 * middle + right
    # Step k covers k ... k + 1: its middle is meant.
    return float(top + 0.5 + (0.5 * (left - right) / bend if bend < 0.0 else 0.0))


def snare_once_in_four(flux: HopStore, beats_s: Floats) -> int | None:
    """Return which beat of four (0 ... 3) alone carries the snare, as in half-time: half the tempo is felt then.

    A snare on every other beat is as strong two beats later; None then, and where there is no snare.

    Args:
        flux: As `OnsetStream` keeps it.
        beats_s: Ascending beats, at least two.
    """
    folded = _fold_on(flux, beats_s)[_SNARE_BAND]
    steps = folded.shape[1]
    near = round(_NEAR_S / _STEP_S)
    places = np.arange(-near, near + 1)
    flat = folded.ravel()
    on, between = (
        [float(flat[(places + beat * steps + shift) % flat.size].max()) for beat in range(_BAR_BEATS)]
        for shift in (0, steps // 2)
    )
    strongest = int(np.argmax(on))
    # Two equal strikes beside it are a back beat, whatever else strikes on the one.
    back_beat = min(on[(strongest + 1) % _BAR_BEATS], on[(strongest + 3) % _BAR_BEATS])
    rivals = max(on[(strongest + 2) % _BAR_BEATS] / _LONE_SNARE, max(between) / _SNARE_BETWEEN, back_beat / _BACK_BEAT)
    alone = on[strongest] > max(_SNARE_OF_MEAN, rivals)
    return strongest if alone else None
