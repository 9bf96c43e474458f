"""Keeping in step with the master while the daemon lives, whether that one answers or not."""

import asyncio
import logging
from typing import Final

from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.events import CollectionSynced
from cratehand.domain.master import Master, SyncReport
from cratehand.domain.ports import Clock
from cratehand.usecases.event_bus import Publish
from cratehand.usecases.lanes import Lanes

logger = logging.getLogger(__name__)

LOOK_HERE_S: Final = 0.5
"""How often to look whether something waits here; the commands of the command line write without telling us."""
LOOK_THERE_S: Final = 30.0
"""How often to ask the master where nobody tells us of its news."""
_SHORTEST_PAUSE_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 300.0


class MasterSync:
    """Meets the master at once when something is new on either side; waits longer and longer while it does not answer.

    Args:
        master: The port.
        address: What to call it aloud; without a password.
        lanes: Where blocking work is done.
        clock: For the pauses.
        publish: Told when something came from the master.
        look_there_s: How often to ask where nobody tells.
    """

    def __init__(
        self,
        master: Master,
        *,
        address: str,
        lanes: Lanes,
        clock: Clock,
        publish: Publish,
        look_there_s: float = LOOK_THERE_S,
    ) -> None:
        self._master = master
        self._address = address
        self._lanes = lanes
        self._clock = clock
        self._publish = publish
        self._look_there_s = look_there_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._problem: str | None = None
        self._has_met = False
        self._failures = 0

    def heard(self) -> None:
        """Say that the master has news; from any thread."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._news.set)

    def describe(self) -> tuple[str, str | None]:
        """Return one line about how far both sides are, and what keeps them apart."""
        waiting = self._master.waiting()
        here = f"{waiting} changes wait here" if waiting else "all that is here is there"
        if self._problem is not None:
            return f"{self._address} can not be reached; {here}", self._problem
        if not self._has_met:
            return f"{self._address} was not asked yet; {here}", None
        there = "it has news" if self._news.is_set() else "all that is there is here"
        return f"{self._address}: {here}, {there}", None

    async def run(self) -> None:
        """Keep in step until cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            pause_s = await self._meet()
            if pause_s is None:
                await self._wait_for_news()
            else:
                await asyncio.sleep(pause_s)

    async def _meet(self) -> float | None:
        """Meet the master once; return how long to wait before the next try, None where all went well."""
        self._news.clear()
        try:
            report = await self._lanes.slow(self._master.sync)
        except CratehandError as error:
            return self._pause_s(error)
        if self._problem is not None:
            logger.info("in step with the master again")
        self._problem, self._has_met, self._failures = None, True, 0
        self._tell(report)
        return None

    def _pause_s(self, error: CratehandError) -> float:
        if str(error) != self._problem:
            logger.warning("%s", error)
        self._problem = str(error)
        self._failures += 1
        pause_s = min(_SHORTEST_PAUSE_S * 2.0 ** (self._failures - 1), _LONGEST_PAUSE_S)
        if not isinstance(error, UnavailableError):
            # A password or a version does not mend itself within seconds.
            return max(pause_s, self._look_there_s)
        return pause_s

    def _tell(self, report: SyncReport) -> None:
        if not report.is_empty:
            logger.info(
                "in step with the master: %d rows came, %d went, %d conflicts settled, %d refused",
                report.pulled, report.pushed, report.conflicts, report.refused,
            )  # fmt: skip
        if report.pulled:
            self._publish(CollectionSynced(added=0, changed=report.pulled, removed=0))

    async def _wait_for_news(self) -> None:
        until_s = self._clock.monotonic_s() + self._look_there_s
        while self._clock.monotonic_s() < until_s:
            try:
                await asyncio.wait_for(self._news.wait(), LOOK_HERE_S)
                return
            except TimeoutError:
                if await self._lanes.quick(self._master.waiting):
                    return
