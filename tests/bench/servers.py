"""How quickly gRPC and OSC answer, idle and while lowest-priority work burns every core.

Run as ``python -m tests.bench.servers [--record] [--quick]``. The servers run in a process
of their own over a real catalogue; clients and hogs run in others.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from cratehand.servers.grpc.server import GrpcServer
from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from cratehand_api.v1 import library_pb2, library_pb2_grpc
from tests.api.clients import SHOWN, Device, channel
from tests.api.house import TOKEN, open_house
from tests.bench.report import Report, command

TARGET_P99_MS: Final = 5.0
RATE_HZ: Final = 500
_WARM_UP: Final = 100


class RealClock:
    """Implements the port `Clock`."""

    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Latencies of one kind of call in one situation."""

    what: str
    load: str
    calls: int
    lost: int
    sorted_ms: list[float]

    def at(self, quantile: float) -> float:
        """Return a quantile of the latencies, in ms."""
        return self.sorted_ms[min(int(quantile * len(self.sorted_ms)), len(self.sorted_ms) - 1)]

    @property
    def is_met(self) -> bool:
        """Whether p99 is within the target and nothing got lost."""
        return self.at(0.99) <= TARGET_P99_MS and self.lost == 0

    def cells(self) -> list[str]:
        """Return the row as text."""
        figures = [f"{self.at(quantile):.2f}" for quantile in (0.5, 0.99, 1.0)]
        return [self.what, self.load, str(self.calls), *figures, str(self.lost), "yes" if self.is_met else "NO"]


HEAD: Final = ["call", "load", "calls", "p50 ms", "p99 ms", "max ms", "lost", f"p99 <= {TARGET_P99_MS:g} ms, none lost"]


async def serve(folder: Path, tracks: int) -> None:
    """Run the servers until stdin ends; one line of JSON says where they are."""
    async with (
        open_house(folder, tracks=tracks) as house,
        HttpServer(clock=RealClock()) as http,
        OscServer(house.use_cases, http, clock=RealClock()) as osc,
        GrpcServer(house.use_cases, token=TOKEN) as grpc_server,
    ):
        print(json.dumps({"grpc": grpc_server.address, "osc": osc.port, "ids": list(house.track_ids)}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def get_tracks(address: str, ids: list[str], seconds: float, load: str) -> Row:
    """Call GetTrack one after the other, about 200 times a second."""
    latencies_ms = []
    async with channel(address) as open_channel:
        library = library_pb2_grpc.LibraryStub(open_channel)
        for number in range(int(seconds * 200) + _WARM_UP):
            began_s = time.perf_counter()
            await library.GetTrack(library_pb2.GetTrackRequest(track=ids[number * 7 % len(ids)]), metadata=SHOWN)
            latencies_ms.append((time.perf_counter() - began_s) * 1e3)
            await asyncio.sleep(0.005)
    measured = sorted(latencies_ms[_WARM_UP:])
    return Row(what="gRPC GetTrack", load=load, calls=len(measured), lost=0, sorted_ms=measured)


class TimedDevice(Device):
    """A device that notes when each pong came."""

    def __init__(self, server_port: int) -> None:
        super().__init__(server_port)
        self.came_s: dict[int, float] = {}

    def datagram_received(self, data: bytes, addr: object) -> None:
        # The number is the last four bytes of a pong; decoding here would be measured, too.
        if data.startswith(b"/cratehand/pong"):
            self.came_s[int.from_bytes(data[-4:], "big")] = time.perf_counter()
        else:
            super().datagram_received(data, addr)


async def pings(port: int, *, rate_hz: float, seconds: float, what: str, load: str) -> Row:
    """Send pings at a steady rate and wait for every pong."""
    async with TimedDevice(port) as device:
        await device.hello()
        total = int(rate_hz * seconds)
        went_s: dict[int, float] = {}
        began_s = time.perf_counter()
        for number in range(total):
            wait_s = began_s + number / rate_hz - time.perf_counter()
            # After a late wake-up the missed ones follow at once: the mean rate holds.
            await asyncio.sleep(max(wait_s, 0.0))
            went_s[number] = time.perf_counter()
            device.send("/cratehand/ping", number, device.session)
        await asyncio.sleep(1.0)
        latencies_ms = sorted((device.came_s[number] - went_s[number]) * 1e3 for number in device.came_s)
    lost = total - len(latencies_ms)
    return Row(what=what, load=load, calls=total, lost=lost, sorted_ms=latencies_ms)


def burn() -> None:
    """Keep a core busy at the lowest priority, until killed."""
    psutil.Process().nice(19 if os.name == "posix" else psutil.IDLE_PRIORITY_CLASS)
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    number = 1
    while True:
        number = number * 1_103_515_245 % 2**61


@contextlib.contextmanager
def hogs(count: int) -> Iterator[None]:
    """Burn `count` cores for the length of the block."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=burn, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        time.sleep(1.0)
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def measure(place: dict[str, object], seconds: float, load: str) -> list[Row]:
    """Measure all three in one situation."""
    grpc_address, port, ids = str(place["grpc"]), int(str(place["osc"])), list(place["ids"])  # type: ignore[call-overload]  # JSON
    return [
        asyncio.run(get_tracks(grpc_address, ids, seconds, load)),
        asyncio.run(pings(port, rate_hz=50, seconds=seconds, what="OSC ping, 50 a second", load=load)),
        asyncio.run(pings(port, rate_hz=RATE_HZ, seconds=seconds, what=f"OSC ping, {RATE_HZ} a second", load=load)),
    ]


def measure_both(seconds: float, tracks: int) -> list[Row]:
    """Start the servers, measure idle and under load, stop them."""
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.bench.servers", "--serve", folder, "--tracks", str(tracks)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as servers:
            assert servers.stdin is not None
            assert servers.stdout is not None
            place = json.loads(servers.stdout.readline())
            rows = measure(place, seconds, "none")
            with hogs(cores):
                rows += measure(place, seconds, f"{cores} hogs, SCHED_IDLE or nice 19")
            servers.stdin.close()
            servers.wait(10)
    return rows


def run(quick: bool) -> Report:
    """Measure idle and under load."""
    seconds = 3.0 if quick else 10.0
    rows = measure_both(seconds, 2_000)
    return Report(
        title="Servers: latency and loss",
        head=HEAD,
        rows=[row.cells() for row in rows],
        notes=[f"2,000 tracks, {seconds:g} s each."],
        missed=[f"{row.what} under load {row.load}" for row in rows if not row.is_met],
    )


def main() -> int:
    """Be the command line, or the process that serves."""
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
