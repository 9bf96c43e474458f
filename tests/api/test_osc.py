import asyncio
import json
import logging
import random
import socket

import aiohttp
import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder

from cratehand.domain.events import CollectionSynced, JobProgressed, QuietChanged, TrackAdded, TrackChanged
from cratehand.domain.ids import TrackId
from cratehand.domain.job import Job, JobKind, JobState, Priority
from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from tests.api.clients import Device, datagram
from tests.api.house import House
from tests.api.osc_junk import junk


@pytest.fixture
async def device(osc_server: OscServer):
    async with Device(osc_server.port) as opened:
        yield opened


async def result_of(device: Device, http: HttpServer, path: str, request: int, *values) -> dict:
    """Ask, hear ack and result, fetch."""
    answer = await device.ask(path, request, *values)
    assert answer == ("/cratehand/ack", [device.session, request])
    address, (session, answered, token, count) = await device.hear()
    assert (address, session, answered) == ("/cratehand/result", device.session, request)
    async with aiohttp.ClientSession() as client, client.get(f"{http.address}/m4l/{token}") as fetched:
        assert fetched.status == 200
        found = json.loads(await fetched.read())
    assert (found["session"], found["request"]) == (session, request)
    assert len(found.get("items", [None])) == count
    return found


async def test_ping_is_answered_before_a_hello(device: Device) -> None:
    device.send("/cratehand/ping", 7)
    assert await device.hear() == ("/cratehand/pong", [7])


async def test_a_hello_gives_a_session_and_the_port_for_bulk(device: Device, http_server: HttpServer) -> None:
    protocol, session, http_port, capabilities = await device.hello()
    assert (protocol, session, http_port) == (1, 101, http_server.port)
    assert "results" in capabilities


async def test_answers_go_to_the_reply_port_of_the_session(osc_server: OscServer, device: Device) -> None:
    async with Device(osc_server.port, instance="other") as listener:
        device.send("/cratehand/hello", 1, "1.0", "device-1", listener.port, "9", "12", "")
        _, (_, session, *_) = await listener.hear()
        device.send("/cratehand/ping", 1)
        assert await listener.hear() == ("/cratehand/pong", [1])
        device.send("/cratehand/ping", 2, session)
        assert await listener.hear() == ("/cratehand/pong", [2])
        device.send("/cratehand/pause", session, 1)
        assert await listener.hear() == ("/cratehand/ack", [session, 1])
    assert await device.hears_nothing()


async def test_the_same_instance_again_ends_its_earlier_session(device: Device) -> None:
    await device.hello()
    earlier = device.session
    await device.hello()
    assert device.session != earlier
    device.send("/cratehand/pause", earlier, 1)
    assert await device.hear() == ("/cratehand/err", [earlier, 1, "unknown_session", "say hello again"])
    assert (await device.ask("/cratehand/pause", 1))[0] == "/cratehand/ack"


async def test_several_devices_live_beside_each_other(osc_server: OscServer, device: Device) -> None:
    async with Device(osc_server.port, instance="device-2") as second:
        await device.hello()
        await second.hello()
        assert device.session != second.session
        for request in range(3):
            assert await device.ask("/cratehand/pause", request) == ("/cratehand/ack", [device.session, request])
            assert await second.ask("/cratehand/resume", request) == ("/cratehand/ack", [second.session, request])
        assert osc_server.session_count == 2


async def test_a_silent_session_is_over_and_the_device_is_told_at_its_reply_port(
    house: House, osc_server: OscServer, device: Device
) -> None:
    await device.hello()
    house.clock.wind(50)
    device.send("/cratehand/ping", 1)
    await device.hear()
    house.clock.wind(50)
    assert (await device.ask("/cratehand/pause", 1))[0] == "/cratehand/ack"
    house.clock.wind(61)
    sender = socket.socket(type=socket.SOCK_DGRAM)
    sender.sendto(datagram("/cratehand/pause", device.session, 2), ("127.0.0.1", osc_server.port))
    sender.close()
    assert (await device.hear())[1][2] == "unknown_session"
    assert osc_server.session_count == 0


async def test_a_bye_ends_the_session(osc_server: OscServer, device: Device) -> None:
    await device.hello()
    assert (await device.ask("/cratehand/bye", 1))[0] == "/cratehand/ack"
    assert osc_server.session_count == 0


