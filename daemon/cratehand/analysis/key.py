"""Tonic and mode of a whole track, from what `TonalProfile` tells of it."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.calibration import KEY, Evidence, confidence, log_odds
from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.key_model import club_scores, key_chances, profile_fit
from cratehand.analysis.pitch import TUNING_BINS
from cratehand.analysis.tonal_profile import Bars, tonal_profile
from cratehand.domain.key import Mode, MusicalKey

_LEAST_CORRELATION: Final = 0.45
_LEAST_TUNED: Final = 0.06
_MANY_HOPS: Final = 600.0
"""A minute of tones."""
_SPOKEN: Final = (0.76, 0.96)
_SPOKEN_WORTH: Final = 0.4
"""What is left of the confidence where somebody only speaks: the tones of a speaking voice belong to no key."""
_LEAD_PHRASE_WEIGHT: Final = 0.2
"""The beginnings of phrases tell a key from its relative, but a quiet one that an encode moves must not turn the mood
over: at 0.2 no encode of ten made recordings moves the valence by more than 0.016, at 0.5 some do by 0.03."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFit:
    """Key, its confidence 0 ... 1, and the tuning: cents (-50 ... 50) off A = 440 Hz, None where it is not clear."""

    key: MusicalKey | None
    confidence: float
    tuning_cents: float | None
    major_lead: float | None = None
    """How much better the best major key fits than the best minor one; None without tones."""
    evidence: Evidence = field(default_factory=dict)
    """What the confidence follows from, see `cratehand.analysis.calibration`."""


def fit_key(chroma: HopStore, bass: HopStore, deviations: Floats, bars: Bars, *, duration_s: float) -> KeyFit:
    """Find the key of a whole track; no key where tones are few or belong to none.

    Args:
        chroma: Rows of `cratehand.analysis.pitch.PitchStream.chroma`.
        bass: Its bass.
        deviations: Its deviations.
        bars: Of the track.
        duration_s: Its length.
    """
    cents, tuned = tuning(deviations)
    if tuned < _LEAST_TUNED or not chroma.means.any():
        return KeyFit(key=None, confidence=0.0, tuning_cents=None)
    profile = tonal_profile(chroma, bass, bars, cents=cents)
    fits = profile_fit(profile.tones)
    tuning_cents = round(cents, 1)
    score = club_scores(profile, phrase_weight=_LEAD_PHRASE_WEIGHT)
    major_lead = float(score[:12].max() - score[12:].max())
    if fits.max() < _LEAST_CORRELATION:
        return KeyFit(key=None, confidence=0.0, tuning_cents=tuning_cents, major_lead=major_lead)
    chances = key_chances(profile)
    best = int(chances.argmax())
    evidence = {
        "lead": log_odds(float(chances[best])),
        "fits": float(fits[best]),
        "tuned": tuned,
        "length": min(chroma.hops / _MANY_HOPS, 1.0),
    }
    return KeyFit(
        key=MusicalKey(tonic=best % 12, mode=Mode.MAJOR if best < 12 else Mode.MINOR),
        confidence=confidence(KEY, evidence, duration_s=duration_s),
        tuning_cents=tuning_cents,
        major_lead=major_lead,
        evidence=evidence,
    )


def doubt_speech(fit: KeyFit, speechiness: float | None) -> KeyFit:
    """Return the fit of a track without a beat, with less confidence the surer it is speech (from 0.76 on).

    With a beat somebody speaks over music, and that has a key.
    """
    if speechiness is None or speechiness <= _SPOKEN[0]:
        return fit
    worth = float(np.interp(speechiness, _SPOKEN, (1.0, _SPOKEN_WORTH)))
    return replace(fit, confidence=round(fit.confidence * worth, 3))


def tuning(deviations: Floats) -> tuple[float, float]:
    """Return the circular mean of the deviations in cents, and how concentrated they are, 0 ... 1."""
    total = float(deviations.sum())
    if total <= 0.0:
        return 0.0, 0.0
    angle = 2.0 * np.pi * ((np.arange(TUNING_BINS) + 0.5) / TUNING_BINS - 0.5)
    mean = complex((deviations * np.exp(1j * angle)).sum()) / total
    return float(np.angle(mean) / (2.0 * np.pi) * 100.0), abs(mean)
