"""Everything about plans in one bundle, and what comes with each: the XML for Rekordbox, the dry run."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cratehand.domain.errors import ConflictError, CratehandError, NotFoundError
from cratehand.domain.ids import TrackId
from cratehand.domain.plan_record import PlanRecord, PlanState, UpgradePair
from cratehand.usecases.duplicates import Duplicates
from cratehand.usecases.file_upgrade import FileUpgrade
from cratehand.usecases.history import History
from cratehand.usecases.missing import Missing
from cratehand.usecases.rekordbox_steps import rekordbox_steps, xml_of
from cratehand.usecases.repair import Repair
from cratehand.usecases.tag_plans import TagPlans

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrades:
    """What a user can want of plans."""

    history: History
    finding: FileUpgrade
    duplicates: Duplicates
    missing: Missing
    tags: TagPlans
    repair: Repair
    exports: Path
    """The folder that the XML for Rekordbox is written to, a file for each playlist."""
    write_xml: Callable[[Path, str], object]
    """Writes one playlist with its tracks."""
    queue: Callable[[PlanRecord], None] = lambda _: None
    """Takes a plan that Rekordbox's own database is to be told of."""
    in_rekordbox: Callable[[TrackId], bool] = lambda _: True
    """Whether a track is in Rekordbox's collection, so that the DJ has something to do there."""

    def steps(self, plan: PlanRecord) -> list[str]:
        """Return what the DJ has to do in Rekordbox; nothing for a track that is not there."""
        elsewhere = plan.track_id is not None and not self.in_rekordbox(plan.track_id)
        return [] if elsewhere else rekordbox_steps(plan, self.exports)

    def show(self, reference: str) -> tuple[UpgradePair | None, PlanRecord | None]:
        """Return the plan, or judged pair, that an id, a track id or a path names; raises `NotFoundError`."""
        try:
            return self.finding.pair(reference)
        except NotFoundError:
            return None, self.history.find(reference)

    def apply(self, reference: str, *, who: str, dry_run: bool = False) -> PlanRecord:
        """Apply a plan; a dry run only looks whether it could be. Raises as `History.apply`."""
        pair, plan = self.show(reference)
        if plan is None:
            reason = pair.reason if pair is not None else "there is no plan for it"
            raise ConflictError(f"{reference} can't be applied, it was refused: {reason}")
        if dry_run:
            self.history.require_applicable(plan)
            return plan
        return self.applied(self.history.apply(plan.id, who=who))

    def undo(self, reference: str, *, who: str, dry_run: bool = False) -> PlanRecord:
        """Undo a plan, or the latest one of the track or path that is named. Raises as `History.undo`."""
        plan = self._applied_plan(reference)
        if dry_run:
            self.history.require_undoable(plan)
            return plan
        return self.applied(self.history.undo(plan.id, who=who))

    def applied(self, plan: PlanRecord) -> PlanRecord:
        """Tell Rekordbox: write the XML, and queue what goes into its database."""
        if plan.tell is not None:
            xml = xml_of(self.exports, plan.tell.playlist)
            try:
                self.write_xml(xml, plan.tell.playlist)
            except NotFoundError:
                xml.unlink(missing_ok=True)  # the last track left the playlist
            except (CratehandError, OSError) as error:
                logger.warning("%s could not be written: %s", xml, error)
            self.queue(plan)
            return self.history.find(plan.id)
        return plan

    def recover(self) -> None:
        """Bring plans that a crash left half way to one of their ends, and tell Rekordbox of those."""
        for plan in self.history.recover():
            if plan.state in {PlanState.APPLIED, PlanState.UNDONE}:
                self.applied(plan)

    def _applied_plan(self, reference: str) -> PlanRecord:
        for plan in self.history.list(limit=100_000):
            named = {plan.track_id, *map(str, plan.paths)}
            if reference in named and plan.state is PlanState.APPLIED:
                return plan
        return self.history.find(reference)
