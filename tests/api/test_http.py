import asyncio
import time

import aiohttp
import pytest

from cratehand.domain.errors import InvalidInputError
from cratehand.servers.http.server import HttpServer
from cratehand.servers.http.shelf import ShelfLimits
from tests.fakes.clock import HandWoundClock


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as session:
        yield session


async def fetch(client: aiohttp.ClientSession, url: str, **options) -> tuple[int, bytes]:
    async with client.get(url, **options) as answer:
        return answer.status, await answer.read()


@pytest.fixture
async def clock() -> HandWoundClock:
    return HandWoundClock()


@pytest.fixture
async def server(clock: HandWoundClock):
    limits = ShelfLimits(items=3, total_bytes=1_000_000, age_s=30.0, fetches=2)
    async with HttpServer(clock=clock, limits=limits) as opened:
        yield opened


async def test_what_was_offered_is_fetched_a_few_times_only(server: HttpServer, client) -> None:
    token = server.offer(b'{"a":1}')
    async with client.get(f"{server.address}/m4l/{token}") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert await answer.json() == {"a": 1}
    assert (await fetch(client, f"{server.address}/m4l/{token}"))[0] == 200
    assert (await fetch(client, f"{server.address}/m4l/{token}"))[0] == 404


async def test_what_is_too_old_is_gone(server: HttpServer, client, clock: HandWoundClock) -> None:
    token = server.offer(b"x")
    clock.wind(31)
    assert (await fetch(client, f"{server.address}/m4l/{token}"))[0] == 404


async def test_the_oldest_go_where_there_are_too_many_or_too_much(server: HttpServer, client) -> None:
    first, *others = [server.offer(bytes([number])) for number in range(4)]
    assert (await fetch(client, f"{server.address}/m4l/{first}"))[0] == 404
    assert (await fetch(client, f"{server.address}/m4l/{others[0]}"))[0] == 200
    large = server.offer(b"x" * 999_999)
    assert (await fetch(client, f"{server.address}/m4l/{others[1]}"))[0] == 404
    assert len((await fetch(client, f"{server.address}/m4l/{large}"))[1]) == 999_999
    with pytest.raises(InvalidInputError):
        server.offer(b"x" * 1_000_001)


async def test_a_token_used_again_holds_the_newer_thing(server: HttpServer, client) -> None:
    token = server.offer(b"old")
    assert server.offer(b"new", token=token) == token
    assert (await fetch(client, f"{server.address}/m4l/{token}"))[1] == b"new"


@pytest.mark.parametrize("path", ["/", "/m4l/", "/m4l/nonsense", "/m4l/../m4l/x", "/metrics", "/m4l/" + "x" * 5000])
async def test_everything_else_is_not_found(server: HttpServer, client, path: str) -> None:
    server.offer(b"secret")
    status, body = await fetch(client, server.address + path)
    assert status == 404
    assert b"secret" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_other_methods_take_nothing_away(server: HttpServer, client, method: str) -> None:
    token = server.offer(b"x")
    async with client.request(method, f"{server.address}/m4l/{token}") as answer:
        assert answer.status == 405
    assert (await fetch(client, f"{server.address}/m4l/{token}"))[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil", ""]
)
async def test_a_foreign_host_name_is_refused(server: HttpServer, client, host: str) -> None:
    token = server.offer(b"secret")
    headers = {"Host": host.format(port=server.port)}
    status, body = await fetch(client, f"{server.address}/m4l/{token}", headers=headers)
    assert status in {400, 421}
    assert b"secret" not in body


@pytest.mark.parametrize("host", ["localhost:{port}", "127.0.0.1", "[::1]:{port}", "LOCALHOST"])
async def test_our_own_names_are_taken(server: HttpServer, client, host: str) -> None:
    token = server.offer(b"mine")
    headers = {"Host": host.format(port=server.port)}
    assert await fetch(client, f"{server.address}/m4l/{token}", headers=headers) == (200, b"mine")


async def test_a_request_without_a_host_is_refused(server: HttpServer) -> None:
    token = server.offer(b"secret")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET /m4l/{token} HTTP/1.0\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert b" 421 " in answer
    assert b"secret" not in answer


async def test_garbage_and_silence_hold_up_neither_others_nor_the_stop(clock: HandWoundClock, client) -> None:
    async with HttpServer(clock=clock) as server:
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(20)]
        for number, (_, writer) in enumerate(silent):
            writer.write(bytes([number, 255, 10, 13]) * number)
        slow_token = server.offer(b"x" * 20_000_000)
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(f"GET /m4l/{slow_token} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await asyncio.sleep(0.1)
        token = server.offer(b"x")
        assert (await fetch(client, f"{server.address}/m4l/{token}"))[0] == 200
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 2.0
    for _, one in [*silent, (None, writer)]:
        one.close()
