"""Tracks as the command line shows them: JSON objects of surface.md, and rows of tables."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import PurePath
from typing import Any, Final

from cratehand.app.cli.output import Column, minutes, or_dash
from cratehand.domain.beatgrid import BeatGrid
from cratehand.domain.belief import rank
from cratehand.domain.fact_values import to_json
from cratehand.domain.fields import Field
from cratehand.domain.loudness import Loudness
from cratehand.domain.provenance import AnyFact, Source
from cratehand.domain.search import Match
from cratehand.domain.structure import SectionAgreement, compare_sections
from cratehand.domain.track import TrackDetail, TrackSummary
from cratehand.domain.waveform import Waveform

TRACK_COLUMNS: Final = (
    Column(title="id", style="dim"),
    Column(title="artist", flexible=True),
    Column(title="title", flexible=True),
    Column(title="BPM", justify="right"),
    Column(title="key", justify="right"),
    Column(title="E", justify="right"),
    Column(title="time", justify="right"),
)
SHORT_ID: Final = 8
"""Digits of an id in tables; the beginning of an id names a track."""


def summary_json(track: TrackSummary) -> dict[str, Any]:
    """Return a track of a list; `path` is null where this device never had a file."""
    values = asdict(track)
    values["path"] = None if track.path is None else str(track.path)
    values["presence"] = track.presence.value
    head = ("id", "path")
    return {
        **{name: values[name] for name in head},
        "on_this_device": track.on_this_device,
        **{name: value for name, value in values.items() if name not in head},
    }


def match_json(match: Match) -> dict[str, Any]:
    """Return a track that was found, with its score and why."""
    return {**summary_json(match.track), "score": round(match.score, 4), "reasons": list(match.reasons)}


def detail_json(track: TrackDetail) -> dict[str, Any]:
    """Return everything known of a track."""
    believed = {id(facts[0]) for facts in ranked_facts(track.facts).values()}
    return {
        **summary_json(track.summary),
        "digest": track.track.digest,
        "collection_id": track.track.collection_id,
        "playlists": list(track.playlists),
        "cues": [
            {
                "kind": cue.kind.value,
                "start_s": cue.start_s,
                "end_s": cue.end_s,
                "pad": cue.pad,
                "label": cue.label,
                "colour": None if cue.colour is None else str(cue.colour),
                "active_loop": cue.active_loop,
            }
            for cue in track.cues
        ],
        "facts": [
            {
                "field": fact.field.value,
                "value": to_json(fact.value),
                "source": str(fact.source),
                "confidence": fact.confidence,
                "at_s": fact.at_s,
                "believed": id(fact) in believed,
            }
            for fact in track.facts
        ],
        "section_agreement": [
            {"sources": [str(source) for source in sources], **asdict(agreement)}
            for sources, agreement in section_agreements(track.facts)
        ],
    }


def track_row(track: TrackSummary) -> list[str]:
    """Return the row of a track for `TRACK_COLUMNS`; a track without a title shows the name of its file."""
    title = track.title or (PurePath(track.path).name if track.path else "–")
    return [
        track.id[:SHORT_ID],
        or_dash(track.artist),
        title if track.on_this_device else f"{title} ({track.presence})",
        or_dash(track.tempo_bpm, lambda tempo_bpm: f"{tempo_bpm:.1f}"),
        or_dash(track.camelot),
        or_dash(track.energy),
        or_dash(track.duration_s, minutes),
    ]


def ranked_facts(facts: Sequence[AnyFact]) -> Mapping[Field, Sequence[AnyFact]]:
    """Return the standing statements of each field, the believed one first; fields in their order."""
    order = list(Field)
    ordered = sorted(facts, key=lambda fact: order.index(fact.field))
    grouped = {field: rank(list(group)) for field, group in groupby(ordered, key=lambda fact: fact.field)}
    return {field: ranked for field, ranked in grouped.items() if ranked}


def section_agreements(facts: Sequence[AnyFact]) -> list[tuple[tuple[Source, Source], SectionAgreement]]:
    """Compare the sections that are believed with those of every other source, as Rekordbox's phrases."""
    ranked = ranked_facts([fact for fact in facts if fact.field is Field.SECTIONS]).get(Field.SECTIONS, ())
    told = [(fact.source, fact.value) for fact in ranked if isinstance(fact.value, tuple)]
    compared = [((told[0][0], source), compare_sections(told[0][1], value)) for source, value in told[1:]]
    return [(sources, agreement) for sources, agreement in compared if agreement is not None]


def shown_value(value: object) -> str:
    """Return the value of a fact as a person reads it, in one line."""
    match value:
        case BeatGrid():
            anchors = [f"{anchor.tempo_bpm:.2f} from {anchor.start_s:.3f} s" for anchor in value.anchors[:3]]
            more = f" and {len(value.anchors) - 3} more" if len(value.anchors) > 3 else ""
            return ", ".join(anchors) + more
        case Loudness():
            return (
                f"{or_dash(value.integrated_lufs, '{:.1f}'.format)} LUFS, range "
                f"{or_dash(value.range_lu, '{:.1f}'.format)} LU, peak "
                f"{or_dash(value.true_peak_dbtp, '{:+.1f}'.format)} dBTP"
            )
        case Waveform():
            return f"{value.levels.shape[1]} steps of {value.step_s:.2f} s"
        case float():
            return f"{value:.10g}"
        case str():
            return value if len(value) <= 300 else f"{value[:24]}… ({len(value)} characters)"
        case _:
            return _shown_structure(value)


def _shown_structure(value: object) -> str:
    raw = to_json(value)
    if isinstance(raw, list):
        parts = [_shown_item(item) for item in raw[:12]]
        return ", ".join(parts) + (f" and {len(raw) - 12} more" if len(raw) > 12 else "")
    if isinstance(raw, dict):
        shown = {name: item for name, item in raw.items() if isinstance(item, str | int | float)}
        return ", ".join(f"{name} {item}" for name, item in shown.items())
    return str(raw)


def _shown_item(item: object) -> str:
    if not isinstance(item, dict):
        return str(item)
    if "tempo_bpm" in item:
        return f"{item['tempo_bpm']:g} BPM ({item['confidence']:.0%})"
    if "key" in item:
        return f"{item['key']} from {minutes(item['start_s'])}"
    return f"{item.get('label') or item.get('kind')} {minutes(item['start_s'])}"


def moment(at_s: float) -> str:
    """Return a wall time as local date and minute."""
    try:
        return f"{dt.datetime.fromtimestamp(at_s).astimezone():%Y-%m-%d %H:%M}"
    except (OverflowError, OSError, ValueError):
        return "–"
