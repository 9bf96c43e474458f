"""Plans of other devices: told, so that the history of a collection is whole; never to be applied here."""

from collections.abc import Iterable
from dataclasses import dataclass

from cratehand.domain.ids import PlanId, TrackId
from cratehand.domain.plan import Change
from cratehand.domain.plan_record import CarryOver, PlanKind, PlanState, Relocate, Step, SwapFile


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanElsewhere:
    """What another device planned or did with its files."""

    id: PlanId
    device: str
    """Name of the device, as its owner calls it."""
    kind: PlanKind
    state: PlanState
    who: str
    why: str
    track_id: TrackId | None
    created_at_s: float
    applied_at_s: float | None = None
    undone_at_s: float | None = None
    changes: tuple[Change, ...] = ()
    """In words; where a path of that device would stand is nothing."""


def changes_without_places(steps: Iterable[Step]) -> tuple[Change, ...]:
    """Say in words what steps change, without the paths: where files lie is the business of one device."""
    told: list[Change] = []
    for step in steps:
        places = {str(path) for path in _places(step)}
        for change in step.changes():
            where, before, after = (
                "" if text in places else text for text in (change.where, change.before, change.after)
            )
            told.append(Change(what=change.what, where=where, before=before, after=after))
    return tuple(told)


def _places(step: Step) -> Iterable[object]:
    match step:
        case SwapFile():
            return {*step.paths, *([step.cover] if step.cover else [])}
        case CarryOver():
            return {step.path}
        case Relocate():
            return {step.found.path, *([step.before] if step.before else [])}
        case _:
            return ()
