"""Domain values as messages. None becomes an absent field; see `wire_values` for what text and numbers become."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cratehand.domain.belief import believe
from cratehand.domain.collection import Playlist
from cratehand.domain.cue import Cue
from cratehand.domain.fact_values import to_json
from cratehand.domain.fields import Field
from cratehand.domain.job import Job
from cratehand.domain.plan import Plan
from cratehand.domain.provenance import AnyFact
from cratehand.domain.search import Match
from cratehand.domain.track import TrackDetail, TrackSummary
from cratehand.servers.wire_values import int32, number, path_text, plain, text
from cratehand.usecases.health import Status
from cratehand_api.v1 import daemon_pb2, jobs_pb2, library_pb2, search_pb2, track_pb2

_TEXTS: Final = (
    "title", "artist", "album", "genre", "label", "comment", "colour", "date_added", "key", "camelot",
    "quality_verdict", "error",
)  # fmt: skip
_INTEGERS: Final = ("year", "rating", "play_count", "energy")
_NUMBERS: Final = ("duration_s", "tempo_bpm", "tempo_confidence", "key_confidence", "integrated_lufs", "analysed_at_s")


def summary_message(summary: TrackSummary) -> track_pb2.TrackSummary:
    """Say what a list shows of a track."""
    values: dict[str, Any] = {name: text(value) for name in _TEXTS if (value := getattr(summary, name)) is not None}
    values |= {name: int32(getattr(summary, name)) for name in _INTEGERS}
    values |= {name: number(getattr(summary, name)) for name in _NUMBERS}
    return track_pb2.TrackSummary(
        id=summary.id,
        path=None if summary.path is None else path_text(summary.path),
        on_this_device=summary.on_this_device,
        presence=summary.presence.value,
        **values,
    )


def track_message(detail: TrackDetail) -> track_pb2.Track:
    """Say everything known of a track; the believed statement of each field is marked."""
    believed = _believed(detail.facts)
    return track_pb2.Track(
        summary=summary_message(detail.summary),
        facts=[_fact_message(fact, believed=fact is believed.get(fact.field)) for fact in detail.facts],
        cues=[_cue_message(cue) for cue in detail.cues],
        playlists=[text(name) for name in detail.playlists],
        digest=detail.track.digest,
        collection_id=detail.track.collection_id,
    )


def match_messages(matches: Sequence[Match]) -> search_pb2.SearchResponse:
    """Say what was found."""
    return search_pb2.SearchResponse(
        matches=[
            search_pb2.Match(
                track=summary_message(match.track),
                score=number(match.score) or 0.0,
                reasons=[text(reason) for reason in match.reasons],
                ranking=text(match.ranking),
            )
            for match in matches
        ]
    )


def change_messages(plan: Plan) -> list[track_pb2.Change]:
    """Say the steps of a plan."""
    return [
        track_pb2.Change(
            what=text(change.what), where=text(change.where), before=text(change.before), after=text(change.after)
        )
        for change in plan.changes
    ]


def playlist_message(playlist: Playlist) -> library_pb2.Playlist:
    """Say one playlist or folder with its entries."""
    return library_pb2.Playlist(
        id=playlist.id,
        name=text(playlist.name),
        kind=playlist.kind.value,
        parent_id=playlist.parent_id,
        origin=text(playlist.origin),
        track_ids=playlist.entries,
    )


def job_message(job: Job) -> jobs_pb2.Job:
    """Say one job."""
    return jobs_pb2.Job(
        id=job.id,
        kind=job.kind.value,
        state=job.state.value,
        priority=job.priority.name.lower(),
        track_id=job.track_id,
        created_at_s=number(job.created_at_s) or 0.0,
        started_at_s=number(job.started_at_s),
        finished_at_s=number(job.finished_at_s),
        attempts=job.attempts,
        progress=number(job.progress) or 0.0,
        error=None if job.error is None else text(job.error),
    )


def status_message(status: Status) -> daemon_pb2.Status:
    """Say how the daemon is."""
    return daemon_pb2.Status(
        version=status.version,
        uptime_s=status.uptime_s,
        data_dir=path_text(status.data_dir),
        tracks=_counts(status.tracks),
        jobs=_counts(status.jobs),
        quiet_reason=None if status.quiet_reason is None else text(status.quiet_reason),
        collection=text(status.collection),
        collection_error=None if status.collection_error is None else text(status.collection_error),
        folders=[path_text(folder) for folder in status.folders],
        master=None if status.master is None else text(status.master),
        master_error=None if status.master_error is None else text(status.master_error),
    )


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if int32(count) is not None}


def _believed(facts: Iterable[AnyFact]) -> dict[Field, AnyFact | None]:
    grouped: dict[Field, list[AnyFact]] = {}
    for fact in facts:
        grouped.setdefault(fact.field, []).append(fact)
    return {field: believe(statements) for field, statements in grouped.items()}


def _fact_message(fact: AnyFact, *, believed: bool) -> track_pb2.Fact:
    value = json.dumps(plain(to_json(fact.value)), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return track_pb2.Fact(
        field=fact.field.value,
        value_json=value,
        source=text(str(fact.source)),
        at_s=number(fact.at_s) or 0.0,
        confidence=number(fact.confidence) or 0.0,
        believed=believed,
    )


def _cue_message(cue: Cue) -> track_pb2.Cue:
    return track_pb2.Cue(
        kind=cue.kind.value,
        start_s=number(cue.start_s) or 0.0,
        end_s=number(cue.end_s),
        pad=int32(cue.pad),
        label=text(cue.label),
        colour=None if cue.colour is None else str(cue.colour),
        active_loop=cue.active_loop,
    )
