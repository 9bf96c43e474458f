"""How likely a track is in each of the 24 keys: a small network that looks from every tonic with the same eyes.

It reads the rows of `TonalProfile.seen_from_every_tonic` and beside them how well the profiles of real club music fit,
one tonic at a time: 112 numbers, one hidden layer, and one number each for major and minor. Since all tonics share the
weights, no tonic is preferred, and a track that is transposed is as sure as before. Weights: ``key_weights.npz``, made
by ``python -m tests.bench.fit_key --write`` from synthesised music only; decision 0009 tells how.

Its logits are added to those profile scores once more, with a fixed weight: synthesised music taught the network, real
music made the profiles, and together they err less than either.

Profiles: *braw*, the median chroma of expert-annotated Beatport tracks, from Faraldo, Jordà, Herrera, "A Multi-Profile
Method for Key Estimation in EDM" (AES 2017), as published with Essentia.
"""

from functools import cache
from importlib import resources
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from cratehand.analysis.tonal_profile import TonalProfile

_MAJOR: Final = (1.0000, 0.1573, 0.4200, 0.1570, 0.5296, 0.3669, 0.1632, 0.7711, 0.1676, 0.3827, 0.2113, 0.2965)
_MINOR: Final = (1.0000, 0.2330, 0.3615, 0.3905, 0.2925, 0.3777, 0.1961, 0.7425, 0.2701, 0.2161, 0.4228, 0.2272)
_BASS_WEIGHT: Final = 0.15
_PHRASE_WEIGHT: Final = 0.5
"""What a bass that begins each phrase on one tone adds for the keys on that tone."""
_PROFILES_WEIGHT: Final = 2.0
"""Best of 0, 2, 4, 6, 8, 12 on the pieces that were learnt."""
_MINOR_LEAD: Final = 0.8
"""Logits ahead of the minor keys: most club music is in minor, and without it most errors were minor heard as major.
Best of 0 ... 1.3 on 192 made tracks that the network never learnt from: minor 96 % right instead of 90 %, major 98 % as
before."""
_SHARES_SCALE: Final = 3.0
_FITS_SCALE: Final = 1.5
WEIGHTS_FILE: Final = "key_weights.npz"

Floats = npt.NDArray[np.float64]


class KeyWeights(NamedTuple):
    """The network: ``(inputs, hidden)``, ``(hidden,)``, ``(hidden, 2)`` for major and minor, ``(2,)``."""

    into: Floats
    into_bias: Floats
    out: Floats
    out_bias: Floats


def key_chances(profile: TonalProfile) -> Floats:
    """Return the chances of the 12 major, then the 12 minor keys, ``(24,)``, sum 1."""
    logits = key_logits(profile, _shipped())
    chances = np.exp(logits - logits.max())
    return np.asarray(chances / chances.sum())


def key_logits(profile: TonalProfile, weights: KeyWeights) -> Floats:
    """Return the logits of the 24 keys, ``(24,)``: of the network, the profiles of club music, and the two modes."""
    modes = np.repeat([0.0, _MINOR_LEAD], 12)
    return np.asarray(network_logits(inputs(profile), weights) + _PROFILES_WEIGHT * club_scores(profile) + modes)


def club_scores(profile: TonalProfile, *, phrase_weight: float = _PHRASE_WEIGHT) -> Floats:
    """Return how well the 24 keys fit tones, bass and the beginnings of phrases, ``(24,)``."""
    return key_scores(profile.tones, profile.bass) + phrase_weight * np.tile(profile.phrase_bass, 2)


def key_scores(tones: Floats, bass: Floats) -> Floats:
    """Return how well the profiles of the 12 major, then the 12 minor keys fit pitch classes and bass, ``(24,)``."""
    return profile_fit(tones) + _BASS_WEIGHT * profile_fit(bass)


def network_logits(rows: Floats, weights: KeyWeights) -> Floats:
    """Return the logits of the 24 keys, ``(..., 24)``, of what is seen from every tonic, ``(..., 12, inputs)``."""
    hidden = np.maximum(rows @ weights.into + weights.into_bias, 0.0)
    told = hidden @ weights.out + weights.out_bias
    return np.concatenate([told[..., 0], told[..., 1]], axis=-1)


def inputs(profile: TonalProfile) -> Floats:
    """Return what the network reads, ``(12, 112)``."""
    # The root brings out the tones that are seldom but tell two keys apart.
    shares = _SHARES_SCALE * np.sqrt(profile.seen_from_every_tonic())
    fits = [fit.reshape(2, 12).T for fit in (profile_fit(profile.tones), profile_fit(profile.bass))]
    return np.concatenate([shares, _FITS_SCALE * np.concatenate(fits, axis=1)], axis=1)


def profile_fit(shares: Floats) -> Floats:
    """Return Pearson's correlation with the 12 major, then the 12 minor profiles, ``(24,)``; zeros for silence."""
    centred = shares - shares.mean()
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


@cache
def _shipped() -> KeyWeights:
    with resources.files("cratehand.analysis").joinpath(WEIGHTS_FILE).open("rb") as file:
        kept = np.load(file)
        return KeyWeights(*(kept[name].astype(np.float64) for name in KeyWeights._fields))