@pytest.mark.parametrize(("protocol", "side"), [(2, "update cratehand"), (0, "update the Live device")])
async def test_another_version_is_told_which_side_to_update(device: Device, protocol: int, side: str) -> None:
    device.send("/cratehand/hello", protocol, "9", "device-1", device.port)
    path, (session, request, code, text) = await device.hear()
    assert (path, session, request, code) == ("/cratehand/err", 0, 0, "unsupported")
    assert side in text


@pytest.mark.parametrize(
    "values",
    [
        (),
        ("one",),
        (1, "1.0", "device-1"),
        (1, "1.0", "", "PORT", "9", "12", ""),
        (1, "1.0", "x" * 65, "PORT", "9", "12", ""),
        (1, "1.0", "device-1", 0, "9", "12", ""),
        (1, "1.0", "device-1", 70_000, "9", "12", ""),
        (1, "1.0", "device-1", -1, "9", "12", ""),
        (1, "1.0", "device-1", "PORT", "9", "12", "", "more"),
    ],
)
async def test_a_hello_that_is_none_is_refused(osc_server: OscServer, device: Device, values: tuple) -> None:
    device.send("/cratehand/hello", *[device.port if value == "PORT" else value for value in values])
    path, (_, _, code, _) = await device.hear()
    assert (path, code) == ("/cratehand/err", "invalid_input")
    assert osc_server.session_count == 0


async def test_a_reply_port_that_is_our_own_makes_no_loop(osc_server: OscServer, device: Device) -> None:
    device.send("/cratehand/hello", 1, "1.0", "device-1", osc_server.port, "9", "12", "")
    for path in ("welcome", "ack", "err", "pong", "result", "event/jobs"):
        device.send(f"/cratehand/{path}", 1, 1, 1, 1)
    assert await device.hears_nothing()
    assert osc_server.malformed == 0
    device.send("/cratehand/ping", 1)
    assert await device.hear() == ("/cratehand/pong", [1])


async def test_search_similar_track_and_status_are_fetched(
    house: House, device: Device, http_server: HttpServer
) -> None:
    await device.hello()
    found = await result_of(device, http_server, "/cratehand/search", 1, "title", 2)
    assert {item["title"] for item in found["items"]} <= {"Title 0", "Title 1", "Title 2"}
    assert len(found["items"]) == 2
    near = await result_of(device, http_server, "/cratehand/similar", 2, house.track_ids[0])
    assert [(item["id"], item["ranking"]) for item in near["items"]] == [(house.track_ids[1], "dsp")]
    track = await result_of(device, http_server, "/cratehand/track", 3, str(house.folder / "track 0.flac"))
    assert track["track"]["tempo_bpm"] == 120.0
    assert track["believed"]["key"] == "A minor"
    assert track["cues"][0]["label"] == "Übergang"
    status = await result_of(device, http_server, "/cratehand/status", 4)
    assert status["tracks"]["total"] == 3


async def test_a_word_of_digits_is_a_text_and_a_whole_float_an_int(
    house: House, device: Device, http_server: HttpServer
) -> None:
    await device.hello()
    device.send("/cratehand/search", float(device.session), 1.0, 1, 5.0)
    assert await device.hear() == ("/cratehand/ack", [device.session, 1])
    assert (await device.hear())[0] == "/cratehand/result"


async def test_a_repeated_request_gets_the_same_answers_and_is_done_once(house: House, device: Device) -> None:
    await device.hello()
    for _ in range(3):
        device.send("/cratehand/search", device.session, 5, "title")
    first = [await device.hear(), await device.hear()]
    device.send("/cratehand/search", device.session, 5, "something else altogether")
    assert [await device.hear(), await device.hear()] == first
    assert await device.hears_nothing()
    for _ in range(4):
        assert (await device.ask("/cratehand/analyse", 6, house.track_ids[0]))[0] == "/cratehand/ack"
    assert house.use_cases.jobs.counts()[JobState.QUEUED] == 1
    error = await device.ask("/cratehand/track", 7, "no such track")
    assert await device.ask("/cratehand/track", 7, "no such track") == error


async def test_requests_in_any_order_are_each_answered_once(device: Device) -> None:
    await device.hello()
    requests = list(range(200))
    random.Random(1).shuffle(requests)
    answered = set()
    for start in range(0, len(requests), 20):
        for request in requests[start : start + 20]:
            device.send("/cratehand/resume", device.session, request)
            device.send("/cratehand/resume", device.session, request)
        while len(answered) < start + 20:
            path, (_, request) = await device.hear()
            assert path == "/cratehand/ack"
            answered.add(request)
    assert answered == set(requests)


