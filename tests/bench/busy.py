"""How quickly the whole daemon answers while all its workers analyse: ``python -m tests.bench.busy [--record]``.

A real daemon over a catalogue of 50,000 tracks of Rekordbox reads real files; the clients are processes of their own.
The same clients then ask a bare echo server while the daemon goes on analysing: that is what clients, sockets and
scheduling cost by themselves, so what is above it is the daemon's.
"""

import asyncio
import itertools
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import imageio_ffmpeg
import numpy as np
import soundfile
from rich.console import Console

from cratehand_api.v1 import library_pb2
from tests.bench.crate import TimedDaemon, Usage, bench_folder, copy_collection
from tests.bench.rekordbox_collection import BENCH_DATA
from tests.bench.report import Report, command
from tests.bench.servers import Row, TimedDevice
from tests.music import groove

FILES: Final = 240
FILE_S: Final = 240.0
LIMIT_MS: Final = 5.0
HEAD: Final = ("call", "workers", "calls", "p50 ms", "p99 ms", "max ms", "lost", "echo p99 ms", "wanted", "met")
_PLACE: Final = "/bench.Echo/Say"


def run(quick: bool) -> Report | None:
    """Measure with the usual number of workers, one fewer than there are cores."""
    seconds = 5.0 if quick else 60.0
    cores = os.cpu_count() or 1
    report = Report(title="Answers while all workers analyse", head=HEAD)
    with bench_folder() as folder:
        database = copy_collection(folder, tracks=5_000 if quick else 50_000)
        if database is None:
            return None
        music = make_music(folder / "music")
        _measure(report, folder / "data", database, music, workers=max(1, cores - 1), seconds=seconds)
    return report


def _measure(report: Report, data_dir: Path, database: Path, music: Path, *, workers: int, seconds: float) -> None:
    with TimedDaemon(
        data_dir, "--rekordbox", str(database), "--watch", str(music), analysis__workers=str(workers)
    ) as daemon:
        daemon.log_line("collection:", "added")
        daemon.wait_for(lambda: daemon.status().jobs.get("running", 0) >= workers, what="analyses", timeout_s=120)
        ids = _some_ids(daemon)
        before = Usage.of(daemon)
        address, token, port = daemon.ready["grpc"], daemon.token, daemon.osc_port
        found = [
            in_process(ask_tracks, address, token, ids, seconds),
            in_process(ask_pings, port, 50.0, seconds),
            in_process(ask_pings, port, 500.0, seconds),
        ]
        now = Usage.of(daemon)
        with echo_server() as (echo_address, echo_port):
            floor = [
                in_process(ask_echo, echo_address, seconds / 4),
                in_process(ask_pings, echo_port, 50.0, seconds / 4),
                in_process(ask_pings, echo_port, 500.0, seconds / 4),
            ]
        running, done = daemon.status().jobs.get("running", 0), daemon.status().jobs.get("done", 0)
    for row, bare in zip(found, floor, strict=True):
        _add(report, row, bare, workers=workers)
    report.notes.append(
        f"{workers} workers: {running} analyses still ran at the end, {done} tracks were done meanwhile; the main "
        f"process used {(now.main_cpu_s - before.main_cpu_s) / (now.at_s - before.at_s):.0%} of a core."
    )
    assert running >= min(workers, 1), "the analyses ended before the measurement did"


def _add(report: Report, row: Row, bare: Row, *, workers: int) -> None:
    met = row.at(0.99) <= LIMIT_MS and row.lost == 0
    figures = [f"{row.at(quantile):.2f}" for quantile in (0.5, 0.99, 1.0)]
    wanted = f"p99 <= {LIMIT_MS:g} ms, none lost"
    report.rows.append(
        (row.what, str(workers), str(row.calls), *figures, str(row.lost), f"{bare.at(0.99):.2f}", wanted,
         "yes" if met else "NO")
    )  # fmt: skip
    if not met:
        report.missed.append(f"{row.what} with {workers} workers")


