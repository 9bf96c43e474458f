"""Harmony: which tones sound, which follow each other, how the bass goes, how the track is tuned."""

from typing import Final

import numpy as np

from cratehand.analysis.dna.courses import Floats, correlations, pair_names, summarise, summary_names
from cratehand.analysis.dna.material import TrackMaterial
from cratehand.analysis.hop_store import HopStore
from cratehand.analysis.tonal_profile import folding
from cratehand.domain.key import TONICS, Mode

_BLOCK_ROWS: Final = 6
"""Chords are looked at every 0.56 s."""
_TRIADS: Final = ((0, 4, 7), (0, 3, 7))
_LATER_BLOCKS: Final = (1, 2, 4, 8, 16)
_TUNING_PARTS: Final = 20
_NOTHING: Final = 1e-9

_INTERVALS: Final = tuple(f"{step} up" for step in range(12))
_CHORDS: Final = tuple(f"{tonic} {mode}" for mode in ("major", "minor") for tonic in TONICS)
_TONNETZ: Final = ("fifths x", "fifths y", "minor thirds x", "minor thirds y", "major thirds x", "major thirds y")
_TONE_STATISTICS: Final = ("mean", "spread", "high", "change", "memory")

NAMES: Final = (
    *summary_names([f"tone {tonic}" for tonic in TONICS], _TONE_STATISTICS),
    *summary_names([f"bass {tonic}" for tonic in TONICS], ("mean", "spread")),
    *(f"tone {interval} from the tonic" for interval in _INTERVALS),
    *(f"bass {interval} from the tonic" for interval in _INTERVALS),
    *pair_names([f"tone {tonic}" for tonic in TONICS]),
    *summary_names(_CHORDS, ("mean", "high")),
    *summary_names(_TONNETZ, ("mean", "spread", "change")),
    *(f"moving {interval} after {blocks} chords" for blocks in _LATER_BLOCKS for interval in _INTERVALS),
    *(f"tuning {part}" for part in range(_TUNING_PARTS)),
    *summary_names(("tone strength", "tone variety", "tones at once"), ("mean", "spread", "low", "high", "memory")),
    "tonalness", "key known", "key confidence", "major", "major lead", "tuning sine", "tuning cosine",
    "tuning concentration", "tonic sine", "tonic cosine", "camelot sine", "camelot cosine",
)  # fmt: skip
"""Shares of what sounds 0 ... 1, correlations -1 ... 1, sines and cosines of circles."""


def measure_harmony(material: TrackMaterial) -> Floats:
    """Return the numbers of `NAMES`, ``(len(NAMES),)``; 0 where no tones are heard."""
    cents = material.key.tuning_cents or 0.0
    fine = _rows(material.features.chroma)
    strength = fine.sum(axis=1)
    tones = fine @ folding(cents)
    shares, bass = _shares(tones), _shares(_rows(material.bass))
    blocks = _blocks(tones)
    tonic = material.key.key.tonic if material.key.key is not None else None
    turned = [np.zeros(12) if tonic is None else np.roll(_mean(rows), -tonic) for rows in (shares, bass)]
    return np.concatenate(
        [
            summarise(shares, _TONE_STATISTICS),
            summarise(bass, ("mean", "spread")),
            *turned,
            correlations(blocks),
            summarise(blocks @ _chord_shapes().T, ("mean", "high")),
            summarise(blocks @ _tonnetz().T, ("mean", "spread", "change")),
            _movement(blocks),
            _tuning(material.deviations),
            summarise(_variety(shares, strength), ("mean", "spread", "low", "high", "memory")),
            _key(material),
        ]
    )


def _rows(store: HopStore) -> Floats:
    blocks = [block.astype(np.float64) for block in store.blocks()]
    return np.concatenate(blocks) if blocks else np.empty((0, store.means.size))


def _shares(tones: Floats) -> Floats:
    return np.asarray(tones / np.maximum(tones.sum(axis=1, keepdims=True), _NOTHING))


def _mean(rows: Floats) -> Floats:
    return rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])


