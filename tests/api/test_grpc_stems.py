"""Stems over gRPC: asked for, followed, cancelled, killed, gone on with; the separation runs in a process of its own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import psutil
import pytest
import soundfile

from cratehand.app.stem_process import StemProcess
from cratehand.domain.ids import JobId
from cratehand.servers.grpc.server import GrpcServer
from cratehand.usecases.stem_jobs import order_of
from cratehand.usecases.stem_queue import StemQueue
from cratehand_api.v1 import jobs_pb2, jobs_pb2_grpc, stems_pb2, stems_pb2_grpc
from tests.api.clients import SHOWN, channel
from tests.api.house import TOKEN, House, open_house

Wish = stems_pb2.SeparateRequest
RATE = 44_100
FRAMES = 200_000
WINDOWS = 11
"""So many windows of the fake does a track of that length have."""


class Stems:
    """The two services, and a queue that works."""

    def __init__(self, house: House, opened: grpc.aio.Channel, windows: Path) -> None:
        self.house = house
        self.stems = stems_pb2_grpc.StemsStub(opened)
        self.jobs = jobs_pb2_grpc.JobsStub(opened)
        self._windows = windows

    def windows(self) -> int:
        return self._windows.stat().st_size if self._windows.exists() else 0

    async def separate(self, track: str, **more: str) -> jobs_pb2.Job:
        return await self.stems.Separate(Wish(track=track, **more), metadata=SHOWN)

    async def end_of(self, job: jobs_pb2.Job) -> list[jobs_pb2.Job]:
        async with asyncio.timeout(60):
            return [each async for each in self.jobs.WatchJob(jobs_pb2.GetJobRequest(id=job.id), metadata=SHOWN)]

    async def after_windows(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.windows() < count:
                await asyncio.sleep(0.01)

    async def cached(self, track: str) -> list[stems_pb2.ModelStems]:
        return list((await self.stems.ListStems(stems_pb2.ListStemsRequest(track=track), metadata=SHOWN)).models)


@asynccontextmanager
async def stems_at(
    folder: Path, *, pause_s: float = 0.0, silent: bool = False, is_filled: bool = False
) -> AsyncIterator[Stems]:
    told: dict[str, Any] = {"data_dir": str(folder), "pause_s": pause_s, "windows": str(folder / "windows")}
    async with open_house(folder, fill=(lambda *_: []) if is_filled else None) as house:
        queue = StemQueue(
            house.catalogue,
            worker=StemProcess(told, log=folder / "workers.log", module="tests.fakes.stem_worker"),
            silent=lambda: silent,
            bus=house.bus,
            clock=house.clock,
            lanes=house.use_cases.lanes,
        )
        async with GrpcServer(house.use_cases, token=TOKEN) as server, channel(server.address) as opened:
            work = asyncio.create_task(queue.run())
            try:
                yield Stems(house, opened, folder / "windows")
            finally:
                work.cancel()
                with suppress(asyncio.CancelledError):
                    await work


def write_track(folder: Path, number: int = 0) -> np.ndarray:
    mix = np.random.default_rng(number).uniform(-0.9, 0.9, (FRAMES, 2))
    soundfile.write(folder / f"track {number}.flac", mix, RATE, subtype="PCM_24")
    return mix


def worker() -> psutil.Process:
    """Return the process that separates now."""
    running = [each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE]
    [found] = [each for each in running if "tests.fakes.stem_worker" in each.cmdline()]
    return found


async def refused(answer: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await answer
    return caught.value


async def test_a_track_is_separated_as_a_job_with_progress_into_the_cache(tmp_path: Path) -> None:
    mix = write_track(tmp_path)
    async with stems_at(tmp_path, pause_s=0.02) as stems:
        track = stems.house.track_ids[0]
        assert await stems.cached(track) == []
        job = await stems.separate(track)
        assert (job.kind, job.state, job.track_id) == ("stems", "queued", track)
        seen = await stems.end_of(job)
        assert (seen[-1].state, seen[-1].progress) == ("done", 1.0)
        running = [each.progress for each in seen if each.state == "running"]
        assert running == sorted(running)
        assert any(0.0 < progress < 1.0 for progress in running)
        [made] = await stems.cached(str(tmp_path / "track 0.flac"))
        with stems.house.catalogue.reading() as stores:
            assert order_of(stores, JobId(job.id)) is None
    assert (made.model, made.complete) == ("known-1", True)
    assert [stem.kind for stem in made.stems] == ["vocals", "accompaniment"]
    samples, rate = soundfile.read(made.stems[0].path)
    assert rate == RATE
    assert np.abs(samples - mix).max() < 2**-22


async def test_any_file_is_separated_into_a_folder_in_the_form_that_is_asked_for(tmp_path: Path) -> None:
    write_track(tmp_path, 7)
    (tmp_path / "out").mkdir()
    async with stems_at(tmp_path) as stems:
        job = await stems.separate(str(tmp_path / "track 7.flac"), out=str(tmp_path / "out"), format="wav")
        assert not job.HasField("track_id")
        assert (await stems.end_of(job))[-1].state == "done"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "track 7.accompaniment.wav",
        "track 7.vocals.wav",
    ]


async def test_a_killed_worker_goes_on_from_its_last_window(tmp_path: Path) -> None:
    mix = write_track(tmp_path)
    async with stems_at(tmp_path, pause_s=0.1) as stems:
        job = await stems.separate(stems.house.track_ids[0])
        await stems.after_windows(6)
        os.kill(worker().pid, signal.SIGKILL)
        assert (await stems.end_of(job))[-1].state == "done"
        [made] = await stems.cached(stems.house.track_ids[0])
        # The window before the first that is missing is run again, and those that were begun when it was killed.
        assert WINDOWS < stems.windows() <= WINDOWS + 5
    assert np.abs(soundfile.read(made.stems[0].path)[0] - mix).max() < 2**-22


async def test_a_worker_that_dies_each_time_is_given_up(tmp_path: Path) -> None:
    write_track(tmp_path)
    async with stems_at(tmp_path) as stems:
        job = await stems.separate(stems.house.track_ids[0], model="dies")
        last = (await stems.end_of(job))[-1]
        assert (last.state, last.attempts) == ("failed", 3)
        assert "three times" in last.error


async def test_a_restart_of_the_daemon_goes_on_where_it_was(tmp_path: Path) -> None:
    write_track(tmp_path)
    async with stems_at(tmp_path, pause_s=0.1) as stems:
        job = await stems.separate(stems.house.track_ids[0])
        await stems.after_windows(6)
    with suppress(ValueError):
        assert not worker().is_running()
    before = stems.windows()
    assert before < WINDOWS
    async with stems_at(tmp_path, is_filled=True) as again:
        assert (await again.end_of(job))[-1].state == "done"
        assert again.windows() <= WINDOWS + 5


DAEMON = """
import asyncio, sys
from pathlib import Path
from tests.api.test_grpc_stems import stems_at

