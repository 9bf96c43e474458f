"""Plans: shown, applied once, undone from their record; what a crash left half way goes on or goes back."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from cratehand.domain.errors import ConflictError, CratehandError, NotFoundError
from cratehand.domain.events import Event, PlanChanged
from cratehand.domain.plan_elsewhere import PlanElsewhere
from cratehand.domain.plan_record import REKORDBOX_KEY, Phase, PlanRecord, PlanState
from cratehand.domain.ports import Clock
from cratehand.domain.stores import Catalogue, IdSource, Stores
from cratehand.usecases.event_bus import Publish
from cratehand.usecases.plan_files import PlanFiles, StaleError
from cratehand.usecases.plan_rows import PlanRows

logger = logging.getLogger(__name__)

_MANY: Final = 100_000
_SHORTEST_PREFIX: Final = 4


class History:
    """Applies and undoes plans, one at a time.

    Each stretch of the way is written down before it is gone (`Phase`). What stands there after a crash says what the
    disk can look like, and a look at the disk says which it is: before the rename all copies are taken away again,
    after it the rest is done.

    Args:
        catalogue: Where plans and tracks are.
        files: Does what plans do to files.
        clock: The time.
        new_id: Ids of jobs.
        publish: Who hears of it.
        settled: Called with the files of a plan that was applied or undone, so that folders look at them anew.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        files: PlanFiles,
        clock: Clock,
        new_id: IdSource,
        publish: Publish,
        settled: Callable[[Sequence[Path]], None] = lambda _: None,
    ) -> None:
        self._catalogue = catalogue
        self._files = files
        self._clock = clock
        self._publish = publish
        self._settled = settled
        self._rows = PlanRows(clock=clock, new_id=new_id)
        self._turn = threading.Lock()

    # --- looking ------------------------------------------------------------------------------------------------

    def find(self, reference: str) -> PlanRecord:
        """Return the plan that an id or the beginning of one (4 digits) names.

        Raises:
            NotFoundError: There is none.
            ConflictError: The beginning fits several.
        """
        with self._catalogue.reading() as stores:
            return find_plan(stores, reference)

    def list(self, *, limit: int = 100) -> Sequence[PlanRecord]:
        """Return what plans did, the latest first, also what was undone since."""
        with self._catalogue.reading() as stores:
            return stores.plans.history(limit=limit)

    def list_everywhere(self, *, limit: int = 100) -> Sequence[PlanRecord | PlanElsewhere]:
        """Return what plans did here and on other devices that share the collection, the latest first."""
        with self._catalogue.reading() as stores:
            return history_everywhere(stores, limit=limit)

    # --- forth --------------------------------------------------------------------------------------------------

    def apply(self, reference: str, *, who: str) -> PlanRecord:
        """Do what an open plan says, all of it or nothing; one that stands half way goes on.

        Raises:
            NotFoundError: No such plan.
            ConflictError: It is not open, its files are not what it was made for (it is then `STALE`), or a name is
                taken.
            UnavailableError: Not possible now; try again. Only what had to be cleared away in the end, and was held,
                leaves it half way.
        """
        with self._turn:
            found = self.find(reference)
            plan = self._ended(found, PlanState.APPLYING)
            went_on = plan is not found and plan.state is PlanState.APPLIED
            done = plan if went_on else self._apply(plan, who)
        self._tell_files(done)
        return done

    def _apply(self, plan: PlanRecord, who: str) -> PlanRecord:
        try:
            self.require_applicable(plan)
        except StaleError as error:
            self._save(replace(plan, state=PlanState.STALE, error=str(error)))
            self._tell_files(plan)
            raise
        plan = self._save(replace(plan, who=who, state=PlanState.APPLYING, phase=Phase.PREPARING, error=None))
        return self._go_on(self._prepare(plan))

    def require_applicable(self, plan: PlanRecord) -> None:
        """See that a plan can be applied now; raises as `apply`, with `StaleError` where it never can again."""
        if plan.state is not PlanState.OPEN:
            raise ConflictError(f"plan {plan.id} is {plan.state} and can't be applied: `cratehand upgrade scan`")
        with self._catalogue.reading() as stores:
            self._rows.require_applicable(stores, plan)
        if plan.swap is not None:
            self._files.require_fresh(plan)

    def _prepare(self, plan: PlanRecord) -> PlanRecord:
        if plan.swap is None:
            return self._save(replace(plan, phase=Phase.PREPARED))
        try:
            record = self._files.prepare(plan)
            plan = self._save(replace(plan, phase=Phase.PREPARED, record=record))
            self._files.switch(plan)
        except (CratehandError, OSError) as error:
            if not (plan.phase is Phase.PREPARED and self._files.is_switched(plan)):
                self._reopen(plan, str(error))
                raise
        return plan

    def _go_on(self, plan: PlanRecord) -> PlanRecord:
        """Do what is left after the rename."""
        if plan.phase is Phase.PREPARED:
            plan = self._switch_rows(plan)
        if plan.swap is not None:
            self._files.finish(plan)
        applied = replace(plan, state=PlanState.APPLIED, phase=Phase.NOTHING, applied_at_s=self._clock.now_s())
        return self._save(applied)

    def _switch_rows(self, plan: PlanRecord) -> PlanRecord:
        events: list[Event] = []
        stamp = self._files.stamp_of(plan.swap.target) if plan.swap else None
        with self._catalogue.writing() as stores:
            record = self._rows.switch(stores, plan, stamp, events)
            plan = _kept(stores, replace(plan, phase=Phase.SWITCHED, record={**plan.record, **record}))
        self._publish_all(events)
        return plan

    def _reopen(self, plan: PlanRecord, error: str | None) -> None:
        if plan.swap is not None:
            self._files.roll_back(plan)
        self._save(replace(plan, state=PlanState.OPEN, phase=Phase.NOTHING, record={}, error=error))

    # --- back ---------------------------------------------------------------------------------------------------

    def undo(self, reference: str, *, who: str) -> PlanRecord:
        """Bring back what was there before a plan was applied; goes on where that stands half way.

        Raises:
            NotFoundError: No such plan.
            ConflictError: It is not applied, or something stands in the way: says precisely what.
            UnavailableError: Not possible now; try again.
        """
        with self._turn:
            found = self.find(reference)
            plan = self._ended(found, PlanState.APPLYING, PlanState.UNDOING)
            went_on = plan is not found and plan.state is PlanState.UNDONE
            undone = plan if went_on else self._undo(plan, who)
        self._tell_files(undone)
        return undone

    def _undo(self, plan: PlanRecord, who: str) -> PlanRecord:
        self.require_undoable(plan)
        plan = self._save(replace(plan, state=PlanState.UNDOING, phase=Phase.PREPARING, error=None))
        logger.info("%s undoes plan %s: %s", who, plan.id, plan.why)
        if plan.swap is None:
            return self._go_back(self._save(replace(plan, phase=Phase.PREPARED)))
        try:
            self._files.prepare_back(plan)
            plan = self._save(replace(plan, phase=Phase.PREPARED))
            self._files.switch_back(plan)
        except (CratehandError, OSError) as error:
            if not (plan.phase is Phase.PREPARED and self._files.is_switched_back(plan)):
                self._stay_applied(plan, str(error))
                raise
        return self._go_back(plan)

    def require_undoable(self, plan: PlanRecord) -> None:
        """See that a plan can be undone now; raises `ConflictError` saying what stands in the way."""
        if plan.state is not PlanState.APPLIED:
            raise ConflictError(f"plan {plan.id} is {plan.state}: only what was applied can be undone")
        with self._catalogue.reading() as stores:
            self._rows.require_undoable(stores, plan)
        if plan.swap is not None:
            self._files.require_undoable(plan)

    def _go_back(self, plan: PlanRecord) -> PlanRecord:
        if plan.phase is Phase.PREPARED:
            plan = self._switch_rows_back(plan)
        if plan.swap is not None:
            self._files.finish_back(plan)
        undone = self._save(replace(plan, state=PlanState.UNDONE, phase=Phase.NOTHING, undone_at_s=self._clock.now_s()))
        if plan.swap is not None:
            self._files.throw_away(plan)
        return undone

    def _switch_rows_back(self, plan: PlanRecord) -> PlanRecord:
        events: list[Event] = []
        if plan.swap is not None:
            self._files.return_landed(plan)
        stamp = self._files.stamp_of(plan.swap.current.path) if plan.swap else None
        with self._catalogue.writing() as stores:
            self._rows.switch_back(stores, plan, stamp, events)
            plan = _kept(stores, replace(plan, phase=Phase.SWITCHED))
        self._publish_all(events)
        return plan

    def _stay_applied(self, plan: PlanRecord, error: str | None) -> None:
        if plan.swap is not None:
            self._files.roll_forward(plan)
        self._save(replace(plan, state=PlanState.APPLIED, phase=Phase.NOTHING, error=error))

    # --- after a crash ------------------------------------------------------------------------------------------

    def recover(self) -> Sequence[PlanRecord]:
        """Bring plans that a crash left half way to one of their ends; return them as they are now."""
        ended: list[PlanRecord] = []
        with self._turn:
            with self._catalogue.reading() as stores:
                busy = stores.plans.list(states=[PlanState.APPLYING, PlanState.UNDOING], limit=_MANY)
            for plan in busy:
                try:
                    self._recover(plan)
                except (CratehandError, OSError) as error:
                    logger.warning("plan %s is half way and goes on later: %s", plan.id, error)
                    continue
                ended.append(self.find(plan.id))
                logger.info("plan %s was half way and is %s now", plan.id, ended[-1].state)
        for plan in ended:
            self._tell_files(plan)
        return ended

    def _ended(self, plan: PlanRecord, *half_way: PlanState) -> PlanRecord:
        """Bring a plan to one of its ends where it stands half way: nobody else works on it while we have the turn."""
        if plan.state not in half_way:
            return plan
        self._recover(plan)
        return self.find(plan.id)

    def _recover(self, plan: PlanRecord) -> None:
        forth, swap = plan.state is PlanState.APPLYING, plan.swap
        if plan.phase is Phase.SWITCHED:
            (self._go_on if forth else self._go_back)(plan)
            return
        gone_through = plan.phase is Phase.PREPARED and (
            swap is None or (self._files.is_switched(plan) if forth else self._files.is_switched_back(plan))
        )
        if not gone_through:
            (self._reopen if forth else self._stay_applied)(plan, None)
        else:
            (self._go_on if forth else self._go_back)(plan)

    def empty_trash(self, *, older_than_s: float) -> int:
        """Throw away what applied plans keep for longer than that; return of how many plans."""
        limit_s = self._clock.now_s() - older_than_s
        with self._turn:
            with self._catalogue.reading() as stores:
                plans = stores.plans.list(states=[PlanState.APPLIED], limit=_MANY)
            old = [plan for plan in plans if plan.swap is not None and _is_kept(plan) and _applied_s(plan) < limit_s]
            for plan in old:
                self._files.throw_away(plan)
                self._save(replace(plan, record={**plan.record, "thrown_away_at_s": self._clock.now_s()}))
        return len(old)

    # --- saving and telling -------------------------------------------------------------------------------------

    def _save(self, plan: PlanRecord) -> PlanRecord:
        with self._catalogue.writing() as stores:
            plan = _kept(stores, plan)
        self._publish(PlanChanged(plan_id=plan.id, kind=plan.kind.value, state=plan.state.value))
        return plan

    def _publish_all(self, events: Sequence[Event]) -> None:
        for event in events:
            self._publish(event)

    def _tell_files(self, plan: PlanRecord) -> None:
        if plan.paths:
            self._settled(sorted(plan.paths))


