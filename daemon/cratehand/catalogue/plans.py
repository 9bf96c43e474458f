"""Plans, and the pairs of files that were judged."""

import builtins
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select, update

from cratehand.catalogue import schema
from cratehand.catalogue.keys import find_key, id_of, key_of
from cratehand.catalogue.paths import path_key, path_of, text_of
from cratehand.catalogue.stamps import read_stamp, stamp_text
from cratehand.domain.errors import NotFoundError
from cratehand.domain.ids import PlanId, TrackId
from cratehand.domain.plan import Change
from cratehand.domain.plan_elsewhere import PlanElsewhere
from cratehand.domain.plan_json import step_from_json, step_to_json
from cratehand.domain.plan_record import Phase, PlanKind, PlanRecord, PlanState, UpgradePair

_plans = schema.plans.c
_pairs = schema.upgrade_pairs.c
_told = schema.plans_elsewhere.c
_LONGEST_PREFIX_LIST: Final = 10


class SqlPlanStore:
    """`PlanStore` on a connection inside a transaction."""

    def __init__(self, connection: Connection, *, ignore_case: bool) -> None:
        self._connection = connection
        self._ignore_case = ignore_case

    def add(self, plan: PlanRecord) -> None:
        self._connection.execute(schema.plans.insert().values(id=plan.id, **_values(plan)))

    def save(self, plan: PlanRecord) -> None:
        """Keep what became of a plan; raises `NotFoundError` for one that was never added."""
        saved = self._connection.execute(update(schema.plans).where(_plans.id == plan.id).values(_values(plan)))
        if saved.rowcount == 0:
            raise NotFoundError(f"no plan {plan.id}")

    def get(self, plan_id: PlanId) -> PlanRecord | None:
        row = self._connection.execute(select(schema.plans).where(_plans.id == plan_id)).first()
        return None if row is None else _plan(row)

    def by_id_prefix(self, prefix: str) -> Sequence[PlanId]:
        if not prefix.isalnum():
            return []
        query = select(_plans.id).where(_plans.id.startswith(prefix.lower())).order_by(_plans.id)
        return [PlanId(text) for text in self._connection.scalars(query.limit(_LONGEST_PREFIX_LIST))]

    def list(
        self,
        *,
        states: Sequence[PlanState] = (),
        kinds: Sequence[PlanKind] = (),
        track_id: TrackId | None = None,
        limit: int = 100,
    ) -> Sequence[PlanRecord]:
        query = select(schema.plans).order_by(_plans.number.desc())
        if states:
            query = query.where(_plans.state.in_([state.value for state in states]))
        if kinds:
            query = query.where(_plans.kind.in_([kind.value for kind in kinds]))
        if track_id is not None:
            query = query.where(_plans.track == find_key(track_id))
        return [_plan(row) for row in self._connection.execute(query.limit(max(limit, 0)))]

    def history(self, *, limit: int = 100) -> Sequence[PlanRecord]:
        query = select(schema.plans).where(_plans.applied_at_s.is_not(None))
        rows = self._connection.execute(query.order_by(_plans.applied_at_s.desc(), _plans.number.desc()).limit(limit))
        return [_plan(row) for row in rows]

    def elsewhere(self, *, prefix: str = "", applied: bool = False, limit: int = 100) -> "builtins.list[PlanElsewhere]":
        query = select(schema.plans_elsewhere).where(_told.id.not_in(select(_plans.id)))
        if prefix:
            query = query.where(_told.id.startswith(prefix.lower(), autoescape=True))
        if applied:
            query = query.where(_told.applied_at_s.is_not(None))
        query = query.order_by(_told.applied_at_s.desc(), _told.created_at_s.desc(), _told.id)
        return [_plan_elsewhere(row) for row in self._connection.execute(query.limit(max(limit, 0)))]

    # --- pairs --------------------------------------------------------------------------------------------------

    def save_pair(self, pair: UpgradePair) -> None:
        key = self._key(pair.candidate)
        track = key_of(pair.track_id)
        self._connection.execute(delete(schema.upgrade_pairs).where(_pairs.candidate_key == key, _pairs.track == track))
        self._connection.execute(
            schema.upgrade_pairs.insert().values(
                id=pair.id, track=track, current_path=text_of(pair.current), candidate_path=text_of(pair.candidate),
                candidate_key=key, candidate_stamp=stamp_text(pair.candidate_stamp), verdict=pair.verdict,
                relation=pair.relation, accepted=pair.accepted, reason=pair.reason, offset_s=pair.offset_s,
                judged_at_s=pair.judged_at_s, numbers=_json(pair.numbers),
            )
        )  # fmt: skip

    def pairs(self, *, candidate: Path | None = None, limit: int = 1000) -> Sequence[UpgradePair]:
        query = select(schema.upgrade_pairs).order_by(_pairs.number.desc())
        if candidate is not None:
            query = query.where(_pairs.candidate_key == self._key(candidate))
        return [_pair(row) for row in self._connection.execute(query.limit(max(limit, 0)))]

    def forget_pairs(self, candidate: Path) -> None:
        self._connection.execute(delete(schema.upgrade_pairs).where(_pairs.candidate_key == self._key(candidate)))

    def _key(self, path: Path) -> str:
        return path_key(text_of(path), ignore_case=self._ignore_case)


