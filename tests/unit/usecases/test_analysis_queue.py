"""Each job runs once, is never lost, and what it found is there when it is done."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.embedding import CLAP_SPACE, DNA_SPACE, DSP_SPACE, SOUND_SPACE, TAG_SPACE, EmbeddingSpace
from cratehand.domain.errors import UnavailableError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ContentDigest, JobId, TrackId
from cratehand.domain.job import Job, JobKind, JobState, Priority
from cratehand.domain.provenance import Fact, Source, SourceKind
from cratehand.domain.sound_tags import SoundTag, TagKind
from cratehand.domain.track import Presence, Track
from cratehand.domain.track_analysis import FileReading
from cratehand.usecases.analysis_queue import AnalysisQueue, ReadFile
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.quiet import Quiet
from tests.fakes.clock import HandWoundClock, counting_ids
from tests.fakes.readings import STAMP, reading
from tests.fakes.sound import sound

SPACES = (DSP_SPACE, SOUND_SPACE, TAG_SPACE, DNA_SPACE)


class NoBattery:
    def on_battery(self) -> bool:
        return False


class Hands(Executor):
    """An executor whose tasks end when the test says so."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, Future[Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.tasks.append((args[0], future))
        return future


def add_tracks(catalogue: SqliteCatalogue, count: int, *, priority: Priority = Priority.BACKGROUND) -> list[Job]:
    ids = [TrackId(f"{number:016x}") for number in range(count)]
    with catalogue.writing() as stores:
        stores.tracks.add(
            [
                Track(id=track_id, path=Path(f"/music/{track_id}.flac"), presence=Presence.PRESENT, added_at_s=1.0)
                for track_id in ids
            ]
        )
        return list(stores.jobs.enqueue(JobKind.ANALYSE, ids, priority=priority, at_s=1.0, new_id=counting_ids()))


@asynccontextmanager
async def running(
    catalogue: SqliteCatalogue,
    executor: Executor,
    read_file: ReadFile,
    *,
    workers: int = 2,
    spaces: tuple[EmbeddingSpace, ...] = (),
) -> AsyncIterator[tuple[AnalysisQueue, Quiet, EventBus]]:
    bus, clock = EventBus(), HandWoundClock()
    bus.bind(asyncio.get_running_loop())
    quiet = Quiet(catalogue, clock=clock, power=NoBattery(), publish=bus.publish)
    async with Lanes() as lanes:
        queue = AnalysisQueue(
            catalogue, executor=executor, read_file=read_file, stamp_of=lambda path: STAMP, workers=lambda: workers,
            quiet=quiet, bus=bus, clock=clock,
            lanes=lanes, spaces=lambda: spaces,
        )  # fmt: skip
        queue.recover()
        task = asyncio.create_task(queue.run())
        try:
            yield queue, quiet, bus
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def job(catalogue: SqliteCatalogue, job_id: JobId) -> Job:
    with catalogue.reading() as stores:
        found = stores.jobs.get(job_id)
    assert found is not None
    return found


async def until(condition: Callable[[], bool], *, at_most_s: float = 5.0) -> None:
    async with asyncio.timeout(at_most_s):
        while not condition():
            await asyncio.sleep(0.01)


def fake_read(path: str, known_digest: ContentDigest | None) -> FileReading:
    return reading(path)


@pytest.mark.parametrize(
    ("spaces", "placed", "known"), [((), False, 1), ((CLAP_SPACE,), False, 0), ((CLAP_SPACE,), True, 1)]
)
async def test_a_track_that_lacks_a_place_is_listened_to_though_its_sound_is_known(
    catalogue: SqliteCatalogue, spaces: tuple[EmbeddingSpace, ...], placed: bool, known: int
) -> None:
    [first] = add_tracks(catalogue, 1)
    assert first.track_id is not None
    place = np.full(512, 0.5, dtype=np.float32)
    with catalogue.writing() as stores:
        digest = ContentDigest("fake:known")
        stores.tracks.set_reading(first.track_id, stamp=STAMP, digest=digest, analysed_at_s=1.0, error=None)
        if placed:
            stores.vectors.put(CLAP_SPACE, first.track_id, place)
    digests: list[ContentDigest | None] = []

    def read_file(path: str, known_digest: ContentDigest | None) -> FileReading:
        digests.append(known_digest)
        if known_digest is not None:
            return reading(path, digest="known", analysis=None)
        return reading(path, digest="known", places={CLAP_SPACE: place})

    with ThreadPoolExecutor(1) as pool:
        async with running(catalogue, pool, read_file, spaces=spaces):
            await until(lambda: job(catalogue, first.id).state is JobState.DONE)
    assert digests == ([digest] if known else [None])
    with catalogue.reading() as stores:
        assert (stores.vectors.get(CLAP_SPACE, first.track_id) is not None) is bool(spaces)


