"""What Rekordbox's own database is told of plans, kept with them over a restart.

In the record of a plan stands ``state``: ``waiting`` until it is ``written``, ``undo_waiting`` until it is ``undone``;
``dropped`` where the plan was undone before anything was written; ``refused`` where something else stands in Rekordbox
by now, with what it is in ``problem``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from cratehand.domain.audio import AudioFormat
from cratehand.domain.collection_edit import (
    EDITABLE_FIELDS,
    BitRateMode,
    CollectionEdit,
    CollectionFile,
    CuesSet,
    FileReplaced,
    PlaylistExtended,
    ValueSet,
)
from cratehand.domain.collection_edit_codec import edit_from_json, edit_to_json, record_from_json, record_to_json
from cratehand.domain.collection_write import CollectionWrite, WriteState
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.errors import NotFoundError
from cratehand.domain.fact_values import from_json
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, PlanId
from cratehand.domain.plan_record import REKORDBOX_KEY, PlanRecord, PlanState, SwapFile, TellRekordbox
from cratehand.domain.ports import Clock
from cratehand.domain.stores import Catalogue, Stores

_MANY: Final = 100_000
_UNDO: Final = "-undo"
_CUES: Final = "rekordbox"
"""The origin of cues that came from its database."""

Told = Mapping[str, Any]


class PlanWrites:
    """`CollectionWriteStore` in the records of plans, and the way of plans into it."""

    def __init__(self, catalogue: Catalogue, *, probe: Callable[[Path], AudioFormat], clock: Clock) -> None:
        self._catalogue = catalogue
        self._probe = probe
        self._clock = clock

    def take(self, plan: PlanRecord) -> None:
        """Take a plan that was just applied or undone; blocks shortly."""
        with self._catalogue.reading() as stores:
            edits = self._edits(stores, plan, plan.tell) if plan.state is PlanState.APPLIED and plan.tell else []
        with self._catalogue.writing() as stores:
            now = _plan(stores, plan.id)
            told: Told = now.record.get(REKORDBOX_KEY, {})
            if edits:
                new = {"state": "waiting", "edits": [edit_to_json(edit) for edit in edits]}
                _set(stores, now, {**new, "asked_at_s": self._clock.now_s()})
            elif now.state is PlanState.UNDONE and told:
                state = "undo_waiting" if told["state"] == "written" else "dropped"
                _set(stores, now, {**told, "state": state, "asked_at_s": self._clock.now_s()})

    def waiting(self) -> Sequence[CollectionWrite]:
        with self._catalogue.reading() as stores:
            plans = stores.plans.list(states=[PlanState.APPLIED, PlanState.UNDONE], limit=_MANY)
        writes = [write for plan in plans if (write := _write(plan.id, plan.record.get(REKORDBOX_KEY, {}))) is not None]
        return sorted(writes, key=lambda write: write.asked_at_s)

    def save(self, write: CollectionWrite) -> None:
        """Keep how a write stands; raises `NotFoundError` for one of no plan."""
        with self._catalogue.writing() as stores:
            plan = _plan(stores, PlanId(write.id.removesuffix(_UNDO)))
            told: Told = plan.record.get(REKORDBOX_KEY, {})
            _set(stores, plan, {**told, "problem": write.problem, **_outcome(write, told)})

    def _edits(self, stores: Stores, plan: PlanRecord, tell: TellRekordbox) -> list[CollectionEdit]:
        track = stores.tracks.get(tell.track_id)
        if track is None or track.collection_id is None:
            return []
        row = track.collection_id
        edits: list[CollectionEdit] = [
            ValueSet(
                track_id=row,
                field=Field(edit["field"]),
                before=from_json(Field(edit["field"]), edit["before"]),
                after=from_json(Field(edit["field"]), edit["after"]),
            )
            for edit in tell.edits
            if Field(edit["field"]) in EDITABLE_FIELDS
        ]
        if plan.swap is not None and plan.carry is not None:
            edits += self._file_edits(row, plan.swap, plan.record["track"])
        if edits:
            edits.append(PlaylistExtended(name=tell.playlist, tracks=(row,)))
        return edits

    def _file_edits(self, row: ForeignId, swap: SwapFile, record: Mapping[str, Any]) -> list[CollectionEdit]:
        declared = self._probe(swap.target)
        after = CollectionFile(
            location=swap.target.as_posix(),
            codec=declared.codec,
            container=declared.container,
            size_bytes=swap.target.stat().st_size,
            duration_s=declared.duration_s,
            sample_rate_hz=declared.sample_rate_hz,
            bit_depth=declared.bit_depth,
            bit_rate_kbps=declared.bit_rate_kbps,
        )
        before = CollectionFile(location=swap.current.path.as_posix())
        edits: list[CollectionEdit] = [FileReplaced(track_id=row, before=before, after=after)]
        moved = [(_cue(old), _cue(new)) for old, new in record["cues"] if old[1] == _CUES]
        if moved and all(cue.foreign_id is not None for cue, _ in moved):
            mode = BitRateMode.LOSSLESS if declared.lossless else BitRateMode.VARIABLE
            old, new = (tuple(pair[side] for pair in moved) for side in (0, 1))
            edits.append(CuesSet(track_id=row, before=old, after=new, bit_rate_mode=mode))
        return edits


def _write(plan_id: str, told: Told) -> CollectionWrite | None:
    state, asked_at_s = told.get("state"), told.get("asked_at_s", 0.0)
    problem = told.get("problem", "")
    if state == "waiting":
        edits = tuple(edit_from_json(raw) for raw in told["edits"])
        return CollectionWrite(id=plan_id, asked_at_s=asked_at_s, edits=edits, problem=problem)
    if state == "undo_waiting":
        record = record_from_json(told["record"])
        return CollectionWrite(id=plan_id + _UNDO, asked_at_s=asked_at_s, undoes=record, problem=problem)
    return None


def _outcome(write: CollectionWrite, told: Told) -> dict[str, Any]:
    """Return what changes in the record with the end of a write."""
    if write.state is WriteState.REFUSED:
        return {"state": "refused"}
    if write.state is WriteState.WAITING or write.record is None:
        return {}
    record = record_to_json(write.record)
    if write.undoes is not None:
        return {"state": "undone", "record": record}
    # The plan was undone while this was being written.
    return {"state": "undo_waiting" if told.get("state") == "dropped" else "written", "record": record}


def _plan(stores: Stores, plan_id: PlanId) -> PlanRecord:
    plan = stores.plans.get(plan_id)
    if plan is None:
        raise NotFoundError(f"no plan {plan_id}")
    return plan


def _set(stores: Stores, plan: PlanRecord, told: Told) -> None:
    stores.plans.save(replace(plan, record={**plan.record, REKORDBOX_KEY: dict(told)}))


def _cue(row: Sequence[Any]) -> Cue:
    """Read a cue of the record: the columns of `cratehand.catalogue.cues.CUE_COLUMNS`."""
    _, _, _, kind, start_s, end_s, pad, label, colour, active_loop, foreign_id = row
    return Cue(
        kind=CueKind(kind),
        start_s=start_s,
        end_s=end_s,
        pad=pad,
        label=label,
        colour=None if colour is None else Colour.of(colour),
        active_loop=bool(active_loop),
        foreign_id=foreign_id,
    )