def _values(plan: PlanRecord) -> dict[str, object]:
    return {
        "kind": plan.kind.value,
        "state": plan.state.value,
        "phase": plan.phase.value,
        "who": plan.who,
        "why": plan.why,
        "track": None if plan.track_id is None else find_key(plan.track_id),
        "created_at_s": plan.created_at_s,
        "applied_at_s": plan.applied_at_s,
        "undone_at_s": plan.undone_at_s,
        "error": plan.error,
        "steps": _json([step_to_json(step) for step in plan.steps]),
        "record": _json(plan.record),
    }


def _json(value: object) -> str:
    # ASCII: lone surrogates, which stand for bytes in names, come back as they went in.
    return json.dumps(dict(value) if isinstance(value, Mapping) else value, ensure_ascii=True, separators=(",", ":"))


def _plan(row: Row[Any]) -> PlanRecord:
    return PlanRecord(
        id=PlanId(row.id),
        kind=PlanKind(row.kind),
        state=PlanState(row.state),
        phase=Phase(row.phase),
        who=row.who,
        why=row.why,
        track_id=None if row.track is None else id_of(row.track),
        created_at_s=row.created_at_s,
        applied_at_s=row.applied_at_s,
        undone_at_s=row.undone_at_s,
        error=row.error,
        steps=tuple(step_from_json(raw) for raw in _list(row.steps)),
        record=json.loads(row.record),
    )


def _plan_elsewhere(row: Row[Any]) -> PlanElsewhere:
    return PlanElsewhere(
        id=PlanId(row.id),
        device=row.device_name or row.device,
        kind=PlanKind(row.kind),
        state=PlanState(row.state),
        who=row.who,
        why=row.why,
        track_id=None if row.track is None else id_of(row.track),
        created_at_s=row.created_at_s,
        applied_at_s=row.applied_at_s,
        undone_at_s=row.undone_at_s,
        changes=tuple(Change(**raw) for raw in _list(row.changes)),
    )


def _list(text: str) -> "builtins.list[dict[str, Any]]":
    found: builtins.list[dict[str, Any]] = json.loads(text)
    return found


def _pair(row: Row[Any]) -> UpgradePair:
    stamp = read_stamp(row.candidate_stamp)
    assert stamp is not None
    return UpgradePair(
        id=PlanId(row.id),
        track_id=id_of(row.track),
        current=path_of(row.current_path),
        candidate=path_of(row.candidate_path),
        candidate_stamp=stamp,
        verdict=row.verdict,
        relation=row.relation,
        accepted=bool(row.accepted),
        reason=row.reason,
        offset_s=row.offset_s,
        judged_at_s=row.judged_at_s,
        numbers=json.loads(row.numbers),
    )
