"""How quickly the shipped Live devices get what they ask, and what they leave in Max: ``python -m tests.bench.live_device``.

The built devices run in the fake Max against a whole daemon, over real UDP and HTTP, beside 50,000 tracks that have
what analysis gives for search. For the first rows the daemon's own workers analyse real files at their own priority.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from cratehand.catalogue import open_device
from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from tests.api.clients import Device
from tests.api.house import House, open_house
from tests.bench.busy import ask_pings, echo_server, in_process, make_music
from tests.bench.crate import TimedDaemon, bench_folder
from tests.bench.live_house import fill_many
from tests.bench.report import Report, command
from tests.bench.servers import RealClock
from tests.max.fake_max import FakeMax

ACK_MS: Final = 5.0
DRUMS_MS: Final = 250.0
SEARCH_MS: Final = 150.0
TOKENS_PER_SESSION: Final = 16
_WARM_UP: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is measured."""

    tracks: int
    count: int
    hours: int
    files: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is asked for: a word that stands in a few titles, and a track that has neighbours."""

    word: str
    track: str


def make_catalogue(data_dir: Path, tracks: int) -> Known:
    """Write the catalogue that the daemon will open."""
    data_dir.mkdir(parents=True)
    catalogue = open_device(data_dir / "catalogue.db")
    ids = fill_many(catalogue, data_dir, tracks)
    with catalogue.reading() as stores:
        (track,) = stores.tracks.summaries([ids[tracks // 2]])
    catalogue.close()
    return Known(word=(track.title or "").split()[0], track=str(track.id))


def acks(port: int, count: int) -> list[float]:
    """Ask one after the other, 200 a second; return the sorted times to the ack in ms."""
    return asyncio.run(_acks(port, count))


async def _acks(port: int, count: int) -> list[float]:
    taken_ms = []
    async with Device(port) as device:
        await device.hello()
        for request in range(1, count + _WARM_UP + 1):
            began_s = time.perf_counter()
            path, _ = await device.ask("/cratehand/subscribe", request, "job")
            taken_ms.append((time.perf_counter() - began_s) * 1e3)
            assert path == "/cratehand/ack"
            await asyncio.sleep(0.005)
    return sorted(taken_ms[_WARM_UP:])


class Processor:
    """Processor time that a daemon's main process has used since it was last looked at."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._used_s = 0.0
        self.since_ms()

    def since_ms(self) -> float:
        times = self._process.cpu_times()
        before_s, self._used_s = self._used_s, times.user + times.system
        return (self._used_s - before_s) * 1e3


async def timed(device: FakeMax, ends_in: str, action: str, count: int) -> list[float]:
    """Do `action` in the script `count` times; return the sorted ms until `ends_in` was carried out."""
    await device.script(
        f"var bench = {{began: 0, took: -1}}, bench_kept = bench_kept || {ends_in}; "
        f"{ends_in} = function () {{ bench_kept.apply(this, arguments); bench.took = now_ms() - bench.began; }}; 0"
    )
    taken_ms = []
    # The first one of a kind opens connections and loads weights, as it does once a day for a producer.
    for number in range(count + 1):
        await device.script(f"bench.took = -1; params.seed = {number}; bench.began = now_ms(); {action}; 0")
        await device.until("bench.took >= 0", within_s=60)
        taken_ms.append(float(await device.script("bench.took")))
    return sorted(taken_ms[1:])


async def drums(device: FakeMax, count: int) -> list[float]:
    await device.script("params.style = STYLES.indexOf('rock'); params.bars = 2; 0")
    taken_ms = await timed(device, "write", "generate(false, '')", count)
    assert await device.live("song.tracks[2].slots[0].clip.notes.length > 8"), "no notes came into the clip"
    return taken_ms