async def main():
    async with stems_at(Path(sys.argv[1]), pause_s=0.1) as stems:
        print((await stems.separate(stems.house.track_ids[0])).id, flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_a_killed_daemon_takes_its_worker_along_and_the_next_one_goes_on(tmp_path: Path) -> None:
    mix = write_track(tmp_path)
    command = [sys.executable, "-c", DAEMON, str(tmp_path)]
    daemon = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert daemon.stdout is not None
    job = jobs_pb2.Job(id=(await daemon.stdout.readline()).decode().strip())
    async with asyncio.timeout(60):
        while not (tmp_path / "windows").exists() or (tmp_path / "windows").stat().st_size < 6:
            await asyncio.sleep(0.01)
    workers = psutil.Process(daemon.pid).children(recursive=True)
    daemon.kill()
    await daemon.wait()
    _, alive = await asyncio.to_thread(psutil.wait_procs, workers, 10)
    assert alive == []
    async with stems_at(tmp_path, is_filled=True) as again:
        assert again.windows() < WINDOWS
        assert (await again.end_of(job))[-1].state == "done"
        assert again.windows() <= WINDOWS + 5
        [made] = await again.cached(str(tmp_path / "track 0.flac"))
    assert np.abs(soundfile.read(made.stems[0].path)[0] - mix).max() < 2**-22


async def test_a_cancelled_job_stops_at_once_and_what_was_done_is_kept(tmp_path: Path) -> None:
    write_track(tmp_path)
    async with stems_at(tmp_path, pause_s=0.3) as stems:
        job = await stems.separate(stems.house.track_ids[0])
        await stems.after_windows(3)
        cancelled = await stems.jobs.CancelJob(jobs_pb2.CancelJobRequest(id=job.id), metadata=SHOWN)
        assert cancelled.state == "cancelled"
        await asyncio.sleep(1.0)
        done = stems.windows()
        await asyncio.sleep(0.7)
        assert stems.windows() == done < WINDOWS
        [made] = await stems.cached(stems.house.track_ids[0])
        assert (made.complete, len(made.stems)) == (False, 0)
        again = await stems.separate(stems.house.track_ids[0])
        assert again.id != job.id
        assert (await stems.end_of(again))[-1].state == "done"
        assert stems.windows() <= WINDOWS + 5


async def test_one_runs_at_a_time_and_the_same_wish_is_one_job(tmp_path: Path) -> None:
    write_track(tmp_path, 0)
    write_track(tmp_path, 1)
    async with stems_at(tmp_path, pause_s=0.05) as stems:
        first, second = [await stems.separate(track) for track in stems.house.track_ids[:2]]
        assert (await stems.separate(stems.house.track_ids[1])).id == second.id
        other = await refused(stems.separate(stems.house.track_ids[1], model="spleeter-2stems"))
        assert other.code() is grpc.StatusCode.ABORTED
        await stems.after_windows(2)
        listed = await stems.jobs.ListJobs(jobs_pb2.ListJobsRequest(states=["running"]), metadata=SHOWN)
        assert [job.id for job in listed.jobs] == [first.id]
        assert [(await stems.end_of(job))[-1].state for job in (first, second)] == ["done", "done"]


async def test_in_silence_nothing_begins(tmp_path: Path) -> None:
    write_track(tmp_path)
    async with stems_at(tmp_path, silent=True) as stems:
        job = await stems.separate(stems.house.track_ids[0])
        await asyncio.sleep(0.5)
        assert (await stems.jobs.GetJob(jobs_pb2.GetJobRequest(id=job.id), metadata=SHOWN)).state == "queued"
        assert stems.windows() == 0


async def test_what_can_not_be_done_is_said(tmp_path: Path) -> None:
    write_track(tmp_path)
    async with stems_at(tmp_path) as stems:
        track = stems.house.track_ids[0]
        for wish, code, words in (
            (Wish(track=""), "INVALID_ARGUMENT", "track"),
            (Wish(track="feedfeed"), "NOT_FOUND", "feedfeed"),
            (Wish(track=stems.house.track_ids[1]), "NOT_FOUND", "not on this computer"),
            (Wish(track=track, out="relative"), "INVALID_ARGUMENT", "out"),
            (Wish(track=track, out=str(tmp_path / "nowhere")), "INVALID_ARGUMENT", "no folder"),
            (Wish(track=track, format="mp3"), "INVALID_ARGUMENT", "mp3"),
            (Wish(track=track, format="stem.mp4"), "INVALID_ARGUMENT", "needs one"),
        ):
            error = await refused(stems.stems.Separate(wish, metadata=SHOWN))
            assert (error.code().name, words in (error.details() or "")) == (code, True), error
        missing = await stems.end_of(await stems.separate(track, model="nothing"))
        assert (missing[-1].state, "nothing" in missing[-1].error) == ("failed", True)
        two = await stems.separate(track, out=str(tmp_path), format="stem.mp4")
        assert "holds four stems" in (await stems.end_of(two))[-1].error