@pytest.mark.parametrize(
    ("path", "values", "code"),
    [
        ("/cratehand/track", ("no such track",), "not_found"),
        ("/cratehand/track", ("abc0",), "conflict"),
        ("/cratehand/track", ("",), "invalid_input"),
        ("/cratehand/track", (), "invalid_input"),
        ("/cratehand/track", ("a", "b"), "invalid_input"),
        ("/cratehand/similar", ("abc0000000000002",), "not_found"),
        ("/cratehand/search", ("title", 0), "invalid_input"),
        ("/cratehand/search", ("title", "many"), "invalid_input"),
        ("/cratehand/search", ("x" * 4_000,), "invalid_input"),
        ("/cratehand/search", ("x" * 60_000,), "invalid_input"),
        ("/cratehand/subscribe", ("everything",), "invalid_input"),
        ("/cratehand/explode", (), "unsupported"),
        ("/cratehand/*", (), "unsupported"),
    ],
)
async def test_what_can_not_be_done_gets_one_err(device: Device, path: str, values: tuple, code: str) -> None:
    await device.hello()
    answer, (session, request, told, text) = await device.ask_in_vain(path, 3, *values)
    assert (answer, session, request, told) == ("/cratehand/err", device.session, 3, code)
    assert 0 < len(text.encode()) <= 300
    assert await device.hears_nothing(for_s=0.05)


async def test_an_unknown_session_is_told_so(device: Device) -> None:
    device.send("/cratehand/status", 12345, 1)
    assert await device.hear() == ("/cratehand/err", [12345, 1, "unknown_session", "say hello again"])
    device.send("/cratehand/ping", 1, 12345)
    assert [(await device.hear())[0], (await device.hear())[0]] == ["/cratehand/err", "/cratehand/pong"]


async def test_pause_reaches_the_catalogue_and_is_an_event(house: House, device: Device) -> None:
    await device.hello()
    await device.ask("/cratehand/subscribe", 1, "quiet")
    device.send("/cratehand/pause", device.session, 2)
    told = dict([await device.hear(), await device.hear()])
    sequence, quiet, reason = told["/cratehand/event/quiet"]
    assert (sequence, quiet) == (1, 1)
    assert "paused" in reason
    assert told["/cratehand/ack"] == [device.session, 2]
    assert house.woken == ["wake"]


async def test_events_name_tracks_and_jobs_by_the_requests_that_did(
    house: House, device: Device, http_server: HttpServer
) -> None:
    await device.hello()
    await device.ask("/cratehand/subscribe", 1, "job track")
    device.send("/cratehand/analyse", device.session, 2, house.track_ids[0])
    told = dict([await device.hear(), await device.hear()])
    assert told["/cratehand/event/job"] == [1, 2, "queued", 0.0]
    house.bus.publish(TrackChanged(track_id=house.track_ids[1]))
    house.bus.publish(TrackChanged(track_id=house.track_ids[0]))
    assert await device.hear() == ("/cratehand/event/track", [2, 2, "changed"])
    (job,) = house.use_cases.jobs.list()
    house.use_cases.jobs.cancel(job.id)
    assert await device.hear() == ("/cratehand/event/job", [3, 2, "cancelled", 0.0])
    state = await result_of(device, http_server, "/cratehand/resync", 3)
    assert state["sequence"] == 3
    assert state["followed"] == [{"request": 2, "state": "cancelled", "progress": 0.0, "error": None}]


async def test_ten_thousand_events_become_few_and_lose_no_count(house: House, device: Device) -> None:
    await device.hello()
    await device.ask("/cratehand/subscribe", 1, "all")
    for number in range(10_000):
        house.bus.publish(TrackAdded(track_id=TrackId(str(number))))
        if number % 1_000 == 0:
            house.bus.publish(CollectionSynced(added=1, changed=2, removed=3))
            await asyncio.sleep(0.01)
    added, collection, heard, sequences = 0, 0, 0, []
    while added < 10_000 or collection < 10:
        path, (sequence, *counts) = await device.hear()
        sequences.append(sequence)
        heard += 1
        if path == "/cratehand/event/tracks":
            added += counts[0]
        elif path == "/cratehand/event/collection":
            collection += counts[0]
    assert (added, collection) == (10_000, 10)
    assert sequences == list(range(1, heard + 1))
    assert heard < 60


