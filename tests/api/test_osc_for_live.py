"""The addresses for Live as any OSC device may use them."""

import json
from pathlib import Path

import aiohttp
import pytest

from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from tests.api.clients import Device
from tests.api.house import House
from tests.api.test_osc import result_of


@pytest.fixture
async def device(osc_server: OscServer):
    async with Device(osc_server.port) as opened:
        yield opened


async def test_a_welcome_says_whose_it_is_to_whom_asks_for_it(
    house: House, http_server: HttpServer, tmp_path: Path
) -> None:
    async with OscServer(house.use_cases, http_server, clock=house.clock, bulk_folder=str(tmp_path)) as server:
        async with Device(server.port, instance="mine") as device:
            assert len(await device.hello()) == 4
            assert (await device.hello(capabilities="audio echo"))[4:] == ["mine", str(tmp_path)]
        async with Device(server.port, instance="other") as device:
            assert (await device.hello(capabilities="echoes")) == [
                1,
                device.session,
                http_server.port,
                "results events",
            ]


async def test_drums_come_as_notes(device: Device, http_server: HttpServer) -> None:
    await device.hello()
    made = await result_of(device, http_server, "/cratehand/drums", 1, "techno", 2, -1.0, 0, 5, 130.0, 4, 4, "", 0)
    assert (made["kind"], made["seed"], made["generator"], made["length_beats"]) == ("drums", 5, "template", 8.0)
    pitch, start_beats, duration_beats, velocity = made["items"][0]
    assert (pitch, start_beats) == (36, 0.0)
    assert 0 < duration_beats < 1
    assert 0 < velocity < 128


async def test_the_notes_of_a_clip_arrive_in_any_order_of_parts(
    house: House, device: Device, http_server: HttpServer
) -> None:
    await device.hello()

    def packed(beat: float, pitch: int, velocity: int) -> int:
        return round(beat * 480) * 16_384 + pitch * 128 + velocity

    assert (await device.ask("/cratehand/clip", 1, 9, 1, 2, packed(4.0, 38, 90)))[0] == "/cratehand/ack"
    assert (await device.ask("/cratehand/clip", 2, 9, 0, 2, packed(0.0, 36, 127)))[0] == "/cratehand/ack"
    await result_of(device, http_server, "/cratehand/drums", 3, "", 2, -1.0, 0.0, 1, 100.0, 4, 4, "humanise", 9)
    given = house.use_cases.drums._model.asked[-1].given
    assert [(hit.step, hit.voice, hit.velocity) for hit in given.hits] == [(0, "kick", 127), (16, "snare", 90)]


@pytest.mark.parametrize(
    ("path", "values", "code"),
    [
        ("/cratehand/drums", ("polka!", 4, -1.0, 0, 1, 120.0, 4, 4, "", 0), "invalid_input"),
        ("/cratehand/drums", ("house", 999, -1.0, 0, 1, 120.0, 4, 4, "", 0), "invalid_input"),
        ("/cratehand/drums", ("house", 4, -1.0, 90, 1, 120.0, 4, 4, "", 0), "invalid_input"),
        ("/cratehand/drums", ("", 4, -1.0, 0, 1, 120.0, 4, 4, "vary", 3), "not_found"),
        ("/cratehand/drums", ("", 4, -1.0, 0, 1, 120.0, 4, 4, "explode", 3), "invalid_input"),
        ("/cratehand/clip", (1, 3, 2), "invalid_input"),
        ("/cratehand/clip", (1, 0, 1, "note"), "invalid_input"),
        ("/cratehand/clip", (1, 0, 1, *range(201)), "invalid_input"),
        ("/cratehand/find", ("x", 0.0, 0.0, "H", 0, 1), "invalid_input"),
        ("/cratehand/matching", (0.0, ""), "invalid_input"),
        ("/cratehand/play", (77, 120.0), "not_found"),
        ("/cratehand/stems", ("abc0000000000000",), "not_found"),
    ],
)
async def test_what_can_not_be_done_gets_one_err(device: Device, path: str, values: tuple, code: str) -> None:
    await device.hello()
    answer, (_, request, told, text) = await device.ask_in_vain(path, 3, *values)
    assert (answer, request, told) == ("/cratehand/err", 3, code)
    assert text


async def test_results_are_ascii_so_that_pieces_never_cut_a_letter(device: Device, http_server: HttpServer) -> None:
    await device.hello()
    await device.ask("/cratehand/find", 1, "title", 0.0, 0.0, "", 0, 1)
    _, (_, _, token, _) = await device.hear()
    async with aiohttp.ClientSession() as client, client.get(f"{http_server.address}/m4l/{token}") as fetched:
        body = await fetched.read()
    assert body.isascii()
    assert {item["artist"] for item in json.loads(body)["items"]} == {"日本 Ärtist"}
