"""Devices on other computers. The socket is never opened here: nothing leaves this computer."""

import asyncio
from pathlib import Path

import pytest

from cratehand.servers.http.server import HttpServer
from cratehand.servers.listening import is_loopback, reachable_address
from cratehand.servers.osc.server import OscServer
from tests.api.clients import datagram
from tests.api.house import TOKEN, open_house

ELSEWHERE = ("192.0.2.7", 4000)


@pytest.mark.parametrize(
    ("token", "capabilities", "sessions"),
    [
        (TOKEN, "", 0),
        (TOKEN, "token=", 0),
        (TOKEN, "token=nonsense", 0),
        (TOKEN, f"colour token={TOKEN}", 1),
        (None, f"token={TOKEN}", 0),
        (None, "token=", 0),
        ("", "token=", 0),
    ],
)
async def test_a_device_on_another_computer_has_to_show_the_token(
    tmp_path: Path, token: str | None, capabilities: str, sessions: int
) -> None:
    async with open_house(tmp_path, tracks=1) as house:
        http = HttpServer(clock=house.clock)
        server = OscServer(house.use_cases, http, clock=house.clock, token=token)
        hello = datagram("/cratehand/hello", 1, "1.0", "far", 4001, "9", "12", capabilities)
        server._endpoint.datagram_received(hello, ELSEWHERE)
        assert server.session_count == sessions
        server._endpoint.datagram_received(datagram("/cratehand/pause", 1, 1), ELSEWHERE)
        await asyncio.sleep(0)
        assert not server._work


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True), ("127.0.0.2", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),
        ("192.0.2.7", False), ("::", False), ("dj.local", False), ("fe80::1%eth0", False), ("", False),
    ],
)  # fmt: skip
def test_loopback_is_this_computer_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "127.0.0.1:9"), ("0.0.0.0", "127.0.0.1:9"), ("::", "[::1]:9"), ("::1", "[::1]:9"),
        ("localhost", "localhost:9"),
    ],
)  # fmt: skip
def test_the_address_for_clients_can_be_reached(host: str, address: str) -> None:
    assert reachable_address(host, 9) == address
