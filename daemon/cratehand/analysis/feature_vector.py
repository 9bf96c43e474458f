"""The 96-number description of a track's sound in `cratehand.domain.embedding.DSP_SPACE`.

====================  =======  ====================================================================================
part                  numbers  what
====================  =======  ====================================================================================
spectral shape        26       mean level of each band over the mean of all bands
spectral movement     26       standard deviation of each band over time, over the same mean
rhythm                16       onset strength at the eight eighth-of-a-beat places of a beat, low and high, of mean 1
harmony               12       chroma turned so that the tonic comes first; zeros where there is no key
summary               16       tempo (octaves from 126 BPM and as sine and cosine of the octave circle), loudness,
                               range, onsets, low and high share, tonalness, mode, energy, four onset levels,
                               spectral centre
====================  =======  ====================================================================================

Each number is standardised with fixed constants (taken once from 24 finished electronic tracks), clipped to ±3,
weighted so that the parts count alike, and the whole is scaled to unit length. What is unknown is 0, the average.
Cosine distance then compares any two tracks; the constants are part of the space's version.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.analysis.beat_features import HopFeatures
from cratehand.analysis.beat_phase import fold
from cratehand.analysis.energy import Drive
from cratehand.analysis.onsets import FLUX_BANDS
from cratehand.analysis.spectra import BAND_CENTRES_HZ, BANDS
from cratehand.analysis.tonal_profile import folding
from cratehand.domain.beatgrid import BeatGrid
from cratehand.domain.embedding import DSP_PARTS, DSP_SPACE, Vector
from cratehand.domain.key import Mode, MusicalKey
from cratehand.domain.loudness import Loudness

_PLACES: Final = 8
_LIMIT: Final = 3.0
_PARTS: Final = (("shape", BANDS), ("movement", BANDS), ("rhythm", 2 * _PLACES), ("harmony", 12), ("summary", 16))
assert [length for _, length in _PARTS] == [length for _, length in DSP_PARTS]
_WEIGHTS: Final = {"shape": 1.0, "movement": 0.8, "rhythm": 1.0, "harmony": 0.7, "summary": 1.2}

Floats = npt.NDArray[np.float64]

_CONSTANTS: Final = {
    "shape": (
        (
            2.07,
            2.1,
            1.71,
            1.46,
            1.31,
            1.24,
            1.12,
            1.21,
            1.1,
            1.06,
            1.08,
            0.911,
            0.88,
            0.874,
            0.823,
            0.795,
            0.76,
            0.699,
            0.651,
            0.641,
            0.642,
            0.625,
            0.604,
            0.611,
            0.563,
            0.467,
        ),
        (
            0.697,
            0.593,
            0.456,
            0.4,
            0.459,
            0.51,
            0.359,
            0.293,
            0.236,
            0.303,
            0.286,
            0.234,
            0.205,
            0.216,
            0.187,
            0.203,
            0.201,
            0.199,
            0.195,
            0.198,
            0.216,
            0.21,
            0.248,
            0.271,
            0.255,
            0.214,
        ),
    ),
    "movement": (
        (
            1.22,
            1.21,
            0.978,
            0.81,
            0.694,
            0.667,
            0.615,
            0.626,
            0.568,
            0.569,
            0.571,
            0.489,
            0.47,
            0.464,
            0.451,
            0.443,
            0.424,
            0.39,
            0.372,
            0.372,
            0.39,
            0.401,
            0.394,
            0.419,
            0.399,
            0.348,
        ),
        (
            0.389,
            0.39,
            0.292,
            0.264,
            0.286,
            0.277,
            0.22,
            0.219,
            0.183,
            0.188,
            0.18,
            0.148,
            0.119,
            0.135,
            0.127,
            0.166,
            0.176,
            0.158,
            0.152,
            0.15,
            0.162,
            0.165,
            0.182,
            0.204,
            0.191,
            0.167,
        ),
    ),
    "rhythm": (
        (2.06, 0.936, 0.79, 0.633, 1.39, 0.705, 0.817, 0.654, 2.5, 0.517, 0.759, 0.512, 1.79, 0.484, 0.874, 0.547),
        (0.596, 0.288, 0.183, 0.182, 0.387, 0.187, 0.245, 0.251, 0.654, 0.172, 0.304, 0.211, 0.471, 0.168, 0.35, 0.28),
    ),
    "harmony": (
        (0.962, 0.218, 0.41, 0.402, 0.389, 0.508, 0.18, 0.711, 0.299, 0.316, 0.471, 0.276),
        (0.0774, 0.207, 0.175, 0.211, 0.248, 0.2, 0.123, 0.196, 0.22, 0.197, 0.246, 0.155),
    ),
    "summary": (
        (0, 0, 0, -12.4, 5.27, 4.82, 0.226, 0.212, 0.259, 0, 6, 0.0646, 0.1, 0.0673, 0.0515, 9.05),
        (0.5, 0.7, 0.7, 3.99, 2.57, 0.966, 0.102, 0.102, 0.102, 1, 1.5, 0.102, 0.102, 0.102, 0.102, 0.444),
    ),
}
"""Mean and spread of each number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Everything the vector is made of; None is unknown."""

    features: HopFeatures
    grid: BeatGrid | None
    key: MusicalKey | None
    tuning_cents: float | None
    loudness: Loudness
    drive: Drive | None
    energy: int | None
    tonalness: float


def raw_parts(description: Description) -> dict[str, Floats]:
    """Return the parts before they are standardised; NaN where unknown."""
    levels = description.features.levels
    overall = max(float(levels.means.mean()), 1e-9)
    movement = np.array([levels.column(band).std(dtype=np.float64) for band in range(BANDS)])
    return {
        "shape": levels.means / overall,
        "movement": movement / overall,
        "rhythm": _rhythm(description),
        "harmony": _harmony(description),
        "summary": _summary(description),
    }


def describe(description: Description) -> Vector | None:
    """Return the unit vector, float32 ``(96,)``, read-only; None for silence."""
    if description.drive is None:
        return None
    numbers = []
    for name, values in raw_parts(description).items():
        mean, spread = _CONSTANTS[name]
        standard = np.clip(np.nan_to_num((values - np.asarray(mean)) / np.asarray(spread)), -_LIMIT, _LIMIT)
        numbers.append(standard * _WEIGHTS[name] / np.sqrt(values.size))
    joined = np.concatenate(numbers)
    norm = float(np.linalg.norm(joined))
    vector = (joined / norm if norm > 1e-9 else np.full(joined.size, joined.size**-0.5)).astype(np.float32)
    assert vector.shape == (DSP_SPACE.dimension,)
    vector.setflags(write=False)
    return vector


def _rhythm(description: Description) -> Floats:
    grid = description.grid
    if grid is None:
        return np.full(2 * _PLACES, np.nan)
    first = grid.anchors[0]
    end_s = grid.anchors[1].start_s if len(grid.anchors) > 1 else description.features.duration_s
    folded = fold(description.features.flux, tempo_bpm=first.tempo_bpm, start_s=first.start_s, end_s=end_s).mean(axis=1)
    steps = folded.shape[1]
    # Half a place earlier, so that an onset on the beat lies in the middle of place 0.
    start = round(first.start_s / first.beat_s * steps - steps / (2 * _PLACES))
    turned = np.roll(folded, -(start % steps), axis=1)
    places = np.array([part.mean(axis=1) for part in np.array_split(turned, _PLACES, axis=1)]).T
    half = FLUX_BANDS // 2
    return np.concatenate([places[:half].mean(axis=0), places[half:].mean(axis=0)])


def _harmony(description: Description) -> Floats:
    if description.key is None or description.tuning_cents is None:
        return np.full(12, np.nan)
    fine = description.features.chroma.means
    chroma = np.roll(fine @ folding(description.tuning_cents), -description.key.tonic)
    return np.asarray(chroma / max(float(chroma.max()), 1e-9))


def _summary(description: Description) -> Floats:
    nan = float("nan")
    tempo = nan if description.grid is None else float(np.log2(description.grid.main_tempo_bpm / 126.0))
    drive, loudness = description.drive, description.loudness
    assert drive is not None
    flux = [float(mean) for mean in description.features.flux.means]
    mode = nan if description.key is None else (1.0 if description.key.mode is Mode.MAJOR else -1.0)
    centre = np.log2(np.asarray(BAND_CENTRES_HZ))
    levels = description.features.levels.means
    return np.array(
        [
            tempo,
            float(np.sin(2 * np.pi * tempo)),
            float(np.cos(2 * np.pi * tempo)),
            nan if loudness.integrated_lufs is None else loudness.integrated_lufs,
            nan if loudness.range_lu is None else loudness.range_lu,
            drive.onsets_a_s,
            drive.low_share,
            drive.high_share,
            description.tonalness,
            mode,
            nan if description.energy is None else float(description.energy),
            *flux,
            float((levels * centre).sum() / max(float(levels.sum()), 1e-9)),
        ]
    )