async def test_job_counts_come_at_most_once_a_second(house: House, device: Device) -> None:
    await device.hello()
    await device.ask("/cratehand/subscribe", 1, "jobs")
    job = Job(
        id="x", kind=JobKind.ANALYSE, state=JobState.RUNNING, priority=Priority.FRESH, track_id=None, created_at_s=0.0
    )
    for _ in range(100):
        house.bus.publish(JobProgressed(job=job))
        await asyncio.sleep(0.002)
    assert (await device.hear())[0] == "/cratehand/event/jobs"
    await asyncio.sleep(0.3)
    assert device.heard.qsize() <= 1


async def test_nothing_comes_without_a_subscription(house: House, device: Device) -> None:
    await device.hello()
    house.bus.publish(QuietChanged(quiet=True, reason="x"))
    assert await device.hears_nothing()


async def test_junk_is_counted_logged_once_and_changes_nothing(
    osc_server: OscServer, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    await device.hello()
    caplog.set_level(logging.DEBUG)
    for number, piece in enumerate(junk(seed=1, count=300)):
        device.send_raw(piece)
        if number % 20 == 0:
            await asyncio.sleep(0.002)
    await device.hears_nothing(for_s=0.2)
    answered = [await device.hear() for _ in range(device.heard.qsize())]
    # Some bent messages are still messages.
    assert {path for path, _ in answered} <= {"/cratehand/err", "/cratehand/pong"}
    assert osc_server.malformed > 200
    assert len([record for record in caplog.records if record.levelno >= logging.WARNING]) == 1
    assert (await device.ask("/cratehand/resume", 999_999))[0] == "/cratehand/ack"


async def test_a_bundle_is_not_read(osc_server: OscServer, device: Device) -> None:
    bundle = OscBundleBuilder(IMMEDIATELY)
    bundle.add_content(bundle.build())
    device.send_raw(bundle.build().dgram)
    assert await device.hears_nothing(for_s=0.05)
    assert osc_server.malformed == 1


async def test_a_datagram_of_60_kilobytes_arrives(device: Device) -> None:
    await device.hello()
    path, values = await device.ask("/cratehand/track", 1, "/" + "x" * 60_000)
    assert (path, values[2]) == ("/cratehand/err", "invalid_input")
    assert "60001" in values[3]


async def test_a_thousand_requests_use_few_strings(device: Device, http_server: HttpServer) -> None:
    await device.hello()
    strings: set[str] = set()
    for request in range(300):
        device.send("/cratehand/search", device.session, request, "title")
        for _ in range(2):
            path, values = await device.hear()
            strings |= {path, *(value for value in values if isinstance(value, str))}
    assert len(strings) <= 16 + 2
    for request in range(1_000, 1_300):
        path, values = await device.ask("/cratehand/track", request, f"nothing {request}")
        while path != "/cratehand/err":
            # A busy machine lets a ping of the server come between.
            path, values = await device.hear()
        strings.add(values[3])
    assert len(strings) <= 16 + 2 + 256 + 1


async def test_a_flood_of_requests_is_turned_away_and_a_repeat_of_them_is_served(device: Device) -> None:
    await device.hello()
    for request in range(300):
        device.send("/cratehand/track", device.session, request, "abc0000000000000")
    codes = []
    # The system may drop a part of such a flood, as it may on any datagram socket; what is answered counts.
    while device.heard.qsize() or not await device.hears_nothing(for_s=0.3):
        path, values = await device.hear()
        if path != "/cratehand/result":
            codes.append((values[1], values[2] if path == "/cratehand/err" else "ack"))
    turned_away = [request for request, code in codes if code == "rate_limited"]
    assert turned_away
    assert {code for _, code in codes} <= {"ack", "rate_limited"}
    await device.hears_nothing()
    while not device.heard.empty():
        device.heard.get_nowait()
    for request in turned_away[:3]:
        assert (await device.ask("/cratehand/track", request, "abc0000000000000"))[0] == "/cratehand/ack"
        await device.hear()


async def test_a_stop_in_the_middle_of_work_is_quick(house: House, http_server: HttpServer) -> None:
    loop = asyncio.get_running_loop()
    async with OscServer(house.use_cases, http_server, clock=house.clock) as server, Device(server.port) as device:
        await device.hello()
        for request in range(50):
            device.send("/cratehand/search", device.session, request, "title")
        await asyncio.sleep(0)
        began_s = loop.time()
    assert loop.time() - began_s < 1.0
    assert not house.bus._subscriptions
