"""Makes the stems that were asked for, one separation at a time: they share one processor or one accelerator.

In silence nothing is begun, and what runs is stopped and goes on afterwards.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Protocol

from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.events import JobProgressed, QuietChanged
from cratehand.domain.ids import JobId
from cratehand.domain.job import Job, JobKind, JobState, Priority
from cratehand.domain.ports import Clock
from cratehand.domain.stem import StemOrder
from cratehand.domain.stores import Catalogue
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.stem_jobs import forget_order, order_of

logger = logging.getLogger(__name__)

_ATTEMPTS: Final = 3
_IDLE_LOOK_S: Final = 15.0
_RETRY_S: Final = 5.0
_FORGOTTEN: Final = "nobody knows any more what was to be separated: ask again"


class WorkerDiedError(Exception):
    """The process that separated ended without a word, e.g. killed since memory ran out."""


class StoppedWorkError(Exception):
    """The separation was stopped as asked; it can go on later."""


class StemWorker(Protocol):
    """Separates in a process of its own, so that it can be stopped at any moment."""

    def run(self, order: StemOrder, *, on_progress: Callable[[float], None], stopped: threading.Event) -> None:
        """Make what is ordered; takes minutes.

        Args:
            order: What to make.
            on_progress: Told the part that is done, 0..1.
            stopped: Looked at all the time.

        Raises:
            CratehandError: As `StemSeparation.separate`.
            WorkerDiedError: The process ended without a word.
            StoppedWorkError: `stopped` was set.
        """
        ...


class StemQueue:
    """Owns the running separation. One that a crash or the end of the daemon cut off goes on from its last window."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        worker: StemWorker,
        silent: Callable[[], bool],
        bus: EventBus,
        clock: Clock,
        lanes: Lanes,
    ) -> None:
        self._catalogue = catalogue
        self._worker = worker
        self._silent = silent
        self._bus = bus
        self._clock = clock
        self._lanes = lanes
        self._wake = asyncio.Event()
        self._running: tuple[JobId, threading.Event] | None = None

    def recover(self) -> None:
        """Put back what a crash interrupted; only while nothing runs here."""
        with self._catalogue.writing() as stores:
            for job in stores.jobs.list(states=[JobState.RUNNING], kind=JobKind.STEMS):
                stores.jobs.requeue(job.id, counts=False)

    async def run(self) -> None:
        """Work for ever; cancelling it stops the separation and leaves its job to the next start."""
        await self._lanes.quick(self.recover)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="stem queue: events")
            while True:
                self._wake.clear()
                claimed = await self._lanes.quick(self._claim)
                if claimed is None:
                    await self._wait(_IDLE_LOOK_S)
                else:
                    await self._separate(*claimed)

    async def idle(self) -> None:
        """Return once no separation waits or runs; raises `UnavailableError` where they wait for the end of silence."""
        while True:
            counts = await self._lanes.quick(self._counts)
            if not counts:
                return
            if self._running is None and await self._lanes.quick(self._silent):
                raise UnavailableError(f"{counts} separations wait, cratehand is silent")
            await asyncio.sleep(0.2)

    def _counts(self) -> int:
        with self._catalogue.reading() as stores:
            counts = stores.jobs.counts(JobKind.STEMS)
        return counts.get(JobState.QUEUED, 0) + counts.get(JobState.RUNNING, 0)

    async def _wait(self, longest_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._wake.wait()

    async def _listen(self) -> None:
        with self._bus.subscribe() as subscription:
            async for numbered in subscription:
                match numbered.event:
                    case JobProgressed(job=job) if job.kind is JobKind.STEMS:
                        await self._heard_of(job)
                    case QuietChanged(quiet=quiet):
                        if quiet and self._running:
                            self._running[1].set()
                        self._wake.set()
                    case _:
                        pass

    async def _heard_of(self, job: Job) -> None:
        if job.state is JobState.QUEUED:
            self._wake.set()
        elif job.state is JobState.CANCELLED and self._running and self._running[0] == job.id:
            self._running[1].set()
        elif job.state is JobState.CANCELLED:
            await self._lanes.quick(self._forget, job)

    def _forget(self, job: Job) -> None:
        with self._catalogue.writing() as stores:
            forget_order(stores, job.id)

    def _claim(self) -> tuple[Job, StemOrder] | None:
        """Take the next job; none in silence: a separation takes a whole processor for minutes, asked for or not."""
        with self._catalogue.reading() as stores:
            if not stores.jobs.counts(JobKind.STEMS).get(JobState.QUEUED) or self._silent():
                return None
        with self._catalogue.writing() as stores:
            jobs = stores.jobs.claim(
                limit=1, at_s=self._clock.now_s(), priority_at_most=Priority.BACKGROUND, kind=JobKind.STEMS
            )
            order = order_of(stores, jobs[0].id) if jobs else None
        if not jobs:
            return None
        if order is None:
            self._end(jobs[0], JobState.FAILED, _FORGOTTEN)
            return None
        self._bus.publish(JobProgressed(job=jobs[0]))
        return jobs[0], order

    async def _separate(self, job: Job, order: StemOrder) -> None:
        stopped = threading.Event()
        self._running = (job.id, stopped)
        try:
            await self._lanes.long(self._work, job, order, stopped)
        except asyncio.CancelledError:
            stopped.set()
            await asyncio.shield(self._lanes.quick(self._put_back, job, counts=False))
            raise
        except StoppedWorkError:
            await self._lanes.quick(self._put_back, job, counts=False)
        except WorkerDiedError as error:
            logger.warning("the separation of %s was cut off: %s", order.path, error)
            await self._lanes.quick(self._put_back, job, counts=True)
        except CratehandError as error:
            await self._lanes.quick(self._end, job, JobState.FAILED, str(error))
        except Exception as error:
            # The owner of the task: a bug of ours with this file must not hold up the others.
            logger.exception("the separation of %s failed", order.path)
            reason = f"cratehand can not separate this file ({type(error).__name__}: {error}): please report it"
            await self._lanes.quick(self._end, job, JobState.FAILED, reason)
        else:
            await self._lanes.quick(self._end, job, JobState.DONE, None)
        finally:
            self._running = None

    def _work(self, job: Job, order: StemOrder, stopped: threading.Event) -> None:
        with self._catalogue.reading() as stores:
            now = stores.jobs.get(job.id)
        if now is None or now.state is not JobState.RUNNING:
            raise StoppedWorkError(f"job {job.id} was cancelled before it began")

        def tell(progress: float) -> None:
            self._bus.publish(JobProgressed(job=replace(job, progress=min(max(progress, 0.0), 1.0))))

        self._worker.run(order, on_progress=tell, stopped=stopped)

    def _put_back(self, job: Job, *, counts: bool) -> None:
        if counts and job.attempts >= _ATTEMPTS:
            self._end(job, JobState.FAILED, "the separation was cut off three times: is there enough memory?")
            return
        with self._catalogue.writing() as stores:
            now = stores.jobs.get(job.id)
            if now is None or now.state is not JobState.RUNNING:
                forget_order(stores, job.id)
                return
            after = stores.jobs.requeue(job.id, counts=counts)
        self._bus.publish(JobProgressed(job=after))

    def _end(self, job: Job, state: JobState, error: str | None) -> None:
        with self._catalogue.writing() as stores:
            forget_order(stores, job.id)
            now = stores.jobs.get(job.id)
            if now is None or now.state.is_final:
                return
            ended = stores.jobs.finish(job.id, state=state, at_s=self._clock.now_s(), error=error)
        self._bus.publish(JobProgressed(job=ended))
