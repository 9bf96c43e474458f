"""Our own side: `cratehand.app.worker.read_file` in worker processes, its findings as `Reading`."""

import resource
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from cratehand.analysis.calibration import Evidence
from cratehand.domain.audio import AudioFormat
from tests.bench.truth.processes import Tell, map_each
from tests.bench.truth.truth import Item, Reading

FEATURES: Final = (
    "energy", "danceability", "valence", "arousal", "acousticness", "instrumentalness", "speechiness", "liveness",
)  # fmt: skip


def read_all(items: Sequence[Item], *, workers: int | None = None, tell: Tell | None = None) -> list[Reading]:
    """Read files with as many processes as cores; the order stays."""
    answers = map_each(read_one, [str(item.path) for item in items], workers=workers, tell=tell)
    return [
        answer if isinstance(answer, Reading) else Reading(name=item.path.name, errors=[f"CRASH {answer!r}"])
        for item, answer in zip(items, answers, strict=True)
    ]


def read_one(path: str) -> Reading:
    """Read one file in this process; a crash is told as an error."""
    from cratehand.app.worker import read_file

    started_s, started_cpu_s = time.perf_counter(), _cpu_s()
    try:
        reading = read_file(path)
    except Exception as error:  # the bench tells it, and goes on
        return Reading(name=_name(path), errors=[f"CRASH {type(error).__name__}: {error}"])
    seconds, cpu_seconds = time.perf_counter() - started_s, _cpu_s() - started_cpu_s
    told = _told(reading.analysis) if reading.analysis is not None else {}
    return Reading(
        name=_name(path),
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
        errors=list(reading.errors),
        **told,
    )


def read_with_evidence(path: str) -> tuple[Reading, dict[str, Evidence]]:
    """Read one file in this process; also return what its confidences follow from, by field.

    It is read as a lossy one and without models: the search for traces of codecs takes a third of the time, and no
    confidence follows from it.
    """
    from cratehand.app.reading_tools import reading_tools
    from cratehand.usecases import file_reading

    tools, made = reading_tools(), []

    def analyser(declared: AudioFormat) -> file_reading.SignalAnalyser:
        made.append(tools.analyser(replace(declared, lossless=False)))
        return made[-1]

    reading = file_reading.read_file(replace(tools, analyser=analyser, describer=None), Path(path))
    told = _told(reading.analysis) if reading.analysis is not None else {}
    evidence = made[-1].evidence if reading.analysis is not None else {}
    return Reading(name=_name(path), errors=list(reading.errors), **told), evidence


def _name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _cpu_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def _told(analysis: Any) -> dict[str, Any]:
    """Turn an analysis into plain data; what it has no field for yet stays out."""
    told: dict[str, Any] = {
        "tempo_bpm": analysis.tempo_bpm,
        "tempo_confidence": analysis.tempo_confidence,
        "beat_confidence": analysis.beat_grid_confidence,
        "key": None if analysis.key is None else str(analysis.key),
        "key_confidence": analysis.key_confidence,
        "tuning_cents": analysis.tuning_cents,
        "sections": [(part.start_s, part.end_s, str(part.label)) for part in analysis.sections],
        "sections_confidence": analysis.sections_confidence,
        "cues": [(cue.start_s, str(cue.kind)) for cue in analysis.suggested_cues],
        **_features(analysis),
    }
    if (grid := analysis.beat_grid) is not None:
        beats = list(grid.beats(until_s=analysis.duration_s))
        told["beats_s"] = [at_s for at_s, _ in beats]
        told["downbeats_s"] = [at_s for at_s, beat in beats if beat == 1]
        told["grid_pieces"] = len(grid.anchors)
        told["tempos"] = [(anchor.start_s, anchor.tempo_bpm) for anchor in grid.anchors]
    if (loudness := analysis.loudness) is not None:
        told["integrated_lufs"] = loudness.integrated_lufs
        told["range_lu"] = loudness.range_lu
        told["true_peak_dbtp"] = loudness.true_peak_dbtp
        for name in ("max_short_term_lufs", "short_term_max_lufs"):
            if hasattr(loudness, name):
                told["max_short_term_lufs"] = getattr(loudness, name)
    if (quality := analysis.quality) is not None:
        told["verdict"] = str(quality.verdict)
        told["source_class"] = quality.source_class
        told["quality_confidence"] = analysis.quality_confidence
        told["findings"] = [str(finding) for finding in quality.findings]
        told["evidence"] = dict(quality.evidence)
    return told


def _features(analysis: Any) -> dict[str, Any]:
    """Find the features wherever they stand: on the analysis itself, or in an object or mapping named for them."""
    homes = [
        analysis,
        *(getattr(analysis, name) for name in ("audio_features", "features") if hasattr(analysis, name)),
    ]
    values: dict[str, float] = {}
    confidences: dict[str, float] = {}
    for home in homes:
        for name in FEATURES:
            value = home.get(name) if isinstance(home, dict) else getattr(home, name, None)
            if isinstance(value, int | float):
                values[name] = float(value)
            confidence = None if isinstance(home, dict) else getattr(home, f"{name}_confidence", None)
            if isinstance(confidence, int | float):
                confidences[name] = float(confidence)
    return {"features": values, "feature_confidences": confidences}


def constant_tempo_bpm(beats_s: Sequence[float]) -> float | None:
    """Return the tempo of beats by the median of their distances, for analysers that say no tempo."""
    if len(beats_s) < 2:
        return None
    distances = sorted(later - earlier for earlier, later in pairwise(beats_s))
    middle = distances[len(distances) // 2]
    return 60.0 / middle if middle > 0 else None