def _blocks(tones: Floats) -> Floats:
    """Return the shares of the twelve tones in each half second, ``(blocks, 12)``."""
    count = len(tones) // _BLOCK_ROWS
    return _shares(tones[: count * _BLOCK_ROWS].reshape(count, _BLOCK_ROWS, 12).sum(axis=1))


def _chord_shapes() -> Floats:
    """Return major, then minor triads on all tonics, ``(24, 12)``: one for its tones, minus a third for the others."""
    shapes = np.full((24, 12), -1.0 / 3.0)
    for mode, triad in enumerate(_TRIADS):
        for tonic in range(12):
            shapes[12 * mode + tonic, [(tonic + tone) % 12 for tone in triad]] = 1.0
    return shapes


def _tonnetz() -> Floats:
    """Return the circles of fifths, minor and major thirds (Harte, Sandler and Gasser 2006), ``(6, 12)``."""
    classes = np.arange(12)
    circles = ((7.0 * np.pi / 6.0, 1.0), (3.0 * np.pi / 2.0, 1.0), (2.0 * np.pi / 3.0, 0.5))
    return np.array([weight * turn(classes * step) for step, weight in circles for turn in (np.sin, np.cos)])


def _movement(blocks: Floats) -> Floats:
    """Return how well the tones fit those of later blocks when turned by each interval, ``(lags * 12,)``."""
    if len(blocks) == 0:
        return np.zeros(len(_LATER_BLOCKS) * 12)
    off = blocks - blocks.mean(axis=1, keepdims=True)
    off = off / np.maximum(np.linalg.norm(off, axis=1, keepdims=True), _NOTHING)
    # By the convolution theorem: the likeness of all twelve turns at once.
    spectra = np.fft.rfft(off, axis=1)
    found = []
    for later in _LATER_BLOCKS:
        if len(spectra) <= later:
            found.append(np.zeros(12))
            continue
        product = (np.conj(spectra[:-later]) * spectra[later:]).mean(axis=0)
        found.append(np.fft.irfft(product, 12))
    return np.concatenate(found)


def _tuning(deviations: Floats) -> Floats:
    parts = deviations.reshape(_TUNING_PARTS, -1).sum(axis=1)
    return np.asarray(parts / max(float(parts.sum()), _NOTHING))


def _variety(shares: Floats, strength: Floats) -> Floats:
    """Return strength over its mean, entropy 0 ... 1, and share of tones near the strongest, ``(rows, 3)``."""
    relative = np.log1p(strength / max(float(strength.mean()) if strength.size else 0.0, _NOTHING))
    entropy = -(shares * np.log(shares + 1e-12)).sum(axis=1) / np.log(12.0)
    at_once = (shares > 0.3 * np.maximum(shares.max(axis=1, keepdims=True), _NOTHING)).mean(axis=1)
    return np.column_stack([relative, entropy, at_once])


def _key(material: TrackMaterial) -> Floats:
    fit, key = material.key, material.key.key
    tuned = fit.tuning_cents is not None
    turn = 2.0 * np.pi * (fit.tuning_cents or 0.0) / 100.0
    tonic = 2.0 * np.pi * (key.tonic if key else 0) / 12.0
    hour = 2.0 * np.pi * (int(key.camelot[:-1]) if key else 0) / 12.0
    total = float(material.deviations.sum())
    angles = 2.0 * np.pi * np.arange(material.deviations.size) / material.deviations.size
    concentration = abs(complex((material.deviations * np.exp(1j * angles)).sum())) / total if total > 0.0 else 0.0
    return np.array(
        [
            material.tonalness, float(key is not None), fit.confidence,
            0.0 if key is None else (1.0 if key.mode is Mode.MAJOR else -1.0), fit.major_lead or 0.0,
            np.sin(turn) * tuned, np.cos(turn) * tuned, concentration,
            np.sin(tonic) * (key is not None), np.cos(tonic) * (key is not None),
            np.sin(hour) * (key is not None), np.cos(hour) * (key is not None),
        ]
    )  # fmt: skip
