"""What is done every now and then, through APScheduler, whatever the wall clock does."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from cratehand.domain.ports import Clock

logger = logging.getLogger(__name__)

_LOOK_S: Final = 10.0
_JUMP_S: Final = 30.0
"""A wall clock that moves so far against the monotonic one has jumped; slewing and rounding are far below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """Something to be done again and again."""

    name: str
    every_s: float
    do: Callable[[], Awaitable[None]]


class Schedule:
    """Does chores at their intervals; an async context manager. One that is still running is not begun again.

    APScheduler plans by the wall clock: after it was put back by a year, e.g. since a wrong date was mended, nothing
    would be done for a year. So the chores are planned anew. After a jump ahead, or a sleep, all are due at once, which
    is right as it is.

    Args:
        chores: What to do.
        clock: Both clocks.
    """

    def __init__(self, chores: tuple[Chore, ...], *, clock: Clock) -> None:
        self._chores = chores
        self._clock = clock
        self._scheduler = AsyncIOScheduler(
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self._lead_s = self._wall_lead_s()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._plan()
        self._scheduler.start()
        self._task = asyncio.create_task(self._watch_clock(), name="schedule: clock")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._scheduler.shutdown(wait=False)

    def waits_s(self) -> dict[str, float]:
        """Return for each chore in how many seconds of the wall clock it is due."""
        return {job.id: job.next_run_time.timestamp() - self._clock.now_s() for job in self._scheduler.get_jobs()}

    def look_at_clock(self) -> bool:
        """Plan anew where the wall clock jumped back since the last look; return whether it did."""
        lead_s = self._wall_lead_s()
        jump_s, self._lead_s = lead_s - self._lead_s, lead_s
        if jump_s > -_JUMP_S:
            return False
        logger.info("the clock of this computer was put back by %.0f s", -jump_s)
        self._plan()
        return True

    def _wall_lead_s(self) -> float:
        return self._clock.now_s() - self._clock.monotonic_s()

    def _plan(self) -> None:
        for chore in self._chores:
            self._scheduler.add_job(
                chore.do, "interval", seconds=chore.every_s, id=chore.name, name=chore.name, replace_existing=True
            )

    async def _watch_clock(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            self.look_at_clock()
