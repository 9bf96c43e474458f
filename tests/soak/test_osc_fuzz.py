"""Ten thousand datagrams of junk: the server lives, answers, and holds on to nothing."""

import asyncio
from pathlib import Path

import psutil
import pytest

from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from tests.api.clients import Device
from tests.api.house import open_house
from tests.api.osc_junk import junk


@pytest.mark.soak
async def test_ten_thousand_datagrams_of_junk_change_nothing(tmp_path: Path) -> None:
    async with (
        open_house(tmp_path) as house,
        HttpServer(clock=house.clock) as http,
        OscServer(house.use_cases, http, clock=house.clock) as server,
        Device(server.port) as device,
    ):
        await device.hello()
        own = psutil.Process()
        files, grown_bytes = own.num_fds(), own.memory_info().rss
        for number, piece in enumerate(junk(seed=2, count=10_000)):
            device.send_raw(piece)
            if number % 10 == 0:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.5)
        while not device.heard.empty():
            path, _ = device.heard.get_nowait()
            assert path in {"/cratehand/err", "/cratehand/pong", "/cratehand/ack"}
        assert server.malformed > 7_000
        assert server.session_count <= 64
        assert own.num_fds() <= files + 2
        assert own.memory_info().rss - grown_bytes < 50_000_000
        await device.hello()
        assert (await device.ask("/cratehand/resume", 1))[0] == "/cratehand/ack"
