"""Runs the queued analyses in worker processes and brings what they found into the catalogue."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Final, ParamSpec

from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.errors import CratehandError, NotFoundError, UnavailableError, UnsupportedError
from cratehand.domain.events import Event, JobProgressed, TrackAnalysed, TrackChanged
from cratehand.domain.ids import ContentDigest, JobId, TrackId
from cratehand.domain.job import Job, JobKind, JobState, Priority
from cratehand.domain.ports import Clock
from cratehand.domain.stores import Catalogue, Stores
from cratehand.domain.tempo import octaves_of
from cratehand.domain.track import FileStamp, Presence, Track
from cratehand.domain.track_analysis import FileReading
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.known_genres import KnownGenres
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.quiet import Quiet
from cratehand.usecases.reading_facts import ANALYSIS, FILE_NAME, TAGS, facts_of
from cratehand.usecases.reading_vectors import keep_vectors
from cratehand.usecases.tempo_octaves import settle_octave

logger = logging.getLogger(__name__)

P = ParamSpec("P")
ReadFile = Callable[[str, ContentDigest | None], FileReading]
"""What runs in a worker: path and known digest to reading; has to be picklable."""

_ATTEMPTS: Final = 3
_IDLE_LOOK_S: Final = 15.0
"""How often an idle queue looks by itself, e.g. because the command line queued something or an hours window opened."""
_TICK_S: Final = 1.0
_LONGEST_TASK_S: Final = 3 * 3600.0
"""A file that takes longer is given up: 30 times real time needs 16 minutes for an 8-hour mix, an idle-priority
worker beside a busy program may need several times that."""
_FIRST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 30.0
_READING: Final = {ANALYSIS.kind, TAGS.kind, FILE_NAME.kind}
"""Who speaks in what a reading says."""
_NOT_THERE: Final = "the file is not there now; it is analysed when it comes back"
_CRASHED: Final = "the analysis crashed three times: the file is damaged"


class AnalysisQueue:
    """Owns the running analyses: claims jobs, hands them to the executor, records results.

    A job whose worker died goes back into the queue, at most three times. Background jobs that run when silence is
    asked for are stopped and go back without counting.
    """

    def __init__(  # noqa: PLR0913
        self,
        catalogue: Catalogue,
        *,
        executor: Executor,
        read_file: ReadFile,
        stamp_of: Callable[[Path], FileStamp],
        workers: Callable[[], int],
        quiet: Quiet,
        bus: EventBus,
        clock: Clock,
        lanes: Lanes,
        spaces: Callable[[], Sequence[EmbeddingSpace]] = tuple,
    ) -> None:
        self._catalogue = catalogue
        self._executor = executor
        self._read_file = read_file
        self._stamp_of = stamp_of
        self._workers = workers
        self._quiet = quiet
        self._bus = bus
        self._clock = clock
        self._lanes = lanes
        self._genres = KnownGenres(clock)
        self._spaces = spaces  # where a track has to lie to count as analysed
        self._running: dict[JobId, tuple[Job, Future[FileReading]]] = {}
        self._wake = asyncio.Event()
        self._trouble: str | None = None
        self._absence: str | None = None

    @property
    def running(self) -> int:
        """How many analyses run now."""
        return len(self._running)

    def wake(self) -> None:
        """Look for work at once; call on the event loop."""
        self._wake.set()

    def recover(self) -> None:
        """Put back what a crash interrupted; only while nothing runs here, so before `run`.

        It doesn't count as an attempt: files are opened in workers only, so the daemon did not die of one.
        """
        with self._catalogue.writing() as stores:
            interrupted = stores.jobs.list(states=[JobState.RUNNING], limit=100_000, kind=JobKind.ANALYSE)
            for job in interrupted:
                stores.jobs.requeue(job.id, counts=False)
        if interrupted:
            logger.info("%d interrupted analyses go on", len(interrupted))

    async def run(self) -> None:
        """Work for ever; cancelling it stops the workers and leaves their jobs to the next start."""
        await self._keep(self.recover)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._listen(), name="analysis queue: events")
                while True:
                    self._wake.clear()
                    await self._fill(tasks)
                    await self._wait()
        finally:
            for job, future in list(self._running.values()):
                future.cancel()
                try:
                    self._put_back(job, counts=False)
                except CratehandError as error:
                    logger.warning("the analysis of track %s goes on at the next start: %s", job.track_id, error)
            self._running.clear()

    async def idle(self) -> None:
        """Return once no job waits or runs; for `cratehand run --once`.

        Raises:
            UnavailableError: Silence is asked for, or nobody is there to run them, and jobs wait for that.
        """
        while True:
            counts = await self._lanes.quick(self._counts)
            waiting = counts.get(JobState.QUEUED, 0)
            if not self._running and not waiting and not counts.get(JobState.RUNNING):
                return
            if not self._running and (reason := await self._lanes.quick(self._quiet.reason)) is not None:
                raise UnavailableError(f"{waiting} analyses wait, cratehand is silent ({reason})")
            if self._absence is not None:
                raise UnavailableError(f"the analyses wait: {self._absence}")
            await asyncio.sleep(0.2)

    def _counts(self) -> dict[JobState, int]:
        with self._catalogue.reading() as stores:
            return dict(stores.jobs.counts(JobKind.ANALYSE))

    async def _wait(self) -> None:
        # Not `wait_for`: before Python 3.12 it loses a cancellation that comes along with what it waits for.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TICK_S if self._running else _IDLE_LOOK_S):
                await self._wake.wait()

    async def _listen(self) -> None:
        with self._bus.subscribe() as subscription:
            async for numbered in subscription:
                match numbered.event:
                    case JobProgressed(job=job):
                        if job.state is JobState.CANCELLED and job.id in self._running:
                            self._running[job.id][1].cancel()
                        if job.state in {JobState.QUEUED, JobState.CANCELLED}:
                            self._wake.set()
                    case _:
                        pass

    async def _fill(self, tasks: asyncio.TaskGroup) -> None:
        try:
            silent = await self._lanes.quick(self._quiet.reason) is not None
            if silent:
                self._stop_background()
            free = self._workers() - len(self._running)
            ceiling = Priority.INTERACTIVE if silent else Priority.BACKGROUND
            claimed = await self._lanes.quick(self._claim, free, ceiling) if free > 0 else []
        except CratehandError as error:
            self._tell_trouble(error)
            return
        for job, path, digest in claimed:
            try:
                future = self._executor.submit(self._read_file, path, digest)
            except CratehandError as error:
                self._tell_trouble(error)
                await asyncio.sleep(_FIRST_RETRY_S)
                await self._keep(self._put_back, job, counts=False)
                continue
            self._running[job.id] = (job, future)
            tasks.create_task(self._follow(job, future), name=f"analysis {job.id}")

    def _stop_background(self) -> None:
        for job, future in self._running.values():
            if job.priority is not Priority.INTERACTIVE:
                future.cancel()

    def _claim(self, limit: int, ceiling: Priority) -> list[tuple[Job, str, ContentDigest | None]]:
        now_s, spaces = self._clock.now_s(), self._spaces()
        claimed: list[tuple[Job, str, ContentDigest | None]] = []
        events: list[Event] = []
        with self._catalogue.reading() as stores:
            if not stores.jobs.counts(JobKind.ANALYSE).get(JobState.QUEUED):
                return []
        with self._catalogue.writing() as stores:
            for job in stores.jobs.claim(limit=limit, at_s=now_s, priority_at_most=ceiling):
                track = stores.tracks.get(job.track_id) if job.track_id else None
                if track is not None and track.path is not None and track.presence is Presence.PRESENT:
                    claimed.append((job, str(track.path), _digest_if_all_is_known(stores, track, spaces)))
                    events.append(JobProgressed(job=job))
                else:
                    ended = stores.jobs.finish(job.id, state=JobState.CANCELLED, at_s=now_s, error=_NOT_THERE)
                    events.append(JobProgressed(job=ended))
        for event in events:
            self._bus.publish(event)
        return claimed

    async def _follow(self, job: Job, future: Future[FileReading]) -> None:
        try:
            async with asyncio.timeout(_LONGEST_TASK_S):
                reading = await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the daemon stops; `run` puts the job back
            await self._keep(self._put_back, job, counts=False)
        except (UnavailableError, UnsupportedError) as error:
            await self._wait_for_workers(job, error)
        except CratehandError as error:
            await self._keep(self._fail, job, str(error))
        except (OSError, BrokenExecutor, TimeoutError) as error:
            died_of = str(error) or type(error).__name__
            logger.warning("the worker that analysed track %s died: %s", job.track_id, died_of)
            await self._keep(self._put_back, job, counts=True)
        except Exception as error:
            # The owner of the task: a bug of ours with this file must not hold up all the others.
            logger.exception("the analysis of %s failed", job.track_id)
            reason = f"cratehand can not analyse this file ({type(error).__name__}: {error}): please report it"
            await self._keep(self._put_back, job, counts=True, reason=reason)
        else:
            self._absence = None
            await self._keep_reading(job, reading)
        self._running.pop(job.id, None)
        self._wake.set()

    async def _wait_for_workers(self, job: Job, error: CratehandError) -> None:
        """Put a job back, after a while, that nobody could begin with: it is not the fault of its file."""
        if str(error) != self._absence:
            self._absence = str(error)
            logger.warning("the analyses wait and go on by themselves: %s", error)
        pause_s = error.retry_after_s if isinstance(error, UnavailableError) else None
        await asyncio.sleep(pause_s or _LONGEST_RETRY_S)
        await self._keep(self._put_back, job, counts=False)

    async def _keep_reading(self, job: Job, reading: FileReading) -> None:
        try:
            await self._keep(self._record, job, reading)
        except Exception as error:
            # One reading that the catalogue does not take must not hold up all the others.
            logger.exception("what was found in %s could not be recorded", reading.path)
            reason = f"{reading.path}: what was found could not be recorded three times ({error})"
            await self._keep(self._put_back, job, counts=True, reason=reason)

    async def _keep(self, write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Write until it works: nothing that was found is lost because the disk is full for a while."""
        wait_s = _FIRST_RETRY_S
        while True:
            try:
                await self._lanes.quick(write, *args, **kwargs)
            except UnavailableError as error:
                self._tell_trouble(error)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_RETRY_S)
            else:
                self._trouble = None
                return

    def _tell_trouble(self, error: CratehandError) -> None:
        """Say once what holds the queue up; it is tried again and again."""
        if str(error) != self._trouble:
            self._trouble = str(error)
            logger.warning("the analyses wait and go on by themselves: %s", error)

    def _put_back(self, job: Job, *, counts: bool, reason: str = _CRASHED) -> None:
        with self._catalogue.writing() as stores:
            now = stores.jobs.get(job.id)
            if now is None or now.state is not JobState.RUNNING:
                return
            if counts and now.attempts >= _ATTEMPTS:
                after = self._mark_failed(stores, now, reason)
            else:
                after = stores.jobs.requeue(job.id, counts=counts)
        self._bus.publish(JobProgressed(job=after))

    def _fail(self, job: Job, error: str) -> None:
        with self._catalogue.writing() as stores:
            now = stores.jobs.get(job.id)
            if now is None or now.state is not JobState.RUNNING:
                return
            ended = self._mark_failed(stores, now, error)
        self._bus.publish(JobProgressed(job=ended))

    def _is_gone(self, path: str) -> bool:
        """Whether a file is not there any more, e.g. since it was renamed while it was read."""
        try:
            self._stamp_of(Path(path))
        except NotFoundError:
            return True
        except CratehandError:
            return False
        return False

    def _mark_failed(self, stores: Stores, job: Job, error: str) -> Job:
        if job.track_id is not None and (track := stores.tracks.get(job.track_id)) is not None:
            # With a stamp the track counts as read: it is tried again when the file changes, not for ever.
            stamp = self._stamp(track)
            stores.tracks.set_reading(track.id, stamp=stamp, digest=None, analysed_at_s=None, error=error)
        current = stores.jobs.get(job.id)
        if current is not None and current.state.is_final:
            return current
        return stores.jobs.finish(job.id, state=JobState.FAILED, at_s=self._clock.now_s(), error=error)

    def _stamp(self, track: Track) -> FileStamp | None:
        try:
            return None if track.path is None else self._stamp_of(track.path)
        except CratehandError:
            return None

    def _record(self, job: Job, reading: FileReading) -> None:
        """Write everything one reading says, and the end of its job, in one transaction: both or neither."""
        assert job.track_id is not None
        now_s = self._clock.now_s()
        failed = reading.digest is None or (reading.analysis is None and bool(reading.errors))
        error = "; ".join(reading.errors) or None
        is_gone = failed and self._is_gone(reading.path)
        with self._catalogue.writing() as stores:
            now, track = stores.jobs.get(job.id), stores.tracks.get(job.track_id)
            if now is None or now.state is not JobState.RUNNING or track is None:
                return
            if is_gone:
                # Its stamp stays: where the file lies elsewhere now, it is recognised by that and queued again.
                ended = stores.jobs.finish(job.id, state=JobState.CANCELLED, at_s=now_s, error=_NOT_THERE)
                self._bus.publish(JobProgressed(job=ended))
                return
            stores.tracks.set_reading(
                job.track_id,
                stamp=reading.stamp,
                digest=reading.digest,
                analysed_at_s=now_s if reading.analysis is not None else None,
                error=error,
            )
            reading = _settled(stores, job.track_id, reading)
            genres = self._genres.names(stores) if reading.sound is not None else ()
            at_s = _after_all(stores, job.track_id, now_s)
            stores.facts.record(job.track_id, facts_of(reading, at_s=at_s, genres=genres))
            keep_vectors(stores.vectors, job.track_id, reading)
            state = JobState.FAILED if failed else JobState.DONE
            ended = stores.jobs.finish(job.id, state=state, at_s=now_s, error=error)
            keeper = _recognise_moved(stores, job.track_id)
        if error:
            logger.warning("%s", error)
        logger.debug("analysed %s in %.1f s", reading.path, reading.seconds_spent)
        self._bus.publish(TrackAnalysed(track_id=keeper))
        self._bus.publish(TrackChanged(track_id=keeper))
        self._bus.publish(JobProgressed(job=ended))


