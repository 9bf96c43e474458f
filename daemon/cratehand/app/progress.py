"""The bar in the terminal while analyses run; a line a minute where there is no terminal."""

import logging
import sys
import time
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

from cratehand.app.logs import terminal
from cratehand.domain.events import JobProgressed
from cratehand.domain.ids import JobId
from cratehand.domain.job import JobKind, JobState
from cratehand.usecases.event_bus import EventBus

logger = logging.getLogger(__name__)

_LINE_EVERY_S: Final = 60.0
_REST_S: Final = 5.0


class Progress:
    """Counts the jobs that the bus tells of and shows how far they are."""

    def __init__(self, bus: EventBus, *, enabled: bool) -> None:
        self._bus = bus
        self._console = terminal()
        self._bars = enabled and self._console.is_terminal and sys.stderr.isatty()
        self._open: set[JobId] = set()
        self._done = 0
        self._last_line_s = time.monotonic()

    async def show(self) -> None:
        """Follow the bus for ever."""
        columns = (TextColumn("analysing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with (
            Bars(*columns, console=self._console, disable=not self._bars, transient=True) as bars,
            self._bus.subscribe() as subscription,
        ):
            task = bars.add_task("analysing", total=0, visible=False)
            async for numbered in subscription:
                if isinstance(numbered.event, JobProgressed):
                    self._count(numbered.event)
                    total = self._done + len(self._open)
                    bars.update(task, completed=self._done, total=total, visible=bool(self._open))
                    self._tell(total)

    def _count(self, event: JobProgressed) -> None:
        job = event.job
        if job.kind is not JobKind.ANALYSE:
            return
        if not job.state.is_final:
            self._open.add(job.id)
        elif job.id in self._open:
            self._open.discard(job.id)
            self._done += job.state is not JobState.CANCELLED

    def _tell(self, total: int) -> None:
        now_s = time.monotonic()
        if not self._open and self._done and now_s - self._last_line_s > _REST_S:
            # After a restart the queue is longer than what was heard of it: not a line for every single track.
            logger.info("analysed %d of %d", self._done, total)
            self._done = 0
            self._last_line_s = now_s
        elif not self._bars and now_s - self._last_line_s > _LINE_EVERY_S:
            logger.info("analysed %d of %d", self._done, total)
            self._last_line_s = now_s
