"""Tonic and mode from chroma.

Profiles: *braw*, the median chroma of expert-annotated Beatport tracks, from Faraldo, Jordà, Herrera, "A
Multi-Profile Method for Key Estimation in EDM" (AES 2017), as published with Essentia. A second, smaller vote is the
bass alone: in club music it plays the tonic more than anything else.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.hop_store import Features, HopStore
from cratehand.analysis.pitch import CHROMA_BINS, TUNING_BINS
from cratehand.domain.key import Mode, MusicalKey

_MAJOR: Final = (1.0000, 0.1573, 0.4200, 0.1570, 0.5296, 0.3669, 0.1632, 0.7711, 0.1676, 0.3827, 0.2113, 0.2965)
_MINOR: Final = (1.0000, 0.2330, 0.3615, 0.3905, 0.2925, 0.3777, 0.1961, 0.7425, 0.2701, 0.2161, 0.4228, 0.2272)
_BASS_WEIGHT: Final = 0.15
_PHRASE_WEIGHT: Final = 0.5
"""What a bass that begins each phrase on one tone adds for the keys on that tone."""

_LEAST_CORRELATION: Final = 0.45
_LEAST_TUNED: Final = 0.06
_SURE_MARGIN: Final = 0.25
"""Lead over the second key at which the key was right on nearly all tracks at hand."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFit:
    """Key, its confidence 0 ... 1, and the tuning: cents (-50 ... 50) off A = 440 Hz, None where it is not clear."""

    key: MusicalKey | None
    confidence: float
    tuning_cents: float | None
    major_lead: float | None = None
    """How much better the best major key fits than the best minor one; None without tones."""


def fit_key(chroma: HopStore, bass: HopStore, deviations: Floats, *, phrase_starts: Floats | None = None) -> KeyFit:
    """Find the key of a whole track; no key where tones are few or belong to none.

    Args:
        chroma: Rows of `cratehand.analysis.pitch.PitchStream.chroma`.
        bass: Its bass.
        deviations: Its deviations.
        phrase_starts: What the bass plays where phrases begin, see `cratehand.analysis.phrase_bass`.
    """
    cents, tuned = tuning(deviations)
    fine = _lasting_mean(chroma)
    if tuned < _LEAST_TUNED or not fine.any():
        return KeyFit(key=None, confidence=0.0, tuning_cents=None)
    profile, low = pitch_classes(fine, cents), _lasting_mean(bass)
    correlations = _correlations(profile)
    score = key_scores(profile, low)
    if phrase_starts is not None:
        score = score + _PHRASE_WEIGHT * np.tile(phrase_starts, 2)
    major_lead = float(score[:12].max() - score[12:].max())
    order = np.argsort(score)[::-1]
    best = int(order[0])
    tuning_cents = round(cents, 1)
    if correlations[best] < _LEAST_CORRELATION:
        return KeyFit(key=None, confidence=0.0, tuning_cents=tuning_cents, major_lead=major_lead)
    margin = float(score[best] - score[order[1]])
    fits = float(np.clip((correlations[best] - _LEAST_CORRELATION) / 0.35, 0.0, 1.0))
    confidence = (0.35 + 0.65 * min(margin / _SURE_MARGIN, 1.0)) * (0.4 + 0.6 * fits) * min(chroma.hops / 64.0, 1.0)
    key = MusicalKey(tonic=best % 12, mode=Mode.MAJOR if best < 12 else Mode.MINOR)
    return KeyFit(key=key, confidence=round(confidence, 3), tuning_cents=tuning_cents, major_lead=major_lead)


def key_scores(profile: Floats, low: Floats) -> Floats:
    """Return how well the 12 major, then the 12 minor keys fit pitch classes and bass, ``(24,)``."""
    return _correlations(profile) + _BASS_WEIGHT * (_correlations(low) if low.any() else 0.0)


def tuning(deviations: Floats) -> tuple[float, float]:
    """Return the circular mean of the deviations in cents, and how concentrated they are, 0 ... 1."""
    total = float(deviations.sum())
    if total <= 0.0:
        return 0.0, 0.0
    angle = 2.0 * np.pi * ((np.arange(TUNING_BINS) + 0.5) / TUNING_BINS - 0.5)
    mean = complex((deviations * np.exp(1j * angle)).sum()) / total
    return float(np.angle(mean) / (2.0 * np.pi) * 100.0), abs(mean)


def pitch_classes(fine: Floats, cents: float) -> Floats:
    """Fold fine chroma bins to the 12 pitch classes of a tuning; shape ``(12,)``, C first."""
    step = CHROMA_BINS // 12
    places = (np.arange(CHROMA_BINS) + cents * CHROMA_BINS / 1200.0) % CHROMA_BINS
    tuned = np.interp(places, np.arange(CHROMA_BINS + 1), np.append(fine, fine[0]))
    near = np.arange(12)[:, np.newaxis] * step + np.arange(-(step // 2), step // 2 + 1)
    weights = np.ones(step)
    # The quarter tones between two pitch classes count half for each.
    weights[[0, -1]] = 0.5
    return np.asarray((tuned[near % CHROMA_BINS] * weights).sum(axis=1))


def _lasting_mean(store: HopStore) -> Floats:
    """Average what lasts: of each row what also sounds in a neighbour, for tones outlast 93 ms and drums do not.

    Loud passages count more than silence, yet not without limit.
    """
    strongest = [lasting(block).max(axis=1, initial=0.0) for block in store.blocks()]
    typical = float(np.median(np.concatenate(strongest))) + 1e-9 if strongest else 1.0
    total: Floats = np.zeros(store.means.size)
    for block, top in zip(store.blocks(), strongest, strict=True):
        total += (lasting(block) / (top + np.float32(typical))[:, np.newaxis]).sum(axis=0, dtype=np.float64)
    return total / max(store.hops, 1)


def lasting(rows: Features) -> Features:
    """Return of each row what also sounds in a neighbour."""
    if len(rows) < 3:
        return rows
    beside = np.maximum(np.roll(rows, 1, axis=0), np.roll(rows, -1, axis=0))
    return np.minimum(rows, beside)


def _correlations(profile: Floats) -> Floats:
    """Return Pearson's correlation with the 12 major, then the 12 minor keys, shape ``(24,)``."""
    centred = profile - profile.mean()
    norm = float(np.linalg.norm(centred))
    if norm <= 1e-12:
        return np.zeros(24)
    result = np.empty(24)
    for index, model in enumerate((_MAJOR, _MINOR)):
        template = np.asarray(model) - np.mean(model)
        template /= np.linalg.norm(template)
        for tonic in range(12):
            result[12 * index + tonic] = centred @ np.roll(template, tonic) / norm
    return result
