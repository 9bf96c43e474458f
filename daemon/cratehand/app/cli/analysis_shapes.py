"""What `analyse` shows of a file: the JSON of surface.md, and a row of a table."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final

from cratehand.app.cli.output import minutes, or_dash
from cratehand.domain.audio_features import AudioFeatures
from cratehand.domain.audio_quality import AudioQuality
from cratehand.domain.fact_values import to_json
from cratehand.domain.loudness import Loudness
from cratehand.domain.track_analysis import FileReading, TrackAnalysis

_UNMEASURED: Final = Loudness(integrated_lufs=None, range_lu=None, true_peak_dbtp=None)

_FEATURES: Final = tuple(field.name for field in fields(AudioFeatures) if field.name != "confidence")


def reading_json(reading: FileReading) -> dict[str, Any]:
    """Return the object of one file; one that could not be read has `path` and `errors` only.

    What could not be measured is null, never 0.
    """
    if reading.analysis is None:
        return {"path": reading.path, "errors": list(reading.errors)}
    return {
        "path": reading.path,
        **_measured(reading.analysis),
        "fingerprint": reading.fingerprint,
        "errors": list(reading.errors),
    }


def _measured(found: TrackAnalysis) -> dict[str, Any]:
    return {
        "duration_s": round(found.duration_s, 4),
        **_rhythm(found),
        **_harmony(found),
        **_level(found.loudness or _UNMEASURED),
        "energy": found.energy,
        **_features(found.audio_features or AudioFeatures()),
        **_structure(found),
        "quality": None if found.quality is None else _quality(found.quality),
    }


def _rhythm(found: TrackAnalysis) -> dict[str, Any]:
    return {
        "tempo_bpm": found.tempo_bpm,
        "tempo_confidence": None if found.tempo_bpm is None else found.tempo_confidence,
        "possible_tempos": to_json(found.possible_tempos),
        "beat_grid": None if found.beat_grid is None else [asdict(anchor) for anchor in found.beat_grid.anchors],
    }


def _harmony(found: TrackAnalysis) -> dict[str, Any]:
    key = found.key
    return {
        "key": None if key is None else str(key),
        "camelot": None if key is None else key.camelot,
        "open_key": None if key is None else key.open_key,
        "key_confidence": None if key is None else found.key_confidence,
        "key_changes": to_json(found.key_changes),
        "tuning_cents": found.tuning_cents,
    }


def _level(loudness: Loudness) -> dict[str, Any]:
    return {
        "integrated_lufs": loudness.integrated_lufs,
        "loudness_range_lu": loudness.range_lu,
        "true_peak_dbtp": loudness.true_peak_dbtp,
        "short_term_max_lufs": loudness.short_term_max_lufs,
    }


def _structure(found: TrackAnalysis) -> dict[str, Any]:
    return {
        "sections": [
            {"start_s": section.start_s, "end_s": section.end_s, "label": section.label.value}
            for section in found.sections
        ],
        "cues": [
            {
                "start_s": cue.start_s,
                "end_s": cue.end_s,
                "kind": cue.kind.value,
                "label": cue.kind.value.replace("_", " "),
                "reason": cue.reason,
            }
            for cue in found.suggested_cues
        ],
    }


def _quality(quality: AudioQuality) -> dict[str, Any]:
    return {
        "verdict": quality.verdict.value,
        "findings": [finding.value for finding in quality.findings],
        "source_class": quality.source_class,
        "evidence": dict(quality.evidence),
    }


def _features(features: AudioFeatures) -> dict[str, float | None]:
    return {name: getattr(features, name) for name in _FEATURES}


def reading_row(reading: FileReading) -> list[str]:
    """Return the row of a file that could be read."""
    found = reading.analysis
    if found is None:
        return [Path(reading.path).name]
    loudness = found.loudness or _UNMEASURED
    return [
        Path(reading.path).name,
        minutes(found.duration_s),
        or_dash(found.tempo_bpm, "{:.2f}".format),
        or_dash(found.key, lambda key: str(key.camelot)),
        or_dash(found.whole_energy),
        or_dash(loudness.integrated_lufs, "{:.1f}".format),
        or_dash(loudness.true_peak_dbtp, "{:+.1f}".format),
        "–" if found.quality is None else " ".join([found.quality.verdict, *found.quality.findings]),
    ]
