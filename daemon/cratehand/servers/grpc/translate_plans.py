"""Plans, pairs, duplicates and lost files as messages."""

from collections.abc import Sequence
from typing import Any

from cratehand.domain.plan import Plan
from cratehand.domain.plan_elsewhere import PlanElsewhere
from cratehand.domain.plan_record import PlanRecord, UpgradePair
from cratehand.servers.grpc.translate import change_messages
from cratehand.servers.wire_values import number, path_text, text
from cratehand.usecases.duplicates import DuplicateGroup
from cratehand.usecases.missing import MissingTrack
from cratehand_api.v1 import upgrades_pb2


def pair_message(pair: UpgradePair, plan: PlanRecord | None) -> upgrades_pb2.UpgradePair:
    """Say how a pair was judged, and how its plan is."""
    return upgrades_pb2.UpgradePair(
        id=pair.id,
        track_id=pair.track_id,
        current=path_text(pair.current),
        candidate=path_text(pair.candidate),
        verdict=pair.verdict,
        relation=pair.relation,
        accepted=pair.accepted,
        reason=text(pair.reason),
        offset_s=number(pair.offset_s),
        judged_at_s=number(pair.judged_at_s) or 0.0,
        numbers={name: value for name, given in pair.numbers.items() if (value := number(given)) is not None},
        state=None if plan is None else plan.state.value,
    )


def plan_message(plan: PlanRecord, *, pair: UpgradePair | None = None, steps: Sequence[str] = ()) -> upgrades_pb2.Plan:
    """Say a plan and what became of it."""
    return upgrades_pb2.Plan(
        **_story(plan),
        error=None if plan.error is None else text(plan.error),
        changes=change_messages(plan.plan),
        pair=None if pair is None else pair_message(pair, plan),
        steps_for_you=[text(step) for step in steps],
    )


def history_message(plan: PlanRecord | PlanElsewhere) -> upgrades_pb2.Plan:
    """Say a plan of this device, or of another one."""
    if isinstance(plan, PlanRecord):
        return plan_message(plan)
    return upgrades_pb2.Plan(
        **_story(plan),
        changes=change_messages(Plan(why=plan.why, changes=plan.changes)),
        device=text(plan.device),
    )


def _story(plan: PlanRecord | PlanElsewhere) -> dict[str, Any]:
    """Return who wanted what, when and why: what is told of any plan."""
    return {
        "id": plan.id,
        "kind": plan.kind.value,
        "state": plan.state.value,
        "who": text(plan.who),
        "why": text(plan.why),
        "track_id": plan.track_id,
        "created_at_s": number(plan.created_at_s) or 0.0,
        "applied_at_s": number(plan.applied_at_s),
        "undone_at_s": number(plan.undone_at_s),
    }


def duplicate_message(group: DuplicateGroup) -> upgrades_pb2.DuplicateGroup:
    """Say a group of copies."""
    return upgrades_pb2.DuplicateGroup(
        title=text(group.title or ""),
        artist=text(group.artist or ""),
        copies=[
            upgrades_pb2.Duplicate(
                id=copy.track_id,
                path=path_text(copy.path),
                verdict=copy.verdict or "",
                best=copy.best,
                reason=text(copy.reason),
            )
            for copy in group.copies
        ],
    )


def missing_message(lost: MissingTrack, plan: PlanRecord | None) -> upgrades_pb2.Missing:
    """Say a lost file and where it may be."""
    found = lost.found.path if lost.found is not None else None
    return upgrades_pb2.Missing(
        track_id=lost.track.id,
        path="" if lost.track.path is None else path_text(lost.track.path),
        title=text(lost.title or ""),
        artist=text(lost.artist or ""),
        found=None if found is None else path_text(found),
        found_by=lost.found_by,
        plan_id=None if plan is None else plan.id,
    )