async def test_every_track_is_analysed_once_with_its_facts_and_vector(catalogue: SqliteCatalogue) -> None:
    jobs = add_tracks(catalogue, 25)
    read: list[str] = []
    lock = threading.Lock()

    def read_file(path: str, known_digest: ContentDigest | None) -> FileReading:
        with lock:
            read.append(path)
        return reading(path)

    with ThreadPoolExecutor(2) as pool:
        async with running(catalogue, pool, read_file) as (queue, _, _):
            await asyncio.wait_for(queue.idle(), 10)
    assert len(read) == len(set(read)) == 25
    with catalogue.reading() as stores:
        assert stores.vectors.count(DSP_SPACE) == 25
        summary = stores.tracks.summary(TrackId(f"{3:016x}"))
    assert summary is not None
    assert (summary.tempo_bpm, summary.camelot) == (126.0, "8A")
    assert all(job(catalogue, queued.id).state is JobState.DONE for queued in jobs)


class NobodyThere(Hands):
    """Takes every task and finds nobody who would run it, until somebody comes."""

    error: Exception | None = UnavailableError("the scheduler does not answer", retry_after_s=0.01)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        if self.error is not None:
            future.set_exception(self.error)
        else:
            future.set_result(fn(*args, **kwargs))
        return future


async def test_jobs_wait_for_workers_that_are_not_there_and_no_file_is_blamed(
    catalogue: SqliteCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    [queued] = add_tracks(catalogue, 1)
    executor = NobodyThere()
    async with running(catalogue, executor, fake_read) as (queue, _, _):
        await until(lambda: len(executor.tasks) > 5, at_most_s=60)
        with pytest.raises(UnavailableError, match="the analyses wait: the scheduler does not answer"):
            await asyncio.wait_for(queue.idle(), 60)
        assert job(catalogue, queued.id).attempts <= 1
        executor.error = None
        await until(lambda: job(catalogue, queued.id).state is JobState.DONE, at_most_s=60)
        await asyncio.wait_for(queue.idle(), 60)
    said = [record for record in caplog.records if "does not answer" in record.getMessage()]
    assert len(said) == 1


async def test_what_a_model_heard_stands_in_its_own_spaces_until_other_sound_comes(catalogue: SqliteCatalogue) -> None:
    [queued] = add_tracks(catalogue, 1)
    track_id = queued.track_id
    assert track_id is not None
    with catalogue.writing() as stores:
        genre = Fact(field=Field.GENRE, value="Hip Hop", source=Source(kind=SourceKind.TAGS), at_s=0.5)
        stores.facts.record(track_id, [genre])
    heard = iter([(sound(seed=3, hip_hop=0.5), np.eye(512, dtype=np.float32)[0]), (None, None)])

    def read_file(path: str, known_digest: ContentDigest | None) -> FileReading:
        described, dna = next(heard)
        return reading(path, tags={Field.GENRE: "Hip Hop"}, sound=described, dna=dna)

    with ThreadPoolExecutor(1) as pool:
        async with running(catalogue, pool, read_file, workers=1) as (queue, _, _):
            await asyncio.wait_for(queue.idle(), 10)
            with catalogue.reading() as stores:
                assert [stores.vectors.count(space) for space in SPACES] == [1, 1, 1, 1]
                [fact] = [fact for fact in stores.facts.facts(track_id) if fact.field is Field.SOUND_TAGS]
            assert fact.value == (SoundTag(tag="hip-hop", kind=TagKind.GENRE, probability=0.5, genre="Hip Hop"),)
            with catalogue.writing() as stores:
                ids = counting_ids()
                stores.jobs.enqueue(
                    JobKind.ANALYSE, [track_id], priority=Priority.BACKGROUND, at_s=2.0, new_id=lambda: "again" + ids()
                )
            queue.wake()
            await asyncio.wait_for(queue.idle(), 10)
    with catalogue.reading() as stores:
        assert [stores.vectors.count(space) for space in SPACES] == [1, 0, 0, 0]


async def test_an_unreadable_file_fails_with_its_reason_and_is_not_tried_for_ever(catalogue: SqliteCatalogue) -> None:
    (queued,) = add_tracks(catalogue, 1)
    bad = FileReading(path="/music/x", errors=("/music/x: not audio",))
    with ThreadPoolExecutor(1) as pool:
        async with running(catalogue, pool, lambda path, digest: bad) as (queue, _, _):
            await asyncio.wait_for(queue.idle(), 10)
    failed = job(catalogue, queued.id)
    assert (failed.state, failed.error) == (JobState.FAILED, "/music/x: not audio")
    with catalogue.reading() as stores:
        assert stores.tracks.counts()["failed"] == 1


async def test_a_worker_that_dies_three_times_gives_the_file_up(catalogue: SqliteCatalogue) -> None:
    (queued,) = add_tracks(catalogue, 1)
    deaths: list[str] = []

    def die(path: str, known_digest: ContentDigest | None) -> FileReading:
        deaths.append(path)
        raise RuntimeError("segmentation fault")

    with ThreadPoolExecutor(1) as pool:
        async with running(catalogue, pool, die) as (queue, _, _):
            await asyncio.wait_for(queue.idle(), 20)
    assert len(deaths) == 3
    assert job(catalogue, queued.id).state is JobState.FAILED


async def test_stopping_the_daemon_puts_running_jobs_back(catalogue: SqliteCatalogue) -> None:
    jobs = add_tracks(catalogue, 3)
    hands = Hands()
    async with running(catalogue, hands, fake_read):
        await until(lambda: len(hands.tasks) == 2)
    states = [job(catalogue, queued.id) for queued in jobs]
    assert {state.state for state in states} == {JobState.QUEUED}
    assert {state.attempts for state in states} == {0}


async def test_after_a_crash_running_jobs_go_on(catalogue: SqliteCatalogue) -> None:
    jobs = add_tracks(catalogue, 4)
    with catalogue.writing() as stores:
        assert len(stores.jobs.claim(limit=2, at_s=2.0)) == 2  # and then the daemon was killed
    with ThreadPoolExecutor(2) as pool:
        async with running(catalogue, pool, fake_read) as (queue, _, _):
            await asyncio.wait_for(queue.idle(), 10)
    assert all(job(catalogue, queued.id).state is JobState.DONE for queued in jobs)


async def test_pause_stops_the_background_and_lets_a_person_s_request_through(catalogue: SqliteCatalogue) -> None:
    jobs = add_tracks(catalogue, 3)
    hands = Hands()
    async with running(catalogue, hands, fake_read) as (queue, quiet, _):
        await until(lambda: len(hands.tasks) == 2)
        quiet.pause()
        queue.wake()
        await until(lambda: queue.running == 0)
        assert all(future.cancelled() for _, future in hands.tasks)
        with catalogue.writing() as stores:
            track_id = jobs[2].track_id
            assert track_id is not None
            stores.jobs.enqueue(
                JobKind.ANALYSE, [track_id], priority=Priority.INTERACTIVE, at_s=3.0, new_id=counting_ids()
            )
        queue.wake()
        await until(lambda: len(hands.tasks) == 3)
        assert hands.tasks[2][0].endswith(f"{jobs[2].track_id}.flac")
        quiet.resume()
        queue.wake()
        await until(lambda: len(hands.tasks) == 4)


async def test_a_file_that_is_not_there_is_not_opened(catalogue: SqliteCatalogue) -> None:
    (queued,) = add_tracks(catalogue, 1)
    with catalogue.writing() as stores:
        assert queued.track_id is not None
        stores.tracks.set_presence([queued.track_id], Presence.OFFLINE)
    with ThreadPoolExecutor(1) as pool:
        async with running(catalogue, pool, fake_read) as (queue, _, _):
            await asyncio.wait_for(queue.idle(), 10)
    assert job(catalogue, queued.id).state is JobState.CANCELLED


@pytest.mark.parametrize("collection_id", [None, "123"])
async def test_a_new_file_with_the_sound_of_a_missing_track_is_that_track(
    catalogue: SqliteCatalogue, collection_id: str | None
) -> None:
    old = TrackId("f" * 16)
    (queued,) = add_tracks(catalogue, 1)
    with catalogue.writing() as stores:
        stores.tracks.add([Track(id=old, path=Path("/music/old.flac"), presence=Presence.PRESENT, added_at_s=0.5)])
        stores.tracks.set_reading(old, stamp=None, digest=ContentDigest("fake:same"), analysed_at_s=1.0, error=None)
        stores.tracks.set_presence([old], Presence.MISSING)
    with ThreadPoolExecutor(1) as pool:
        async with running(catalogue, pool, lambda path, known: reading(path, digest="same")) as (queue, _, _):
            await asyncio.wait_for(queue.idle(), 10)
    with catalogue.reading() as stores:
        kept = stores.tracks.get(old)
        assert queued.track_id is not None
        assert stores.tracks.get(queued.track_id) is None
    assert kept is not None
    assert (kept.path, kept.presence) == (Path(f"/music/{queued.track_id}.flac"), Presence.PRESENT)
