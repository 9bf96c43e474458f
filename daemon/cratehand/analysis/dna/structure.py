"""Structure: sections, how much changes and how much comes back."""

from typing import Final

import numpy as np

from cratehand.analysis.dna.courses import Floats, summarise, summary_names
from cratehand.analysis.dna.material import TrackMaterial
from cratehand.analysis.dna.timbre import band_rows
from cratehand.analysis.hop_store import HopStore
from cratehand.domain.structure import SectionLabel

_WINDOW_ROWS: Final = 64
"""Windows of 2.97 s."""
_TONE_ROWS: Final = 32
_LATER: Final = (1, 2, 3, 4, 6, 8, 12, 16)
_LIKENESS_STATISTICS: Final = ("mean", "spread", "low", "middle", "high")
_KINDS: Final = ("colour", "tones")

NAMES: Final = (
    "sections a minute", "sections known", "section seconds", "section seconds spread", "longest section share",
    *(f"time in {label}" for label in SectionLabel),
    *(f"number of {label}" for label in SectionLabel),
    *(f"{kind} {windows} windows later" for kind in _KINDS for windows in _LATER),
    *summary_names([f"likeness of {kind}" for kind in _KINDS], _LIKENESS_STATISTICS),
    *summary_names([f"novelty of {kind}" for kind in _KINDS], _LIKENESS_STATISTICS),
    *(f"{kind} first to last" for kind in _KINDS),
)  # fmt: skip
"""Likenesses are cosines -1 ... 1 of windows of three seconds, shares 0 ... 1."""


def measure_structure(material: TrackMaterial) -> Floats:
    """Return the numbers of `NAMES`, ``(len(NAMES),)``; 0 where unknown."""
    likenesses = [_likeness(_colour(material.features.levels)), _likeness(_tones(material.features.chroma))]
    return np.concatenate(
        [
            _sections(material),
            *(_later(likeness) for likeness in likenesses),
            _interleaved([summarise(_pairs(likeness), _LIKENESS_STATISTICS) for likeness in likenesses]),
            _interleaved([summarise(_novelty(likeness), _LIKENESS_STATISTICS) for likeness in likenesses]),
            [float(likeness[0, -1]) if len(likeness) else 0.0 for likeness in likenesses],
        ]
    )


def _sections(material: TrackMaterial) -> Floats:
    sections, duration_s = material.analysis.sections, max(material.features.duration_s, 1.0)
    if not sections:
        return np.zeros(5 + 2 * len(SectionLabel))
    lengths_s = np.array([section.end_s - section.start_s for section in sections])
    labels = list(SectionLabel)
    time, count = np.zeros(len(labels)), np.zeros(len(labels))
    for section, length_s in zip(sections, lengths_s, strict=True):
        time[labels.index(section.label)] += length_s / duration_s
        count[labels.index(section.label)] += 1.0
    whole = [len(sections) * 60.0 / duration_s, 1.0, lengths_s.mean(), lengths_s.std(), lengths_s.max() / duration_s]
    return np.concatenate([whole, time, np.log1p(count)])


def _colour(levels: HopStore) -> Floats:
    """Return the mean logarithmic levels of each window, ``(windows, bands)``, without the track's own mean."""
    return _windows(band_rows(levels), _WINDOW_ROWS)


def _tones(chroma: HopStore) -> Floats:
    """Return the mean strength of the tones of each window, ``(windows, bins)``, without the track's own mean."""
    blocks = [block.astype(np.float64) for block in chroma.blocks()]
    rows = np.concatenate(blocks) if blocks else np.empty((0, chroma.means.size))
    return _windows(rows, _TONE_ROWS)


def _windows(rows: Floats, length: int) -> Floats:
    count = len(rows) // length
    windows = rows[: count * length].reshape(count, length, rows.shape[1]).mean(axis=1)
    return np.asarray(windows - windows.mean(axis=0)) if count else windows


def _likeness(windows: Floats) -> Floats:
    """Return the cosine of each window to each other one, ``(windows, windows)``."""
    norms = np.linalg.norm(windows, axis=1, keepdims=True)
    unit = windows / np.maximum(norms, 1e-9)
    return np.asarray(unit @ unit.T)


def _later(likeness: Floats) -> Floats:
    return np.array([float(np.diagonal(likeness, lag).mean()) if len(likeness) > lag else 0.0 for lag in _LATER])


def _pairs(likeness: Floats) -> Floats:
    upper = np.triu_indices(len(likeness), 1)
    return likeness[upper][:, np.newaxis]


def _novelty(likeness: Floats) -> Floats:
    """Return how unlike each window is to the one before, ``(windows - 1, 1)``."""
    return 1.0 - np.diagonal(likeness, 1)[:, np.newaxis] if len(likeness) > 1 else np.empty((0, 1))


def _interleaved(parts: list[Floats]) -> Floats:
    """Join the statistics of two columns as `summary_names` names them: both columns of each statistic."""
    return np.stack(parts, axis=1).ravel()