def _settled(stores: Stores, track_id: TrackId, reading: FileReading) -> FileReading:
    """Return the reading with the tempo in the octave that the collection's genre is counted in."""
    if reading.analysis is None or len(octaves_of(reading.analysis.possible_tempos)) < 2:
        return reading
    genre = list(stores.tracks.genre_tempos(track_id).values())
    return replace(reading, analysis=settle_octave(reading.analysis, genre))


def _after_all(stores: Stores, track_id: TrackId, now_s: float) -> float:
    """Return a time after all that readings have said: the clock may have been put back, the file is as it is now."""
    said = (fact.at_s for fact in stores.facts.facts(track_id) if fact.source.kind in _READING)
    return max(now_s, max(said, default=0.0) + 0.001)


def _digest_if_all_is_known(stores: Stores, track: Track, spaces: Sequence[EmbeddingSpace]) -> ContentDigest | None:
    lacks = track.analysed_at_s is None or any(stores.vectors.get(space, track.id) is None for space in spaces)
    return None if lacks else track.digest


def _recognise_moved(stores: Stores, track_id: TrackId) -> TrackId:
    """Where a missing track has the sound of a new one, the new file is the old track: its history goes on."""
    track = stores.tracks.get(track_id)
    if track is None or track.digest is None or track.collection_id is not None or track.path is None:
        return track_id
    lost = [
        other
        for other in stores.tracks.by_digest(track.digest)
        if other.id != track_id and other.presence is Presence.MISSING and other.added_at_s <= track.added_at_s
    ]
    if not lost:
        return track_id
    stores.tracks.absorb(lost[0].id, track_id)
    stores.tracks.place(lost[0].id, path=track.path, stamp=track.stamp, presence=Presence.PRESENT)
    return lost[0].id
