"""OSC programs that are not ours, where they are installed: Pure Data and the tools of liblo."""

import asyncio
import contextlib
import shutil
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cratehand.servers.osc.server import OscServer
from tests.api.clients import Device

# Says hello, asks for tracks with the session it is told, and prints all it hears.
PATCH = """#N canvas 0 0 700 500 12;
#X obj 20 20 loadbang;
#X obj 20 50 t b b;
#X msg 200 80 connect 127.0.0.1 {server};
#X msg 20 80 1 pd pd-1 {port} none none none;
#X obj 20 110 oscformat cratehand hello;
#X obj 20 300 list prepend send;
#X obj 20 330 list trim;
#X obj 20 360 netsend -u -b;
#X obj 300 110 netreceive -u -b {port};
#X obj 300 140 oscparse;
#X obj 300 170 list trim;
#X obj 300 200 route cratehand;
#X obj 420 230 print heard;
#X obj 300 230 route welcome;
#X obj 300 260 unpack f f;
#X msg 300 290 \\$1 1 title 5;
#X obj 300 320 oscformat cratehand search;
#X connect 0 0 1 0;
#X connect 1 0 3 0;
#X connect 1 1 2 0;
#X connect 2 0 7 0;
#X connect 3 0 4 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 11 0 12 0;
#X connect 11 0 13 0;
#X connect 13 0 14 0;
#X connect 14 1 15 0;
#X connect 15 0 16 0;
#X connect 16 0 5 0;
"""


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def running(*command: str | Path) -> AsyncIterator[asyncio.StreamReader]:
    """Run a program and yield what it writes, on either stream."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        process.kill()
        await process.wait()


async def line_with(stream: asyncio.StreamReader, words: str, *, within_s: float = 20.0) -> str:
    seen: list[str] = []
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        try:
            line = await asyncio.wait_for(stream.readline(), end_s - time.monotonic())
        except TimeoutError:
            break
        if words in line.decode():
            return line.decode()
        if not line:
            break
        seen.append(line.decode())
    raise AssertionError(f"no line with {words!r} in {seen}")


@pytest.mark.skipif(shutil.which("pd") is None, reason="Pure Data is not installed")
async def test_pure_data_says_hello_and_finds_tracks(osc_server: OscServer, tmp_path: Path) -> None:
    patch = tmp_path / "peer.pd"
    patch.write_text(PATCH.format(server=osc_server.port, port=free_port()), encoding="ascii")
    async with running("pd", "-nogui", "-noaudio", "-nomidi", "-stderr", "-open", patch) as said:
        welcome = (await line_with(said, "heard: welcome")).split()
        # protocol, session, port for bulk, capabilities
        assert (welcome[2], welcome[3]) == ("1", "101")
        await line_with(said, "heard: ack 101 1")
        result = (await line_with(said, "heard: result")).split()
        # session, request, token, count
        assert (result[2], result[3], result[-1]) == ("101", "1", "3")
    assert osc_server.session_count == 1
    assert osc_server.malformed == 0


@pytest.mark.skipif(shutil.which("oscdump") is None, reason="liblo-tools are not installed")
async def test_liblo_sends_and_hears(osc_server: OscServer) -> None:
    port = free_port()
    async with running("oscdump", "-L", str(port)) as said:
        hello = ["/cratehand/hello", "ississs", "1", "1.0", "liblo", str(port), "-", "-", ""]
        for _ in range(20):
            # oscdump does not say when it listens.
            sender = await asyncio.create_subprocess_exec("oscsend", "127.0.0.1", str(osc_server.port), *hello)
            assert await sender.wait() == 0
            with contextlib.suppress(AssertionError):
                welcome = await line_with(said, "/cratehand/welcome", within_s=1.0)
                break
        assert "/cratehand/welcome iiis 1 10" in welcome


@pytest.mark.skipif(shutil.which("oscsend") is None, reason="liblo-tools are not installed")
async def test_types_of_liblo_that_we_do_not_read_are_dropped_and_the_next_message_is_served(
    osc_server: OscServer,
) -> None:
    async with Device(osc_server.port) as device:
        await device.hello()
        # A double where an integer belongs.
        await _oscsend(osc_server, "/cratehand/search", "ids", str(device.session), "1.5", "title")
        await _oscsend(osc_server, "/cratehand/search", "iis", str(device.session), "2", "title")
        assert await device.hear() == ("/cratehand/ack", [device.session, 2])
    assert osc_server.malformed == 1


async def _oscsend(server: OscServer, *words: str) -> None:
    sender = await asyncio.create_subprocess_exec("oscsend", "127.0.0.1", str(server.port), *words)
    assert await sender.wait() == 0
