"""Signal: how loud, how wide, how dense the samples are."""

from typing import Final

import numpy as np

from cratehand.analysis.dna.courses import Floats, summarise, summary_names
from cratehand.analysis.dna.material import TrackMaterial
from cratehand.domain.loudness import Loudness

_EXCERPT_COLUMNS: Final = ("zero crossings", "crest", "asymmetry")
_EXCERPT_STATISTICS: Final = ("mean", "spread", "low", "high")
_PIECES: Final = 32
_WAVE_ROWS: Final = ("peak", "low band", "mid band", "high band")
_WAVE_STATISTICS: Final = ("mean", "spread", "low", "middle", "high", "skew", "change")
_UNKNOWN: Final = Loudness(integrated_lufs=None, range_lu=None, true_peak_dbtp=None)
_NOTHING: Final = 1e-9

NAMES: Final = (
    "loudness", "loudness known", "loudness range", "true peak", "peak over loudness", "loudest over loudness",
    "width", "is stereo", "dc", "clipped runs a minute", "silence at the ends",
    *summary_names(_EXCERPT_COLUMNS, _EXCERPT_STATISTICS),
    *summary_names(_WAVE_ROWS, _WAVE_STATISTICS),
)  # fmt: skip
"""Nothing tells the length of the sound: two parts of one track are of one track, however long they are. Loudness in
LUFS, range and differences in LU and dB, width 0 ... 1, shares and ratios otherwise."""


def measure_signal(material: TrackMaterial) -> Floats:
    """Return the numbers of `NAMES`, ``(len(NAMES),)``; 0 where unknown."""
    levels, loudness = material.levels, material.analysis.loudness or _UNKNOWN
    lufs, peak_db = loudness.integrated_lufs, loudness.true_peak_dbtp
    known = lufs is not None
    loud = lufs or 0.0
    width = levels.channel_difference
    duration_s = max(material.features.duration_s, 1.0)
    plain = [
        loud,
        float(known),
        loudness.range_lu or 0.0,
        peak_db or 0.0,
        peak_db - loud if known and peak_db is not None else 0.0,
        loudness.short_term_max_lufs - loud if known and loudness.short_term_max_lufs is not None else 0.0,
        width or 0.0,
        float(width is not None and width > 1e-6),
        levels.dc_offset,
        float(np.log1p(levels.clipped_runs * 60.0 / duration_s)),
        min((levels.silence_start_s + levels.silence_end_s) / duration_s, 1.0),
    ]
    return np.concatenate([plain, _excerpts(material), _overview(material)])


def _excerpts(material: TrackMaterial) -> Floats:
    """Return how often the wave crosses zero and how its peaks stand, over pieces of 0.1 s."""
    rows = [_pieces(excerpt[0]) for excerpt in material.excerpts if excerpt.shape[1] >= _PIECES]
    columns = np.concatenate(rows) if rows else np.empty((0, len(_EXCERPT_COLUMNS)))
    return summarise(columns, _EXCERPT_STATISTICS)


def _pieces(mono: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Floats:
    cut = mono[: mono.size // _PIECES * _PIECES].reshape(_PIECES, -1)
    squares = cut * cut
    root = np.sqrt(squares.mean(axis=1, dtype=np.float64))
    highest = np.abs(cut).max(axis=1)
    above = cut > 0.0
    crossings = (above[:, 1:] != above[:, :-1]).sum(axis=1) / cut.shape[1]
    crest = np.where(root > _NOTHING, np.log(highest / np.maximum(root, _NOTHING) + _NOTHING), 0.0)
    skew = (squares * cut).mean(axis=1, dtype=np.float64) / np.maximum(root, 1e-6) ** 3
    return np.column_stack([crossings, np.clip(crest, 0.0, 8.0), np.clip(skew, -8.0, 8.0)])


def _overview(material: TrackMaterial) -> Floats:
    """Return how the overview waveform goes, relative to its highest peak."""
    waveform = material.analysis.waveform
    if waveform is None or waveform.levels.size == 0:
        return np.zeros(len(_WAVE_ROWS) * len(_WAVE_STATISTICS))
    steps = waveform.levels.astype(np.float64).T
    return summarise(steps / max(float(steps[:, 0].max()), 1.0), _WAVE_STATISTICS)