def searches_of(known: Known) -> dict[str, str]:
    """Return kinds of search and what the device does for each."""
    return {
        "a word of titles": f"shown.words = '{known.word}'; params.tempo_range = 0; find_words()",
        "a sound": "shown.words = 'warm piano'; params.tempo_range = 0; find_words()",
        "a sound, tempo and key of the set": "shown.words = 'dark techno'; params.tempo_range = 6; params.key_rule = 2; "
        "find_words(); params.key_rule = 0",
        "what mixes with the set": "find_mixing()",
        "like this": f"ask('/cratehand/similar', ['{known.track}', LIMIT], show_results)",
    }


async def search(device: FakeMax, action: str, count: int) -> list[float]:
    taken_ms = await timed(device, "show_results", action, count)
    assert await device.script("shown.results.length") > 0, f"{action} found nothing"
    return taken_ms


@contextlib.asynccontextmanager
async def online(name: str, port: int) -> AsyncIterator[FakeMax]:
    async with FakeMax(name, port) as device:
        await device.online()
        yield device


def at(quantile: float, taken_ms: list[float]) -> float:
    return taken_ms[min(int(quantile * len(taken_ms)), len(taken_ms) - 1)]


def measure(report: Report, folder: Path, sizes: Sizes) -> None:
    """Run the daemon; measure while its workers analyse, then while they are paused."""
    known = make_catalogue(folder / "data", sizes.tracks)
    music = make_music(folder / "music", files=sizes.files)
    workers = max(1, (os.cpu_count() or 1) - 1)
    with TimedDaemon(folder / "data", "--watch", str(music), analysis__workers=str(workers)) as daemon:
        port = daemon.osc_port

        def running() -> int:
            return int(daemon.status().jobs.get("running", 0))

        daemon.wait_for(lambda: running() >= workers, what="analyses", timeout_s=300)
        _acks_rows(report, port, sizes, workers)
        asyncio.run(_busy_rows(report, port, known, sizes))
        assert running() >= 1, "the analyses ended before the measurement did"
        asyncio.run(_pause(port))
        daemon.wait_for(lambda: running() == 0, what="the pause", timeout_s=300)
        asyncio.run(_quiet_rows(report, port, known, sizes, Processor(daemon.pid)))


def _acks_rows(report: Report, port: int, sizes: Sizes, workers: int) -> None:
    taken = in_process(acks, port, sizes.count * 50)
    with echo_server() as (_, echo_port):
        bare = in_process(ask_pings, echo_port, 200.0, 5.0)
    report.at_most(
        f"request to ack while {workers} of {workers} workers analyse, p99", at(0.99, taken), ACK_MS, "ms",
        remark=f", p50 {at(0.5, taken):.2f}, of {len(taken)}; a bare echo then p99 {bare.at(0.99):.2f}",
    )  # fmt: skip


async def _pause(port: int) -> None:
    async with Device(port, instance="bench-pause") as device:
        await device.hello()
        assert (await device.ask("/cratehand/pause", 1))[0] == "/cratehand/ack"


