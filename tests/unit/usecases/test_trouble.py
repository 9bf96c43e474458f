"""A full disk, a locked catalogue, a clock that was put back, workers that can't be had: the work waits and goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cratehand.audio.stamp import stamp_of
from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.collection import CollectionChange
from cratehand.domain.errors import CorruptFileError, UnavailableError
from cratehand.domain.fields import Field
from cratehand.domain.folders import FolderChange, WatchedFolder
from cratehand.domain.ids import ContentDigest
from cratehand.domain.job import JobKind, JobState, Priority
from cratehand.domain.provenance import Source, SourceKind
from cratehand.domain.stores import Catalogue, Stores
from cratehand.domain.track import FileStamp, Presence
from cratehand.domain.track_analysis import FileReading
from cratehand.usecases.analysis_queue import AnalysisQueue
from cratehand.usecases.collection_sync import CollectionSync
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.folder_sync import FolderSync
from cratehand.usecases.folder_watch import FolderWatch
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.quiet import Quiet
from cratehand.usecases.watched_folders import WatchedFolders
from tests.fakes.clock import HandWoundClock, counting_ids
from tests.fakes.readings import STAMP, analysis, reading
from tests.unit.usecases.test_analysis_queue import Hands, NoBattery, add_tracks, job, until
from tests.unit.usecases.test_folder_sync import NamedDigests, ScriptedScanner, seen


class SmallDisk:
    """Implements the port `Catalogue` on another one; nothing can be written while it is full."""

    def __init__(self, catalogue: SqliteCatalogue) -> None:
        self._catalogue = catalogue
        self.full = False
        self.refusals = 0

    @contextmanager
    def reading(self) -> Iterator[Stores]:
        with self._catalogue.reading() as stores:
            yield stores

    @contextmanager
    def writing(self) -> Iterator[Stores]:
        if self.full:
            self.refusals += 1
            raise UnavailableError("no space left")
        with self._catalogue.writing() as stores:
            yield stores

    def release_memory(self) -> None:
        self._catalogue.release_memory()


class Works:
    """A running queue and what it works with."""

    def __init__(
        self,
        catalogue: Catalogue,
        executor: Executor,
        lanes: Lanes,
        *,
        stamps: Callable[[Path], FileStamp] = lambda _: STAMP,
    ) -> None:
        bus = EventBus()
        bus.bind(asyncio.get_running_loop())
        self.clock = HandWoundClock()
        self.quiet = Quiet(catalogue, clock=self.clock, power=NoBattery(), publish=bus.publish)
        self.queue = AnalysisQueue(
            catalogue, executor=executor, read_file=read, stamp_of=stamps, workers=lambda: 2, quiet=self.quiet,
            bus=bus, clock=self.clock, lanes=lanes,
        )  # fmt: skip


def read(path: str, known: ContentDigest | None) -> FileReading:
    return reading(path)


@pytest.fixture
async def lanes() -> AsyncIterator[Lanes]:
    async with Lanes() as lanes:
        yield lanes


async def test_what_was_found_while_the_disk_is_full_is_kept_until_there_is_room(
    catalogue: SqliteCatalogue, lanes: Lanes
) -> None:
    (queued,) = add_tracks(catalogue, 1)
    disk, hands = SmallDisk(catalogue), Hands()
    works = Works(disk, hands, lanes)
    run = asyncio.create_task(works.queue.run())
    await until(lambda: len(hands.tasks) == 1)
    disk.full = True
    hands.tasks[0][1].set_result(reading(hands.tasks[0][0]))
    await until(lambda: disk.refusals > 0)
    assert not run.done()
    assert job(catalogue, queued.id).state is JobState.RUNNING
    disk.full = False
    await until(lambda: job(catalogue, queued.id).state is JobState.DONE)
    assert len(hands.tasks) == 1, "the file is not read again"
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_a_queue_that_begins_on_a_full_disk_works_later(catalogue: SqliteCatalogue, lanes: Lanes) -> None:
    add_tracks(catalogue, 1)
    with catalogue.writing() as stores:
        stores.jobs.claim(limit=1, at_s=1.0)  # and then the daemon was killed
    disk, hands = SmallDisk(catalogue), Hands()
    disk.full = True
    run = asyncio.create_task(Works(disk, hands, lanes).queue.run())
    await until(lambda: disk.refusals > 0)
    disk.full = False
    await until(lambda: len(hands.tasks) == 1)
    disk.full = True
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert run.cancelled(), "the end on a full disk is an end like any other"


async def test_a_reading_that_can_not_be_recorded_is_given_up_and_holds_up_no_other(
    catalogue: SqliteCatalogue, lanes: Lanes
) -> None:
    poison, good = add_tracks(catalogue, 2)
    assert poison.track_id is not None
    impossible = replace(analysis(), tempo_confidence=7.0)
    works = Works(
        catalogue,
        answering(lambda path: reading(path, analysis=impossible) if str(poison.track_id) in path else reading(path)),
        lanes,
    )
    run = asyncio.create_task(works.queue.run())
    await asyncio.wait_for(works.queue.idle(), 10)
    assert job(catalogue, good.id).state is JobState.DONE
    given_up = job(catalogue, poison.id)
    assert (given_up.state, given_up.attempts) == (JobState.FAILED, 3)
    assert "recorded" in (given_up.error or "")
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_a_file_that_was_renamed_while_it_was_read_is_not_called_broken(
    catalogue: SqliteCatalogue, lanes: Lanes, tmp_path: Path
) -> None:
    (queued,) = add_tracks(catalogue, 1)
    assert queued.track_id is not None
    with catalogue.writing() as stores:
        stores.tracks.place(queued.track_id, path=tmp_path / "a.wav", stamp=STAMP, presence=Presence.PRESENT)
    gone = FileReading(path=str(tmp_path / "a.wav"), errors=("a.wav: does not exist",))
    works = Works(catalogue, answering(lambda _: gone), lanes, stamps=stamp_of)
    run = asyncio.create_task(works.queue.run())
    await until(lambda: job(catalogue, queued.id).state.is_final)
    assert job(catalogue, queued.id).state is JobState.CANCELLED
    with catalogue.reading() as stores:
        track = stores.tracks.get(queued.track_id)
    assert track is not None
    assert (track.stamp, track.error) == (STAMP, None)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_a_worker_that_can_not_be_started_now_costs_no_attempt(catalogue: SqliteCatalogue, lanes: Lanes) -> None:
    (queued,) = add_tracks(catalogue, 1)
    tired = answering(reading, refusals=1)
    works = Works(catalogue, tired, lanes)
    run = asyncio.create_task(works.queue.run())
    await until(lambda: job(catalogue, queued.id).state is JobState.DONE)
    assert job(catalogue, queued.id).attempts == 1
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_waiting_for_the_end_of_silence_is_refused_with_the_reason(
    catalogue: SqliteCatalogue, lanes: Lanes
) -> None:
    works = Works(catalogue, Hands(), lanes)
    works.quiet.pause()
    await asyncio.wait_for(works.queue.idle(), 5)
    add_tracks(catalogue, 2)
    with pytest.raises(UnavailableError, match=r"2 analyses wait.*resume"):
        await asyncio.wait_for(works.queue.idle(), 5)


async def test_what_is_read_after_the_clock_was_put_back_is_what_holds(
    catalogue: SqliteCatalogue, lanes: Lanes
) -> None:
    (first,) = add_tracks(catalogue, 1)
    assert first.track_id is not None
    titles = iter(["old", "new"])
    works = Works(catalogue, answering(lambda path: reading(path, tags={Field.TITLE: next(titles)})), lanes)
    run = asyncio.create_task(works.queue.run())
    await asyncio.wait_for(works.queue.idle(), 10)
    works.clock.wall_s -= 365 * 24 * 3600.0
    with catalogue.writing() as stores:
        ids = iter(["again"])
        stores.jobs.enqueue(
            JobKind.ANALYSE, [first.track_id], priority=Priority.FRESH, at_s=2.0, new_id=lambda: next(ids)
        )
    works.queue.wake()
    await asyncio.wait_for(works.queue.idle(), 10)
    with catalogue.reading() as stores:
        summary = stores.tracks.summary(first.track_id)
    assert summary is not None
    assert summary.title == "new"
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)


async def test_paths_that_changed_on_a_full_disk_are_looked_at_when_there_is_room(
    catalogue: SqliteCatalogue, lanes: Lanes, clock: HandWoundClock
) -> None:
    disk, scanner = SmallDisk(catalogue), ScriptedScanner()
    folders = WatchedFolders(catalogue, configured=[], forbidden=[], clock=clock)
    sync = FolderSync(
        disk, scanner=scanner, digester=NamedDigests({}), folders=folders.paths, clock=clock, new_id=counting_ids(),
        publish=lambda _: None,
    )  # fmt: skip
    scanner.answers = [FolderChange(landed=[seen("a.flac")])] * 5
    watch = FolderWatch(OneBatch(), folders=folders, sync=sync, lanes=lanes, silent=lambda: False)
    disk.full = True
    following = asyncio.create_task(watch.follow())
    await until(lambda: disk.refusals > 0)
    disk.full = False
    await asyncio.wait_for(following, 10)
    with catalogue.reading() as stores:
        assert stores.tracks.counts()["total"] == 1


async def test_a_mended_database_is_read_as_soon_as_it_looks_different(
    catalogue: SqliteCatalogue, lanes: Lanes, clock: HandWoundClock
) -> None:
    reader = Database()
    sync = CollectionSync(
        catalogue, reader, folder_sync=no_folders(catalogue, clock), clock=clock, new_id=counting_ids(),
        publish=lambda _: None,
    )  # fmt: skip
    following = asyncio.create_task(sync.follow(lanes))
    await until(lambda: sync.last_error is not None)
    assert sync.last_error == "damaged"
    reader.looks_different = True
    reader.error = None
    await until(lambda: sync.last_error is None)
    assert reader.reads == 2
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


class Database:
    """Implements the port `CollectionReader`: damaged, until `error` is taken away."""

    source = Source(kind=SourceKind.REKORDBOX, name="master.db")

    def __init__(self) -> None:
        self.error: Exception | None = CorruptFileError("damaged")
        self.looks_different = False
        self.reads = 0

    def has_changed(self) -> bool:
        return self.looks_different

    def read(self, since: Mapping[str, object] | None) -> CollectionChange:
        self.reads += 1
        self.looks_different = False
        if self.error is not None:
            raise self.error
        return CollectionChange(full=False)

    def describe(self) -> str:
        return "a database"

    def close(self) -> None: ...


class OneBatch:
    """Implements the port `FolderWatcher`: tells one path and ends."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def watch(self, folder: WatchedFolder) -> None: ...

    async def unwatch(self, path: Path) -> None: ...

    async def batches(self) -> AsyncIterator[frozenset[Path]]:
        yield frozenset({Path("/music/a.flac")})


class Answering(Executor):
    """An executor that answers at once, after it refused a few times."""

    def __init__(self, answer: Callable[[str], FileReading], refusals: int) -> None:
        self._answer = answer
        self._refusals = refusals

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._refusals:
            self._refusals -= 1
            raise UnavailableError("no worker process can be started")
        future: Future[Any] = Future()
        future.set_result(self._answer(args[0]))
        return future


def answering(answer: Callable[[str], FileReading], *, refusals: int = 0) -> Answering:
    return Answering(answer, refusals)


def no_folders(catalogue: SqliteCatalogue, clock: HandWoundClock) -> FolderSync:
    return FolderSync(
        catalogue, scanner=ScriptedScanner(), digester=NamedDigests({}), folders=list, clock=clock,
        new_id=counting_ids(), publish=lambda _: None,
    )  # fmt: skip