def make_music(folder: Path, *, files: int = FILES) -> Path:
    """Make files that take long enough to analyse; the copies differ in their tags only, and so are tracks each."""
    folder.mkdir()
    source = folder.parent / "source.wav"
    found = sorted((BENCH_DATA / "audio").glob("*.flac"))
    if found:
        sound, rate_hz = soundfile.read(found[0], dtype="float32", always_2d=True)
    else:
        sound, rate_hz = groove(tempo_bpm=124.0, bars=16).samples.T, 44_100
    frames = round(FILE_S * rate_hz)
    soundfile.write(source, np.tile(sound, (frames // len(sound) + 1, 1))[:frames], rate_hz)
    first = folder / "000.mp3"
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    subprocess.run(
        [ffmpeg, "-y", "-v", "error", "-i", str(source), "-c:a", "libmp3lame", "-b:a", "192k", str(first)], check=True
    )
    for number in range(1, files):
        shutil.copyfile(first, folder / f"{number:03}.mp3")
    source.unlink()
    return folder


def _some_ids(daemon: TimedDaemon) -> list[str]:
    page = daemon.library.ListTracks(library_pb2.ListTracksRequest(page_size=1000), timeout=30)
    return [track.id for track in page.tracks]


# --- clients, each in a process of its own --------------------------------------------------------------------------


def in_process(ask: Callable[..., Row], *arguments: Any) -> Row:
    """Run a client in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(ask, *arguments).result()


def ask_tracks(address: str, token: str, ids: list[str], seconds: float) -> Row:
    """Call GetTrack about 200 times a second, one after the other."""
    requests = (library_pb2.GetTrackRequest(track=track).SerializeToString() for track in itertools.cycle(ids))
    method = "/cratehand_api.v1.Library/GetTrack"
    return _call("gRPC GetTrack", address, method, requests, [("authorization", f"Bearer {token}")], seconds)


def ask_echo(address: str, seconds: float) -> Row:
    """The same calls to the echo server."""
    return _call("gRPC echo", address, _PLACE, itertools.repeat(bytes(1000)), [], seconds)


def _call(
    what: str, address: str, method: str, requests: Iterator[bytes], metadata: list[tuple[str, str]], seconds: float
) -> Row:
    latencies_ms = []
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        call = channel.unary_unary(method)
        for number in range(int(seconds * 200) + 100):
            request = next(requests)
            began_s = time.perf_counter()
            call(request, metadata=metadata, timeout=30)
            # The first hundred open the connection and warm the caches.
            if number >= 100:
                latencies_ms.append((time.perf_counter() - began_s) * 1e3)
            time.sleep(0.005)
    return Row(what=what, load="", calls=len(latencies_ms), lost=0, sorted_ms=sorted(latencies_ms))


def ask_pings(port: int, rate_hz: float, seconds: float) -> Row:
    """Send OSC pings at a steady rate and wait for every pong."""
    return asyncio.run(_pings(port, rate_hz, seconds))


async def _pings(port: int, rate_hz: float, seconds: float) -> Row:
    async with TimedDevice(port) as device:
        await device.hello()
        total, went_s = int(rate_hz * seconds), {}
        began_s = time.perf_counter()
        for number in range(total):
            # After a late wake-up the missed ones follow at once: the mean rate holds.
            await asyncio.sleep(max(began_s + number / rate_hz - time.perf_counter(), 0.0))
            went_s[number] = time.perf_counter()
            device.send("/cratehand/ping", number, device.session)
        await asyncio.sleep(1.0)
        latencies_ms = sorted((device.came_s[number] - went_s[number]) * 1e3 for number in device.came_s)
    what = f"OSC ping, {rate_hz:g} a second"
    return Row(what=what, load="", calls=total, lost=total - len(latencies_ms), sorted_ms=latencies_ms)


# --- a server that does nothing -------------------------------------------------------------------------------------


@contextmanager
def echo_server() -> Iterator[tuple[str, int]]:
    """Serve both protocols in a process of its own; yield the gRPC address and the OSC port."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_echo, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()


def _echo(place: Any) -> None:
    asyncio.run(_serve_echo(place))


async def _serve_echo(place: Any) -> None:
    async def say(request: bytes, _: Any) -> bytes:
        return request

    handler = grpc.method_handlers_generic_handler("bench.Echo", {"Say": grpc.unary_unary_rpc_method_handler(say)})
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(_Pong, local_addr=("127.0.0.1", 0))
    place.send((f"127.0.0.1:{port}", transport.get_extra_info("sockname")[1]))
    await asyncio.Event().wait()


class _Pong(asyncio.DatagramProtocol):
    """Answers hello and ping as the daemon does, and nothing else."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if data.startswith(b"/cratehand/hello"):
            self._transport.sendto(b"/cratehand/welcome\0\0,iiis\0\0\0" + bytes(11) + b"\x01" + bytes(8), addr)
        else:
            # A ping holds its number and the session, a pong its number.
            self._transport.sendto(b"/cratehand/pong\0,i\0\0" + data[-8:-4], addr)


if __name__ == "__main__":
    Console().print("This takes some minutes.")
    sys.exit(command(run, __doc__))
