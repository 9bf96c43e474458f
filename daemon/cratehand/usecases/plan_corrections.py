"""A person's word as a plan that is applied at once, and how it is taken back exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cratehand.domain.errors import ConflictError
from cratehand.domain.events import Event, TrackChanged
from cratehand.domain.fact_values import from_json, to_json
from cratehand.domain.fields import Field
from cratehand.domain.ids import PlanId, TrackId
from cratehand.domain.plan_record import CorrectTrack, PlanKind, PlanRecord, PlanState
from cratehand.domain.provenance import PERSON, AnyFact, Fact, SourceKind
from cratehand.domain.stores import Stores
from cratehand.usecases.reading_facts import ANALYSIS

_MOVED = "moved"
"""Where in the record stand the other tracks of the genre whose octave followed, each with its tempo after that."""


def correction(
    stores: Stores, track_id: TrackId, *, where: str, believed: Mapping[Field, object], values: Mapping[Field, object]
) -> CorrectTrack:
    """Return the step that says what a person's word changes; ask before it is recorded.

    Args:
        stores: Of the transaction in which it is recorded.
        track_id: The track.
        where: Its file, for people.
        believed: What is believed now.
        values: The word; None takes back what persons said.
    """
    edits = [
        {
            "field": field.value,
            "before": to_json(believed.get(field)),
            "after": to_json(value),
            "said_before": to_json(_word(stores, track_id, field)),
        }
        for field, value in values.items()
    ]
    changed = tuple(edit for edit in edits if edit["after"] != edit["said_before"])
    return CorrectTrack(track_id=track_id, where=where, edits=changed)


def corrected_plan(
    stores: Stores, step: CorrectTrack, plan_id: str, *, who: str, at_s: float, moved: Sequence[TrackId]
) -> PlanRecord:
    """Return the applied plan of a step that was just recorded; `moved` are tracks whose octave followed it."""
    tempos = {
        other: said[-1].value for other in moved if (said := _measured(stores, other, Field.TEMPO_BPM))
    }  # fmt: skip
    return PlanRecord(
        id=PlanId(plan_id),
        kind=PlanKind.CORRECTION,
        state=PlanState.APPLIED,
        who=who,
        why=f"correct {', '.join(str(edit['field']) for edit in step.edits)}",
        track_id=step.track_id,
        created_at_s=at_s,
        applied_at_s=at_s,
        steps=(step,),
        record={_MOVED: tempos},
    )


def require_takeable_back(stores: Stores, step: CorrectTrack) -> None:
    """See that a word still stands; raises `ConflictError` saying what stands in the way."""
    if stores.tracks.get(step.track_id) is None:
        raise ConflictError(f"track {step.track_id} is not in the catalogue any more (removed, or merged)")
    for edit in step.edits:
        now = to_json(_word(stores, step.track_id, Field(edit["field"])))
        if now != edit["after"]:
            raise ConflictError(
                f"{edit['field']} of track {step.track_id} was changed since, to {now!r}: undoing would lose that; "
                "correct it by hand, or undo the later change first"
            )


def take_back(stores: Stores, step: CorrectTrack, record: Mapping[str, Any], *, at_s: float) -> list[Event]:
    """Say again what persons said before; other tracks of the genre go back to their octave unless measured since."""
    words = [
        Fact(field=Field(edit["field"]), value=from_json(Field(edit["field"]), edit["said_before"]), source=PERSON,
             at_s=at_s)
        for edit in step.edits
    ]  # fmt: skip
    stores.facts.record(step.track_id, words)
    changed = [step.track_id]
    for other, tempo_bpm in record.get(_MOVED, {}).items():
        if _put_back_octave(stores, TrackId(other), tempo_bpm, at_s):
            changed.append(TrackId(other))
    return [TrackChanged(track_id=track_id) for track_id in changed]


def _put_back_octave(stores: Stores, track_id: TrackId, tempo_bpm: float, at_s: float) -> bool:
    tempos = _measured(stores, track_id, Field.TEMPO_BPM)
    if len(tempos) < 2 or tempos[-1].value != tempo_bpm:
        return False
    again = []
    for said in (tempos, _measured(stores, track_id, Field.BEAT_GRID)):
        if len(said) > 1:
            again.append(replace(said[-2], at_s=max(at_s, said[-1].at_s + 0.001)))
    stores.facts.record(track_id, again)
    return True


def _word(stores: Stores, track_id: TrackId, field: Field) -> object:
    """Return the last word of a person on a field; None for none."""
    said = [fact for fact in stores.facts.facts(track_id, field=field) if fact.source.kind is SourceKind.PERSON]
    return max(said, key=lambda fact: fact.at_s).value if said else None


def _measured(stores: Stores, track_id: TrackId, field: Field) -> list[AnyFact]:
    """Return what our own analysis said of a field, the latest last."""
    ours = ANALYSIS.kind, ANALYSIS.name
    facts = stores.facts.facts(track_id, field=field)
    return sorted((fact for fact in facts if (fact.source.kind, fact.source.name) == ours), key=lambda fact: fact.at_s)