async def _busy_rows(report: Report, port: int, known: Known, sizes: Sizes) -> None:
    count = max(sizes.count // 3, 3)
    async with online("midi", port) as device:
        _tell(report, "4 bars of drums to notes in the clip, workers analysing", await drums(device, count), None)
    async with online("audio", port) as device:
        found = await search(device, searches_of(known)["a sound"], count)
        _tell(report, f"search by a sound, {sizes.tracks} tracks, workers analysing", found, None)


async def _quiet_rows(report: Report, port: int, known: Known, sizes: Sizes, processor: Processor) -> None:
    async with online("midi", port) as device:
        processor.since_ms()
        taken = await drums(device, sizes.count)
        used_ms = processor.since_ms() / (sizes.count + 1)
        _tell(report, "4 bars of drums asked to notes in the clip", taken, DRUMS_MS, used_ms=used_ms)
    async with online("audio", port) as device:
        for what, action in searches_of(known).items():
            processor.since_ms()
            taken = await search(device, action, sizes.count)
            used_ms = processor.since_ms() / (sizes.count + 1)
            _tell(report, f"search to results, {sizes.tracks} tracks: {what}", taken, SEARCH_MS, used_ms=used_ms)
    await _eight(report, port, known, max(sizes.count // 4, 3))


def _tell(
    report: Report, what: str, taken_ms: list[float], limit_ms: float | None, *, used_ms: float | None = None
) -> None:
    remark = f", p50 {at(0.5, taken_ms):.0f}"
    if used_ms is not None:
        remark += f"; the daemon's processor {used_ms:.0f} ms each"
    if limit_ms is None:
        report.add(f"{what}, p95", f"{at(0.95, taken_ms):.0f} ms{remark}")
    else:
        report.at_most(f"{what}, p95", at(0.95, taken_ms), limit_ms, "ms", digits=0, remark=remark)


async def _eight(report: Report, port: int, known: Known, each: int) -> None:
    kinds, action = ["audio", "midi"] * 4, searches_of(known)["a word of titles"]
    async with contextlib.AsyncExitStack() as stack:
        devices = [await stack.enter_async_context(online(kind, port)) for kind in kinds]
        done = await asyncio.gather(
            *(
                search(device, action, each) if kind == "audio" else drums(device, each)
                for kind, device in zip(kinds, devices, strict=True)
            )
        )
    answered = sum(len(taken) for taken in done)
    slowest = max(at(0.95, taken) for taken in done)
    measured = f"{answered} of {8 * each}, slowest device's p95 {slowest:.0f} ms"
    report.add("8 devices at once, requests answered", measured, "all", met=answered == 8 * each)


async def simulate(report: Report, hours: int) -> None:
    """Let a device live for simulated hours with a request every ten minutes and a restart of the servers every two hours."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with open_house(folder) as house, HttpServer(clock=RealClock()) as http:
            strings, lost, sessions = await _live(house, http, folder, hours)
    bound = TOKENS_PER_SESSION * sessions
    report.at_most(
        f"new strings in {hours} simulated hours, {sessions} sessions", len(strings), bound, "strings", digits=0
    )
    report.add("requests lost in them", str(lost), "0", met=lost == 0)


async def _live(house: House, http: HttpServer, folder: Path, hours: int) -> tuple[set[str], int, int]:
    server = OscServer(house.use_cases, http, clock=RealClock(), bulk_folder=str(folder))
    await server.__aenter__()
    port, lost, sessions = server.port, 0, 1
    async with FakeMax("midi", port, manual=True) as device:
        await device.advance(0.001)
        await device.press("generate")
        await device.advance(0.01)
        before = set(await device.tell("symbols"))
        for step in range(hours * 6):
            if step % 12 == 11:
                await server.__aexit__()
                await device.set("seed", step)
                await device.press("generate")
                await device.advance(0.01)
                server = OscServer(house.use_cases, http, clock=RealClock(), port=port, bulk_folder=str(folder))
                await server.__aenter__()
                sessions += 1
            else:
                await device.set("seed", step)
                await device.press("generate")
            await device.advance(1 / 6)
            lost += await device.script("shown.pattern.seed") != step
        strings = set(await device.tell("symbols")) - before
    await server.__aexit__()
    return strings, lost, sessions


def run(quick: bool) -> Report:
    """Measure everything."""
    sizes = Sizes(tracks=50_000, count=12, hours=2, files=20)
    if not quick:
        sizes = Sizes(tracks=50_000, count=60, hours=24, files=120)
    report = Report(title="Live devices")
    with bench_folder() as folder:
        measure(report, folder, sizes)
    asyncio.run(simulate(report, sizes.hours))
    report.notes.append(
        "The devices run in the fake Max under Node; Live itself is not measured. The workers are the daemon's own, one "
        "fewer than there are cores, on files of four minutes, at their own priority."
    )
    return report


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
