"""Stems asked for by a device: a job as any other, with known answers, loaded side by side."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cratehand.domain.job import JobKind, JobState
from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from tests.api.clients import Device
from tests.api.test_grpc_stems import WINDOWS, Stems, stems_at, worker, write_track
from tests.api.test_live_device import device_of
from tests.api.test_osc import result_of


@pytest.fixture
async def stems(tmp_path: Path) -> AsyncIterator[Stems]:
    async with stems_at(tmp_path, pause_s=0.05) as opened:
        yield opened


@asynccontextmanager
async def osc_of(stems: Stems, folder: Path) -> AsyncIterator[tuple[OscServer, HttpServer]]:
    async with (
        HttpServer(clock=stems.house.clock) as http,
        OscServer(stems.house.use_cases, http, clock=stems.house.clock, bulk_folder=str(folder)) as server,
    ):
        yield server, http


async def begin(device: Device, request: int, track: str) -> None:
    device.send("/cratehand/stems", device.session, request, track)
    assert await hear(device, "/cratehand/ack") == [device.session, request]


async def hear(device: Device, path: str) -> list:
    while True:
        found, values = await device.hear(timeout_s=60.0)
        if found == path:
            return values


async def test_stems_come_into_one_scene_on_tracks_side_by_side(stems: Stems, tmp_path: Path) -> None:
    write_track(tmp_path)
    async with osc_of(stems, tmp_path) as (server, _), device_of("audio", server) as device:
        await device.type("title 0")
        await device.until("shown.results.length > 0")
        await device.press("stems")
        await device.until("shown.text.indexOf('stems: ') === 0 && shown.progress > 0", within_s=30)
        await device.until("shown.text.indexOf('2 stems are in scene 1') >= 0", within_s=30)
        clips = await device.live("[0, 1].map((at) => song.tracks[at].slots[0].clip.file_path)")
    folder = tmp_path / "stems" / stems.house.track_ids[0]
    assert clips == [str(folder / "track 0.vocals.wav"), str(folder / "track 0.accompaniment.wav")]
    assert all(Path(clip).is_file() for clip in clips)


async def test_a_file_that_is_gone_is_told(stems: Stems, tmp_path: Path) -> None:
    async with osc_of(stems, tmp_path) as (server, _), device_of("audio", server) as device:
        await device.type("title 0")
        await device.until("shown.results.length > 0")
        await device.press("stems")
        await device.until("shown.bad")
        assert "not on this computer" in await device.script("shown.text")


async def test_what_a_device_asks_for_is_a_job_that_everybody_sees_and_a_kill_does_not_end(
    stems: Stems, tmp_path: Path
) -> None:
    write_track(tmp_path)
    track = stems.house.track_ids[0]
    async with osc_of(stems, tmp_path) as (server, _), Device(server.port) as device:
        await device.hello()
        assert (await device.ask("/cratehand/subscribe", 1, "job"))[0] == "/cratehand/ack"
        await begin(device, 2, track)
        (job,) = stems.house.use_cases.jobs.list()
        assert (job.kind, job.track_id) == (JobKind.STEMS, track)
        await stems.after_windows(3)
        os.kill(worker().pid, signal.SIGKILL)
        seen = set()
        while "done" not in seen:
            _, request, state, _ = await hear(device, "/cratehand/event/job")
            assert request == 2
            seen.add(state)
        assert {"running", "done"} <= seen
        assert stems.windows() <= WINDOWS + 5
    async with osc_of(stems, tmp_path) as (server, http), Device(server.port, instance="other") as device:
        await device.hello()
        # The wish is the same again: what is in the cache is written anew, nothing is separated.
        found = await result_of(device, http, "/cratehand/stems", 3, track)
    assert [item["kind"] for item in found["items"]] == ["vocals", "accompaniment"]
    assert stems.windows() <= WINDOWS + 5


async def test_a_device_cancels_what_it_began_and_goes_on_later(stems: Stems, tmp_path: Path) -> None:
    write_track(tmp_path)
    async with osc_of(stems, tmp_path) as (server, _), Device(server.port) as device:
        await device.hello()
        await begin(device, 1, stems.house.track_ids[0])
        await stems.after_windows(2)
        assert (await device.ask_in_vain("/cratehand/cancel", 2, 77))[1][2] == "not_found"
        device.send("/cratehand/cancel", device.session, 3, 1)
        told = [await device.hear(timeout_s=60.0) for _ in range(2)]
        assert {path for path, _ in told} == {"/cratehand/ack", "/cratehand/err"}
        (job,) = stems.house.use_cases.jobs.list()
        assert job.state is JobState.CANCELLED
        assert stems.windows() < WINDOWS
        await begin(device, 4, stems.house.track_ids[0])
        assert (await hear(device, "/cratehand/result"))[1] == 4
    assert stems.windows() <= WINDOWS + 5


async def test_a_server_that_ends_leaves_the_job_and_the_next_request_finds_it(stems: Stems, tmp_path: Path) -> None:
    write_track(tmp_path)
    async with osc_of(stems, tmp_path) as (server, _), Device(server.port) as device:
        await device.hello()
        await begin(device, 1, stems.house.track_ids[0])
        await stems.after_windows(2)
    async with osc_of(stems, tmp_path) as (server, _), Device(server.port) as device:
        await device.hello()
        await begin(device, 1, stems.house.track_ids[0])
        assert (await hear(device, "/cratehand/result"))[1] == 1
    assert len(stems.house.use_cases.jobs.list()) == 1


async def test_what_fails_is_told_in_the_words_of_the_job(stems: Stems, tmp_path: Path) -> None:
    (tmp_path / "track 0.flac").write_bytes(b"no music")
    async with osc_of(stems, tmp_path) as (server, _), Device(server.port) as device:
        await device.hello()
        await begin(device, 1, stems.house.track_ids[0])
        _, request, code, text = await hear(device, "/cratehand/err")
    (job,) = stems.house.use_cases.jobs.list()
    assert (request, code, job.state) == (1, "unavailable", JobState.FAILED)
    assert text == job.error
