"""The service Upgrades."""
# ruff: noqa: N802 - the generated base class names the methods

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from cratehand.domain.plan_record import PlanState, UpgradePair
from cratehand.servers.grpc.errors import Context
from cratehand.servers.grpc.people import user_name
from cratehand.servers.grpc.questions import absolute_path, bounded, choice, limit, reference
from cratehand.servers.grpc.translate_plans import (
    duplicate_message,
    history_message,
    missing_message,
    pair_message,
    plan_message,
)
from cratehand.usecases.tag_plans import KeyNotation, TagWish
from cratehand.usecases.upgrades import Upgrades
from cratehand.usecases.use_cases import UseCases
from cratehand_api.v1 import upgrades_pb2, upgrades_pb2_grpc

_PAGE: Final = 100
_LARGEST_PAGE: Final = 1_000
_LOOK_S: Final = 0.5


class UpgradesService(upgrades_pb2_grpc.UpgradesServicer):
    """Plans about files."""

    def __init__(self, use_cases: UseCases) -> None:
        self._lanes = use_cases.lanes
        self._upgrades: Upgrades = use_cases.upgrades

    async def ListPairs(
        self, request: upgrades_pb2.ListPairsRequest, context: Context
    ) -> upgrades_pb2.ListPairsResponse:
        """Return judged pairs."""
        most = limit("limit", request.limit, default=_PAGE, most=_LARGEST_PAGE)
        pairs = await self._lanes.quick(self._upgrades.finding.pairs, limit=most)
        return upgrades_pb2.ListPairsResponse(pairs=[pair_message(pair, plan) for pair, plan in pairs])

    async def GetPlan(self, request: upgrades_pb2.PlanRequest, context: Context) -> upgrades_pb2.Plan:
        """Return one plan, or a refused pair as a plan that changes nothing."""
        return await self._lanes.quick(self._get_plan, reference("id", request.id))

    async def ApplyPlan(self, request: upgrades_pb2.PlanRequest, context: Context) -> upgrades_pb2.Plan:
        """Apply a plan."""
        name = reference("id", request.id)
        plan = await self._lanes.slow(self._upgrades.apply, name, who=_who(request.who), dry_run=request.dry_run)
        return plan_message(plan, steps=self._upgrades.steps(plan))

    async def UndoPlan(self, request: upgrades_pb2.PlanRequest, context: Context) -> upgrades_pb2.Plan:
        """Undo a plan."""
        name = reference("id", request.id)
        plan = await self._lanes.slow(self._upgrades.undo, name, who=_who(request.who), dry_run=request.dry_run)
        return plan_message(plan, steps=self._upgrades.steps(plan))

    async def ListHistory(
        self, request: upgrades_pb2.ListHistoryRequest, context: Context
    ) -> upgrades_pb2.ListHistoryResponse:
        """Return what plans did."""
        most = limit("limit", request.limit, default=_PAGE, most=_LARGEST_PAGE)
        plans = await self._lanes.quick(self._upgrades.history.list_everywhere, limit=most)
        return upgrades_pb2.ListHistoryResponse(plans=[history_message(plan) for plan in plans])

    async def Scan(
        self, request: upgrades_pb2.ScanRequest, context: Context
    ) -> AsyncIterator[upgrades_pb2.ScanProgress]:
        """Compare everything, telling how far it came."""
        seen = (0, 0)

        def progress(done: int, total: int) -> None:
            nonlocal seen
            seen = (done, total)

        trial: list[UpgradePair] | None = [] if request.dry_run else None
        task = asyncio.create_task(self._lanes.slow(self._upgrades.finding.scan, progress=progress, trial=trial))
        while not task.done():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), _LOOK_S)
            if not task.done():
                yield upgrades_pb2.ScanProgress(compared=seen[0], total=seen[1])
        judged = await task
        pairs = [pair_message(pair, None) for pair in trial or ()]
        yield upgrades_pb2.ScanProgress(compared=seen[0], total=seen[1], judged=judged, finished=True, pairs=pairs)

    async def ListDuplicates(
        self, request: upgrades_pb2.ListDuplicatesRequest, context: Context
    ) -> upgrades_pb2.ListDuplicatesResponse:
        """Return groups of copies."""
        groups = await self._lanes.slow(self._upgrades.duplicates.groups)
        return upgrades_pb2.ListDuplicatesResponse(groups=[duplicate_message(group) for group in groups])

    async def ListMissing(
        self, request: upgrades_pb2.ListMissingRequest, context: Context
    ) -> upgrades_pb2.ListMissingResponse:
        """Return lost files, and point their tracks at what was found where that is asked for."""
        relocates = request.relocate and not request.dry_run
        return await self._lanes.slow(self._missing, relocates, _who(request.who))

    async def WriteTags(self, request: upgrades_pb2.WriteTagsRequest, context: Context) -> upgrades_pb2.Plan:
        """Write tags into a file."""
        wish = TagWish(
            track=reference("track", request.track),
            fields=[bounded("fields", name) for name in request.fields],
            notation=choice("key_notation", request.key_notation, KeyNotation, default=KeyNotation.SHORT),
            cover=absolute_path("cover", request.cover) if request.cover else None,
        )
        plan = await self._lanes.slow(self._upgrades.tags.write, wish, who=_who(request.who), dry_run=request.dry_run)
        return plan_message(plan)

    async def Repair(self, request: upgrades_pb2.RepairRequest, context: Context) -> upgrades_pb2.Plan:
        """Tell Rekordbox what is believed of a track."""
        track = reference("track", request.track)
        plan = await self._lanes.slow(
            self._upgrades.repair.propose, track, who=_who(request.who), dry_run=request.dry_run
        )
        return plan_message(plan, steps=self._upgrades.steps(plan))

    def _get_plan(self, name: str) -> upgrades_pb2.Plan:
        pair, plan = self._upgrades.show(name)
        if plan is None and pair is not None:
            return _refused(pair)
        assert plan is not None
        return plan_message(plan, pair=pair, steps=self._upgrades.steps(plan))

    def _missing(self, relocates: bool, who: str) -> upgrades_pb2.ListMissingResponse:
        lost = self._upgrades.missing.list()
        plans = {
            one.track.id: self._upgrades.missing.relocate(one, who=who)
            for one in lost
            if relocates and one.found is not None
        }
        return upgrades_pb2.ListMissingResponse(missing=[missing_message(one, plans.get(one.track.id)) for one in lost])


def _refused(pair: UpgradePair) -> upgrades_pb2.Plan:
    return upgrades_pb2.Plan(
        id=pair.id,
        kind="upgrade",
        state=PlanState.REFUSED.value,
        who="cratehand",
        why=pair.reason,
        track_id=pair.track_id,
        created_at_s=pair.judged_at_s,
        pair=pair_message(pair, None),
    )


def _who(given: str) -> str:
    return bounded("who", given, longest=200) or user_name()
