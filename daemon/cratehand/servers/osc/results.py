"""Domain values as the JSON that a device fetches: always an object, since Max reads it into a dict."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cratehand.domain.belief import believe
from cratehand.domain.fact_values import to_json
from cratehand.domain.fields import Field
from cratehand.domain.job import Job
from cratehand.domain.provenance import AnyFact
from cratehand.domain.search import Match
from cratehand.domain.track import TrackDetail, TrackSummary
from cratehand.servers.wire_values import path_text, plain
from cratehand.usecases.health import Status

_SHOWN: Final = (
    "title", "artist", "album", "genre", "label", "comment", "year", "rating", "colour", "play_count", "date_added",
    "duration_s", "tempo_bpm", "tempo_confidence", "key", "camelot", "key_confidence", "energy", "integrated_lufs",
    "quality_verdict", "error",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a request found: the object to fetch, and how many items it holds."""

    content: Mapping[str, Any]
    count: int = 1

    def body(self, *, session: int, request: int) -> bytes:
        """Return the JSON, ASCII so that Max may read it piece by piece.

        Session and request stand in it, since tokens are used again.
        """
        content = {"session": session, "request": request, **self.content}
        return json.dumps(plain(content), separators=(",", ":"), allow_nan=False).encode()


def matches_result(matches: Sequence[Match]) -> Result:
    """Say what a search found."""
    items = [
        {**track_row(match.track), "score": match.score, "reasons": match.reasons, "ranking": match.ranking}
        for match in matches
    ]
    return Result(content={"kind": "matches", "items": items}, count=len(items))


def track_result(detail: TrackDetail) -> Result:
    """Say what is believed of a track, its cues and playlists."""
    cues = [
        {
            "kind": cue.kind.value,
            "start_s": cue.start_s,
            "end_s": cue.end_s,
            "pad": cue.pad,
            "label": cue.label,
            "colour": None if cue.colour is None else str(cue.colour),
        }
        for cue in detail.cues
    ]
    content = {
        "kind": "track",
        "track": track_row(detail.summary),
        "believed": _believed(detail.facts),
        "cues": cues,
        "playlists": detail.playlists,
    }
    return Result(content=content)


def status_result(status: Status) -> Result:
    """Say how the daemon is."""
    return Result(content={"kind": "status", **status_row(status)})


def status_row(status: Status) -> dict[str, Any]:
    """Return the state of all parts."""
    return {
        "version": status.version,
        "uptime_s": status.uptime_s,
        "tracks": status.tracks,
        "jobs": status.jobs,
        "quiet_reason": status.quiet_reason,
        "collection": status.collection,
        "collection_error": status.collection_error,
    }


def job_row(job: Job, *, request: int) -> dict[str, Any]:
    """Return the state of a job that a request began."""
    return {"request": request, "state": job.state.value, "progress": job.progress, "error": job.error}


def track_row(summary: TrackSummary) -> dict[str, Any]:
    """Return the believed values of a track, flat; null is "not known"."""
    return {
        "id": summary.id,
        "path": None if summary.path is None else path_text(summary.path),
        "on_this_device": summary.on_this_device,
        **{name: getattr(summary, name) for name in _SHOWN},
    }


def _believed(facts: Sequence[AnyFact]) -> dict[str, Any]:
    grouped: dict[Field, list[AnyFact]] = {}
    for fact in facts:
        grouped.setdefault(fact.field, []).append(fact)
    chosen = {field: believe(statements) for field, statements in grouped.items()}
    return {field.value: to_json(fact.value) for field, fact in chosen.items() if fact is not None}
