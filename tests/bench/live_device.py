"""How quickly the shipped Live devices get what they ask, and what they leave in Max: ``python -m tests.bench.live_device``.

The built devices run in the fake Max against servers in a process of their own, over real UDP and HTTP.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from cratehand_models.drums import DrumModel
from tests.api.clients import Device
from tests.api.house import House, open_house
from tests.bench.report import Report, command
from tests.bench.servers import RealClock, hogs
from tests.max.fake_max import FakeMax

ACK_MS: Final = 5.0
DRUMS_MS: Final = 250.0
SEARCH_MS: Final = 150.0
TOKENS_PER_SESSION: Final = 16


async def serve(folder: Path, tracks: int) -> None:
    """Run the servers until stdin ends."""
    async with (
        open_house(folder, tracks=tracks, drum_model=DrumModel()) as house,
        HttpServer(clock=RealClock()) as http,
        OscServer(house.use_cases, http, clock=RealClock(), bulk_folder=str(folder)) as osc,
    ):
        print(json.dumps({"osc": osc.port}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def acks(port: int, count: int) -> list[float]:
    """Ask one after the other, 200 a second; return the sorted times to the ack in ms."""
    taken_ms = []
    async with Device(port) as device:
        await device.hello()
        for request in range(count):
            began_s = time.perf_counter()
            await device.ask("/cratehand/subscribe", request, "job")
            taken_ms.append((time.perf_counter() - began_s) * 1e3)
            await asyncio.sleep(0.005)
    return sorted(taken_ms[20:])


async def timed(device: FakeMax, ends_in: str, action: str, count: int) -> list[float]:
    """Do `action` in the script `count` times; return the sorted ms until `ends_in` was carried out."""
    await device.script(
        f"var bench = {{began: 0, took: -1}}, bench_kept = {ends_in}; "
        f"{ends_in} = function () {{ bench_kept.apply(this, arguments); bench.took = now_ms() - bench.began; }}; 0"
    )
    taken_ms = []
    for number in range(count):
        await device.script(f"bench.took = -1; params.seed = {number}; bench.began = now_ms(); {action}; 0")
        await device.until("bench.took >= 0")
        taken_ms.append(float(await device.script("bench.took")))
    return sorted(taken_ms)


async def drums(device: FakeMax, count: int) -> list[float]:
    await device.script("params.style = STYLES.indexOf('rock'); params.bars = 2; 0")
    return (await timed(device, "write", "generate(false, '')", count + 1))[:count]


async def searches(device: FakeMax, count: int) -> list[float]:
    await device.script("shown.words = 'title 1'; 0")
    return await timed(device, "show_results", "find_words()", count)


@contextlib.asynccontextmanager
async def online(name: str, port: int) -> AsyncIterator[FakeMax]:
    async with FakeMax(name, port) as device:
        await device.online()
        yield device


def at(quantile: float, taken_ms: list[float]) -> float:
    return taken_ms[min(int(quantile * len(taken_ms)), len(taken_ms) - 1)]


async def measure(report: Report, port: int, *, count: int, tracks: int) -> None:
    """Measure acks, drums, searches, and eight devices at once."""
    cores = os.cpu_count() or 1
    with hogs(cores):
        taken = await acks(port, count * 20)
    report.at_most(
        f"request to ack under {cores} hogs, p99", at(0.99, taken), ACK_MS, "ms", remark=f", p50 {at(0.5, taken):.2f}"
    )
    async with online("midi", port) as device:
        taken = await drums(device, count)
        report.at_most(
            "4 bars of drums asked to notes in the clip, p95",
            at(0.95, taken),
            DRUMS_MS,
            "ms",
            remark=f", p50 {at(0.5, taken):.0f}",
        )
    async with online("audio", port) as device:
        taken = await searches(device, count)
        report.at_most(
            f"search to results, {tracks} tracks, p95",
            at(0.95, taken),
            SEARCH_MS,
            "ms",
            remark=f", p50 {at(0.5, taken):.0f}",
        )
    async with contextlib.AsyncExitStack() as stack:
        kinds = ["audio", "midi"] * 4
        devices = [await stack.enter_async_context(online(kind, port)) for kind in kinds]
        each = max(count // 4, 3)
        done = await asyncio.gather(
            *(
                searches(device, each) if kind == "audio" else drums(device, each)
                for kind, device in zip(kinds, devices, strict=True)
            )
        )
    answered = sum(len(taken) for taken in done)
    report.add("8 devices at once, requests answered", f"{answered} of {8 * each}", "all", met=answered == 8 * each)


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
    tracks, count, hours = (2_000, 12, 2) if quick else (50_000, 60, 24)
    report = Report(title="Live devices")
    with tempfile.TemporaryDirectory() as folder:
        serving = [sys.executable, "-m", "tests.bench.live_device", "--serve", folder, "--tracks", str(tracks)]
        with subprocess.Popen(serving, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers:
            assert servers.stdin is not None
            assert servers.stdout is not None
            port = json.loads(servers.stdout.readline())["osc"]
            asyncio.run(measure(report, port, count=count, tracks=tracks))
            servers.stdin.close()
            servers.wait(30)
    asyncio.run(simulate(report, hours))
    report.notes.append("The devices run in the fake Max under Node; Live itself is not measured.")
    return report


def main() -> int:
    """Be the command line, or the process that serves; ``--record`` keeps the table."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--serve", type=Path)
    parser.add_argument("--tracks", type=int, default=2_000)
    chosen, _ = parser.parse_known_args()
    if chosen.serve is None:
        return command(run, __doc__)
    asyncio.run(serve(chosen.serve, chosen.tracks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
