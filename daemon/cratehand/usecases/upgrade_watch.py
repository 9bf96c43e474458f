"""Follows what lands and what is analysed, and works off what has to be compared."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final, Literal

from cratehand.domain.errors import CratehandError
from cratehand.domain.events import TrackAnalysed
from cratehand.domain.ids import TrackId
from cratehand.domain.plan_record import PlanRecord
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.folder_sync import FolderSync
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.upgrades import Upgrades

logger = logging.getLogger(__name__)

Policy = Literal["review", "automatic"]

_AUTOMATIC: Final = "cratehand"
_SILENT_LOOK_S: Final = 15.0


class UpgradeWatch:
    """Owns the comparing. One pair at a time, since each takes seconds of a processor."""

    def __init__(
        self,
        upgrades: Upgrades,
        *,
        folder_sync: FolderSync,
        bus: EventBus,
        lanes: Lanes,
        policy: Policy,
        silent: Callable[[], bool],
    ) -> None:
        self._upgrades = upgrades
        self._upgrade = upgrades.finding
        self._folder_sync = folder_sync
        self._bus = bus
        self._lanes = lanes
        self._policy = policy
        self._silent = silent
        self._turn = asyncio.Lock()
        self._analysed: dict[TrackId, None] = {}
        self._news = asyncio.Event()

    def start(self) -> None:
        """Hold landed files back from now on until they are judged; call on the event loop."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self._upgrade.silent = self._silent
        self._upgrade.on_waiting = wake

    async def run(self) -> None:
        """Work for ever."""
        await self._lanes.slow(self._upgrade.refresh_index)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="upgrades: events")
            while True:
                self._news.clear()
                await self.settle()
                # In silence what waits is looked at now and then; else there is nothing to do without news.
                waits = bool(self._analysed or self._upgrade.waiting())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_SILENT_LOOK_S if waits else None):
                        await self._news.wait()

    async def settle(self) -> None:
        """Work off all that waits now, unless silence is asked for."""
        async with self._turn:
            await self._settle()

    async def _settle(self) -> None:
        while waiting := self._upgrade.waiting():
            for path in waiting:
                if await self._lanes.quick(self._silent):
                    return
                plan = await self._lanes.slow(self._upgrade.judge_landed, path)
                if plan is None:
                    await self._lanes.slow(self._folder_sync.look_at, [path])
                else:
                    await self._perhaps_apply(plan)
        while self._analysed and not await self._lanes.quick(self._silent):
            track_id = next(iter(self._analysed))
            del self._analysed[track_id]
            try:
                plan = await self._lanes.slow(self._upgrade.analysed, track_id)
            except CratehandError as error:
                logger.warning("track %s was not compared with others: %s", track_id, error)
                continue
            if plan is not None:
                await self._perhaps_apply(plan)

    async def _listen(self) -> None:
        with self._bus.subscribe() as subscription:
            async for numbered in subscription:
                match numbered.event:
                    case TrackAnalysed(track_id=track_id):
                        self._analysed[track_id] = None
                        self._news.set()
                    case _:
                        pass

    async def _perhaps_apply(self, plan: PlanRecord) -> None:
        if self._policy != "automatic":
            return
        try:
            await self._lanes.slow(self._upgrades.apply, plan.id, who=_AUTOMATIC)
        except CratehandError as error:
            logger.warning("plan %s waits for you: %s", plan.id, error)
