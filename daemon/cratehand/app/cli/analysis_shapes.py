"""What `analyse` shows of a file: the JSON of surface.md, and a row of a table."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from cratehand.app.cli.output import minutes, or_dash
from cratehand.domain.loudness import Loudness
from cratehand.domain.track_analysis import FileReading, TrackAnalysis

_UNMEASURED: Final = Loudness(integrated_lufs=None, range_lu=None, true_peak_dbtp=None)


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
    loudness, key, quality = found.loudness or _UNMEASURED, found.key, found.quality
    return {
        "duration_s": round(found.duration_s, 4),
        "tempo_bpm": found.tempo_bpm,
        "tempo_confidence": None if found.tempo_bpm is None else found.tempo_confidence,
        "beat_grid": None if found.beat_grid is None else [asdict(anchor) for anchor in found.beat_grid.anchors],
        "key": None if key is None else str(key),
        "camelot": None if key is None else key.camelot,
        "key_confidence": None if key is None else found.key_confidence,
        "tuning_cents": found.tuning_cents,
        "integrated_lufs": loudness.integrated_lufs,
        "loudness_range_lu": loudness.range_lu,
        "true_peak_dbtp": loudness.true_peak_dbtp,
        "energy": found.energy,
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
        "quality": None
        if quality is None
        else {
            "verdict": quality.verdict.value,
            "findings": [finding.value for finding in quality.findings],
            "source_class": quality.source_class,
            "evidence": dict(quality.evidence),
        },
    }


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
        or_dash(found.energy),
        or_dash(loudness.integrated_lufs, "{:.1f}".format),
        or_dash(loudness.true_peak_dbtp, "{:+.1f}".format),
        "–" if found.quality is None else " ".join([found.quality.verdict, *found.quality.findings]),
    ]