def history_everywhere(stores: Stores, *, limit: int) -> Sequence[PlanRecord | PlanElsewhere]:
    """Return what plans did here and on other devices, the latest first."""
    plans: list[PlanRecord | PlanElsewhere] = [*stores.plans.history(limit=limit)]
    plans += stores.plans.elsewhere(applied=True, limit=limit)
    return sorted(plans, key=lambda plan: plan.applied_at_s or 0.0, reverse=True)[:limit]


def find_plan(stores: Stores, reference: str) -> PlanRecord:
    """Return the plan that an id or the beginning of one names; errors as `History.find`."""
    found = [] if len(reference) < _SHORTEST_PREFIX else stores.plans.by_id_prefix(reference)
    if len(found) > 1:
        raise ConflictError(f"{reference!r} is the beginning of {len(found)} plan ids: give more of it")
    plan = stores.plans.get(found[0]) if found else None
    if plan is None and len(reference) >= _SHORTEST_PREFIX and (told := stores.plans.elsewhere(prefix=reference)):
        raise ConflictError(
            f"plan {told[0].id} is about files on the device {told[0].device}: it can be applied and undone there only"
        )
    if plan is None:
        raise NotFoundError(
            f"no plan with the id {reference!r}: `cratehand upgrade list` and `cratehand history` list them"
        )
    return plan


def _kept(stores: Stores, plan: PlanRecord) -> PlanRecord:
    """Save a plan, but for what the queue to Rekordbox wrote into its record meanwhile."""
    stored = stores.plans.get(plan.id)
    if stored is not None and plan.record and REKORDBOX_KEY in stored.record:
        plan = replace(plan, record={**plan.record, REKORDBOX_KEY: stored.record[REKORDBOX_KEY]})
    stores.plans.save(plan)
    return plan


def _is_kept(plan: PlanRecord) -> bool:
    return "thrown_away_at_s" not in plan.record


def _applied_s(plan: PlanRecord) -> float:
    return plan.applied_at_s if plan.applied_at_s is not None else plan.created_at_s
