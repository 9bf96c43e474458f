"""What plans change goes into Rekordbox's own database, where the user asked for that, once Rekordbox has been closed.

What waits is kept with its plan (``rekordbox`` in `PlanRecord.record`), so that a restart forgets nothing: ``waiting``
until it is ``written``, ``undo_waiting`` until it is ``undone``; ``dropped`` where a plan was undone before anything
was written; ``blocked`` where something else stands in Rekordbox by now, with what it is.
"""

import logging
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
    EditObstacle,
    FileReplaced,
    ObstacleKind,
    PlaylistExtended,
    ValueSet,
)
from cratehand.domain.collection_edit_codec import edit_from_json, edit_to_json, record_from_json, record_to_json
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.fact_values import from_json
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.plan_record import PlanRecord, PlanState, SwapFile, TellRekordbox
from cratehand.domain.ports import CollectionEditor
from cratehand.domain.stores import Catalogue
from cratehand.usecases.history import History

logger = logging.getLogger(__name__)

_MANY: Final = 100_000
_KEY: Final = "rekordbox"
_LATER: Final = frozenset({ObstacleKind.RUNNING, ObstacleKind.LOCKED})
_CUES: Final = "rekordbox"
"""The origin of cues that came from its database."""


class RekordboxQueue:
    """Keeps and works off what Rekordbox is to be told."""

    def __init__(
        self,
        catalogue: Catalogue,
        history: History,
        editor: CollectionEditor,
        *,
        probe: Callable[[Path], AudioFormat],
    ) -> None:
        self._catalogue = catalogue
        self._history = history
        self._editor = editor
        self._probe = probe
        self._told: dict[str, str] = {}

    def take(self, plan: PlanRecord) -> None:
        """Take a plan that was just applied or undone, and try at once."""
        with self._history.exclusively():
            plan = self._history.find(plan.id)
            now = plan.record.get(_KEY)
            if plan.state is PlanState.APPLIED and plan.tell is not None:
                edits = self._edits(plan, plan.tell)
                if edits:
                    self._set(plan, state="waiting", edits=[edit_to_json(edit) for edit in edits])
            elif plan.state is PlanState.UNDONE and now is not None:
                written = now["state"] == "written"
                self._set(plan, **{**now, "state": "undo_waiting" if written else "dropped"})
        self.work()

    def work(self) -> int:
        """Write what can be written now; return how many plans still wait."""
        waiting = 0
        with self._history.exclusively():
            with self._catalogue.reading() as stores:
                plans = stores.plans.list(states=[PlanState.APPLIED, PlanState.UNDONE], limit=_MANY)
            # In the order in which they were made: a later one may build on an earlier one.
            for plan in reversed(plans):
                state = plan.record.get(_KEY, {}).get("state")
                if state in {"waiting", "undo_waiting"} and not self._try(plan, plan.record[_KEY]):
                    waiting += 1
        return waiting

    def _try(self, plan: PlanRecord, waiting: Mapping[str, Any]) -> bool:
        forth = waiting["state"] == "waiting"
        try:
            if forth:
                edits = [edit_from_json(raw) for raw in waiting["edits"]]
                obstacles = self._editor.check(edits)
            else:
                record = record_from_json(waiting["record"])
                obstacles = self._editor.check_undo(record)
            if obstacles:
                return self._stopped(plan, waiting, obstacles)
            if forth:
                done = self._editor.apply(edits, change_id=plan.id)
            else:
                done = self._editor.undo(record, change_id=f"{plan.id}-undo")
        except UnavailableError as error:
            self._tell_once(plan, str(error))
            return False
        except CratehandError as error:
            self._set(plan, **{**waiting, "state": "blocked", "why": str(error)})
            logger.warning("Rekordbox is not told of plan %s: %s", plan.id, error)
            return True
        state = "written" if forth else "undone"
        self._set(plan, **{**waiting, "state": state, "record": record_to_json(done)})
        logger.info("Rekordbox was told of plan %s; to put its database back: %s", plan.id, done.restore_command)
        return True

    def _stopped(self, plan: PlanRecord, waiting: Mapping[str, Any], obstacles: Sequence[EditObstacle]) -> bool:
        why = "; ".join(obstacle.what for obstacle in obstacles)
        if any(obstacle.kind in _LATER for obstacle in obstacles):
            # What else stands in the way is looked at anew when Rekordbox has been closed: it may go with that.
            self._tell_once(plan, why)
            return False
        self._set(plan, **{**waiting, "state": "blocked", "why": why})
        logger.warning("Rekordbox is not told of plan %s: %s", plan.id, why)
        return True

    def _tell_once(self, plan: PlanRecord, why: str) -> None:
        if self._told.get(plan.id) != why:
            self._told[plan.id] = why
            logger.info("plan %s waits for Rekordbox: %s", plan.id, why)

    def _set(self, plan: PlanRecord, **values: Any) -> None:
        with self._catalogue.writing() as stores:
            stores.plans.save(replace(plan, record={**plan.record, _KEY: values}))

    def _edits(self, plan: PlanRecord, tell: TellRekordbox) -> list[CollectionEdit]:
        with self._catalogue.reading() as stores:
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
