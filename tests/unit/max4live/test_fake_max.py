"""The fake Max refuses what Max refuses, or dies of."""

import json
from typing import Any

import pytest

from tests.max.fake_max import FakeMax, FakeMaxError


def bent(script: str, name: str = "audio", **more: Any) -> FakeMax:
    """A device whose script has something added to it."""
    device = FakeMax(name, 9, **more)
    device.start["files"]["cratehand.js"] += script
    return device


async def refusal(device: FakeMax) -> str:
    with pytest.raises(FakeMaxError) as caught:
        async with device:
            pass
    return str(caught.value)


async def test_an_unknown_object_is_refused() -> None:
    device = FakeMax("audio", 9)
    device.start["patcher"]["boxes"].append({"box": {"id": "x", "maxclass": "newobj", "text": "node.script x.js"}})
    assert "no object node.script" in await refusal(device)


async def test_two_boxes_of_one_id_are_refused() -> None:
    device = FakeMax("audio", 9)
    device.start["patcher"]["boxes"].append({"box": {"id": "ready", "maxclass": "message", "text": "x"}})
    assert "two boxes ready" in await refusal(device)


async def test_a_script_that_is_missing_is_refused() -> None:
    device = FakeMax("audio", 9)
    device.start["files"].clear()
    assert "is not in the device" in await refusal(device)


@pytest.mark.parametrize("modern", ["let a = 1;", "var f = () => 1;", "outlet.apply(null, [0, 1]);"])
async def test_a_modern_script_is_refused(modern: str) -> None:
    assert "Max refuses cratehand.js" in await refusal(bent(modern))


async def test_live_api_before_the_bang_of_the_device_is_refused() -> None:
    assert "before the bang of live.thisdevice" in await refusal(bent("new LiveAPI('live_set');"))


async def test_other_outlets_than_the_box_has_are_refused() -> None:
    assert "other inlets or outlets" in await refusal(bent("outlets = 2;"))


@pytest.mark.parametrize(
    ("js", "why"),
    [
        ("outlet(0, new Array(40000).join('x'))", "a symbol of 39999 characters"),
        ("outlet(0, 'ok', NaN)", "no atom: NaN"),
        ("outlet(0, 'ok', {})", "no atom"),
        ("var send = 'apply'; outlet[send](null, [0, 1])", "crashes Live"),
        ("outlet(0, ['/x'].concat(new Array(300).join('1234567,').split(',')))", "a datagram of"),
        ("cursor.path = 'live_set'; cursor.call('explode')", "no function explode"),
        ("cursor.path = 'live_set'; cursor.get('colour_of_the_sky')", "no property"),
        ("cursor.path = 'live_set tracks 77'; cursor.get('name')", "nothing is at"),
    ],
)
async def test_what_max_or_live_refuse_is_refused(js: str, why: str) -> None:
    async with FakeMax("audio", 9) as device:
        await device.until("cursor !== null")
        with pytest.raises(FakeMaxError, match=why):
            await device.script(js)


async def test_every_text_that_goes_through_max_is_counted_once_and_what_is_drawn_is_not() -> None:
    async with FakeMax("audio", 9) as device:
        await device.until("link.hellos > 0")
        before = len(await device.tell("symbols"))
        await device.script(
            "for (var n = 0; n < 50; n += 1) { outlet(3, ['/x', 'word ' + n % 5]); show('shown ' + n); paint(); }"
        )
        after = await device.tell("symbols")
        # The address and five words.
        assert len(after) == before + 6
        await device.script("cursor.path = 'live_set tracks 1'")
        assert len(await device.tell("symbols")) == before + 7


async def test_notes_of_one_pitch_and_time_replace_each_other_and_ids_are_refused() -> None:
    async with FakeMax("midi", 9) as device:
        await device.until("cursor !== null")
        await device.script(
            "at('live_set tracks 2 clip_slots 0'); cursor.call('create_clip', 4); at('live_set tracks 2 clip_slots 0 clip');"
            "var note = {pitch: 36, start_time: 1, duration: 1}; cursor.call('add_new_notes', {notes: [note, note]});"
        )
        found = json.loads(await device.script("cursor.call('get_notes_extended', 0, 128, 0, 4)"))
        assert [(note["pitch"], note["velocity"]) for note in found["notes"]] == [(36, 100)]
        with pytest.raises(FakeMaxError, match="note_id"):
            await device.script(
                "cursor.call('add_new_notes', {notes: [{note_id: 1, pitch: 1, start_time: 0, duration: 1}]})"
            )


@pytest.mark.parametrize(
    ("live", "js"),
    [
        ("song.tracks[2].is_frozen = 1", "cursor.call('create_clip', 4)"),
        ("song.tracks[2].kind = 'audio'", "cursor.call('create_clip', 4)"),
        ("song.tracks[2].slots[0].clip = {}", "cursor.call('create_clip', 4)"),
        ("live.files = []; song.tracks[2].kind = 'audio'", "cursor.call('create_audio_clip', '/gone.wav')"),
        ("live.version = [12, 0, 4]", "cursor.call('create_audio_clip', '/a.wav')"),
    ],
)
async def test_clips_are_refused_where_live_refuses_them(live: str, js: str) -> None:
    async with FakeMax("midi", 9) as device:
        await device.until("cursor !== null")
        await device.live(live)
        with pytest.raises(FakeMaxError):
            await device.script(f"at('live_set tracks 2 clip_slots 0'); {js}")


async def test_an_observer_is_told_the_value_at_once_and_at_each_change_and_may_change_nothing() -> None:
    async with FakeMax("midi", 9) as device:
        await device.until("cursor !== null")
        await device.script(
            "var heard_by_test = []; var watch = new LiveAPI(function (told) { heard_by_test.push(told); }, 'live_set');"
            "watch.property = 'tempo'; 0"
        )
        await device.live("song.tempo = 99; song.is_playing = 1")
        await device.live("song.is_playing = 0")
        assert await device.script("heard_by_test") == [["tempo", 120], ["tempo", 99]]
        await device.script(
            "var rash = new LiveAPI(function (told) { if (told[1] === 1) { at('live_set tracks 2 clip_slots 0'); "
            "cursor.call('create_clip', 4); } }, 'live_set'); rash.property = 'is_playing'; 0"
        )
        await device.live("song.is_playing = 1")
        (error,) = await device.tell("errors")
        assert "Changes cannot be triggered by notifications" in error
        assert not await device.live("song.tracks[2].slots[0].clip")
        with pytest.raises(FakeMaxError, match="can not be observed"):
            await device.script("watch.property = 'scale_name'")


async def test_a_whole_number_that_does_not_fit_a_byte_is_refused() -> None:
    device = FakeMax("midi", 9)
    boxes = [entry["box"] for entry in device.start["patcher"]["boxes"]]
    seed = next(box for box in boxes if box["id"] == "seed")["saved_attribute_attributes"]["valueof"]
    assert seed["parameter_type"] == 0
    seed["parameter_type"] = 1
    assert "a whole number of Live is 0 to 255" in await refusal(device)


async def test_simulated_time_runs_as_fast_as_it_is_told() -> None:
    async with FakeMax("audio", 9, speed=1000) as device:
        began_ms = await device.script("now_ms()")
        await device.until(f"now_ms() > {began_ms} + 60000", within_s=20)
