"""The shipped devices in the fake Max, against real servers over real UDP and HTTP."""

import asyncio
import contextlib
import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.errors import UnavailableError
from cratehand.domain.events import JobProgressed
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.job import JobState
from cratehand.domain.provenance import Fact
from cratehand.domain.structure import Section, SectionLabel
from cratehand.domain.track import Presence
from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from tests.api.clients import datagram
from tests.api.house import ANALYSIS, House, open_house
from tests.fakes.midi import FakeMidi
from tests.max.fake_max import FakeMax

GRID = BeatGrid(anchors=(GridAnchor(start_s=0.5, tempo_bpm=120.0, beat_in_bar=1),))
SECTIONS = (
    Section(start_s=0.5, end_s=8.5, label=SectionLabel.INTRO),
    Section(start_s=8.5, end_s=24.5, label=SectionLabel.DROP),
)


@pytest.fixture
def bulk(tmp_path: Path) -> Path:
    folder = tmp_path / "bulk"
    folder.mkdir()
    return folder


@pytest.fixture
async def osc_server(house: House, http_server: HttpServer, bulk: Path):
    async with OscServer(
        house.use_cases, http_server, clock=house.clock, first_session=100, bulk_folder=str(bulk)
    ) as server:
        yield server


@contextlib.asynccontextmanager
async def device_of(name: str, server: OscServer, **more):
    async with FakeMax(name, server.port, **more) as device:
        await device.online()
        yield device
        assert await device.tell("errors") == []


@pytest.fixture
async def audio(osc_server: OscServer):
    async with device_of("audio", osc_server) as device:
        yield device


@pytest.fixture
async def midi(osc_server: OscServer):
    async with device_of("midi", osc_server) as device:
        yield device


def knows_grid(house: House, number: int = 0) -> TrackId:
    with house.catalogue.writing() as stores:
        stores.facts.record(
            house.track_ids[number],
            [
                Fact(field=Field.BEAT_GRID, value=GRID, source=ANALYSIS, at_s=30.0, confidence=0.9),
                Fact(field=Field.SECTIONS, value=SECTIONS, source=ANALYSIS, at_s=30.0, confidence=0.9),
            ],
        )
    return house.track_ids[number]


async def find(device: FakeMax, text: str = "title") -> list[dict]:
    await device.type(text)
    await device.until("shown.results.length > 0")
    return json.loads(await device.script("JSON.stringify(shown.results)"))


def slots(track: int) -> str:
    return f"song.tracks[{track}].slots"


@pytest.mark.parametrize("name", ["audio", "midi", "instrument"])
async def test_each_device_comes_online_and_says_goodbye(osc_server: OscServer, name: str) -> None:
    async with device_of(name, osc_server) as device:
        assert osc_server.session_count == 1
        await device.tell("delete")
        for _ in range(100):
            if osc_server.session_count == 0:
                break
            await asyncio.sleep(0.02)
        assert osc_server.session_count == 0


async def test_words_find_tracks_with_tempo_key_energy_and_reason(audio: FakeMax) -> None:
    results = await find(audio)
    assert {item["title"] for item in results} == {"Title 0", "Title 1", "Title 2"}
    first = next(item for item in results if item["title"] == "Title 1")
    assert (first["tempo_bpm"], first["camelot"], first["energy"], first["reasons"]) == (121.0, "8A", 6, ["in title"])
    drawn = [step[1] for step in await audio.tell("paint") if step[0] == "show_text"]
    assert {"online", "121.0", "8A", "6", "in title", "3 tracks"} <= set(drawn)


async def test_filters_of_tempo_key_and_energy_hold(audio: FakeMax) -> None:
    await audio.live("song.tempo = 121")
    await audio.set("tempo_range", 1)
    results = await find(audio)
    assert {item["title"] for item in results} == {"Title 0", "Title 1"}
    await audio.live("song.root_note = 6")
    await audio.set("key_rule", 1)
    await audio.press("find")
    await audio.until("shown.text === 'nothing found'")


async def test_like_this_asks_by_the_file_of_the_playing_clip(house: House, audio: FakeMax) -> None:
    file = json.dumps(str(house.folder / "track 0.flac"))
    await audio.live(
        f"song.tracks[0].slots[1].clip = {{id: 999, type: 'Clip', is_audio: true, file_path: {file}}}; "
        "song.tracks[0].playing_slot_index = 1"
    )
    await audio.press("like")
    await audio.until("shown.results.length > 0")
    assert await audio.script("shown.results.map(function (item) { return item.id; }).join()") == house.track_ids[1]


async def test_like_this_falls_back_on_tempo_and_key_of_the_set(audio: FakeMax) -> None:
    await audio.live(
        "song.tracks[0].slots[1].clip = {id: 999, type: 'Clip', is_audio: true, file_path: '/x/unknown.wav'}; "
        "song.detail = [0, 1]; song.tempo = 60"
    )
    await audio.press("like")
    await audio.until("shown.results.length > 0")
    assert await audio.script("shown.results[0].reasons.join()") == "tempo +0.0 % at double time,same key"


async def test_a_track_goes_into_the_first_free_slot_warped_to_its_grid_as_one_step(
    house: House, audio: FakeMax
) -> None:
    knows_grid(house)
    await audio.live("song.selected_scene = 1; song.tracks[0].slots[1].clip = {id: 998, type: 'Clip', is_audio: true}")
    await find(audio, "title 0")
    steps = await audio.live("live.undo_steps.length")
    await audio.press("load")
    await audio.until_live(f"{slots(0)}[2].clip")
    await audio.until("shown.text.indexOf('scene 3') > 0")
    clip = await audio.live(f"{slots(0)}[2].clip")
    assert clip["file_path"] == str(house.folder / "track 0.flac")
    assert clip["warping"] == 1
    # 120 BPM from 0.5 s on: two beats a second.
    assert clip["warp_markers"][:2] == [
        {"beat_time": 0, "sample_time": 0.5},
        {"beat_time": 600, "sample_time": 300.5},
    ]
    assert await audio.live("live.undo_steps.length") == steps + 1


@pytest.mark.parametrize("live", ["live.without = ['add_warp_marker']", "0"])
async def test_without_markers_or_grid_the_file_keeps_its_own_tempo(house: House, audio: FakeMax, live: str) -> None:
    if live != "0":
        knows_grid(house)
    await audio.live(live)
    await find(audio, "title 0")
    await audio.press("load")
    await audio.until("shown.text.indexOf('scene') > 0")
    assert await audio.live(f"{slots(0)}[0].clip.warping") == 0


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ("song.tracks[0].is_frozen = 1", "frozen"),
        ("song.tracks[0].is_foldable = 1", "group"),
        ("song.tracks[0].kind = 'midi'", "MIDI track"),
        ("live.files = []", "is the file still there?"),
        ("live.own = 9", "clip slots"),
        ("live.without = ['create_audio_clip']", "12.0.5"),
    ],
)
async def test_what_can_not_be_loaded_is_said(audio: FakeMax, live: str, said: str) -> None:
    await find(audio, "title 0")
    await audio.live(live)
    await audio.press("load")
    await audio.until(f"shown.bad && shown.text.indexOf({json.dumps(said)}) >= 0")
    assert await audio.live("song.tracks.every((each) => each.slots.every((slot) => !slot.clip))")


async def test_a_full_track_gets_a_new_scene(audio: FakeMax) -> None:
    await audio.live(
        "song.tracks[0].slots.forEach((slot, at) => { slot.clip = {id: 900 + at, type: 'Clip', is_audio: true}; })"
    )
    await find(audio, "title 0")
    await audio.press("load")
    await audio.until("shown.text.indexOf('scene 5') > 0")
    assert await audio.live("song.scenes.length") == 5


async def test_analysis_shows_its_progress(house: House, audio: FakeMax) -> None:
    await find(audio, "title 0")
    await audio.press("analyse")
    await audio.until("shown.text === 'analysis: waits'")
    (job,) = house.use_cases.jobs.list()
    house.bus.publish(JobProgressed(job=replace(job, state=JobState.RUNNING, progress=0.42)))
    await audio.until("shown.text === 'analysis: 42 %'")
    wide = await audio.script("size()[0]")
    bar = [step[3] for step in await audio.tell("paint") if step[0] == "rectangle" and step[4] == 2]
    assert bar == [pytest.approx(0.42 * wide, rel=1e-3)]
    house.use_cases.jobs.cancel(job.id)
    await audio.until("shown.text === 'analysis: cancelled' && shown.bad")


async def test_stems_without_weights_say_what_brings_them(audio: FakeMax) -> None:
    await find(audio, "title 0")
    await audio.press("stems")
    await audio.until("shown.bad && shown.text.length > 0")
    assert "not on this computer" in await audio.script("shown.text") or "models fetch" in await audio.script(
        "shown.text"
    )


async def test_pause_reaches_cratehand(house: House, audio: FakeMax) -> None:
    await audio.set("quiet", 1)
    await audio.until("shown.text === 'background work is paused'")
    assert house.use_cases.quiet.reason() is not None


async def test_drums_go_into_a_clip_and_are_written_again_in_place_as_one_step(midi: FakeMax) -> None:
    await midi.set("style", 3)
    await midi.set("seed", 7)
    await midi.press("generate")
    await midi.until("shown.text.indexOf('seed 7') > 0")
    clip = await midi.live(f"{slots(2)}[0].clip")
    assert clip["loop_end"] == 16
    assert len(clip["notes"]) > 20
    assert all(0 <= note["start_time"] < 16 and note["duration"] > 0 for note in clip["notes"])
    assert await midi.live("live.undo_steps.length") == 1
    await midi.set("seed", 8)
    await midi.press("generate")
    await midi.until("shown.text.indexOf('seed 8') > 0")
    assert await midi.live("live.undo_steps.length") == 2
    assert not await midi.live(f"{slots(2)}[1].clip")
    await midi.live("live.undo()")
    assert (await midi.live("live.song.tracks[2].slots[0].clip.notes.length")) == len(clip["notes"])


async def test_new_clip_leaves_the_first_one_alone(midi: FakeMax) -> None:
    await midi.press("generate")
    await midi.until_live(f"{slots(2)}[0].clip && {slots(2)}[0].clip.notes.length > 0")
    before = await midi.live(f"{slots(2)}[0].clip")
    await midi.press("fresh")
    await midi.until_live(f"{slots(2)}[1].clip && {slots(2)}[1].clip.notes.length > 0")
    assert await midi.live(f"{slots(2)}[0].clip") == before


async def test_drums_follow_tempo_metre_bars_density_and_swing(house: House, midi: FakeMax) -> None:
    await midi.live("song.tempo = 93; song.signature_numerator = 3")
    await midi.set("style", 19)
    await midi.set("bars", 1)
    # The words on the dials: style, 0 %, 5 % ...; style, 50 %, 51 % ...
    await midi.set("density", 9)
    await midi.set("swing", 11)
    await midi.press("generate")
    await midi.until("shown.pattern !== null")
    assert await midi.live(f"{slots(2)}[0].clip.loop_end") == 6
    asked = house.use_cases.drums._model.asked[-1]
    assert (asked.style, asked.tempo_bpm, str(asked.metre), asked.bars) == ("rock", 93.0, "3/4", 2)
    assert (round(asked.density, 3), round(asked.swing_ratio, 3)) == (0.4, 0.6)


@pytest.mark.parametrize("how", ["vary", "fill", "humanise"])
async def test_a_clip_is_changed_from_its_own_notes(house: House, midi: FakeMax, how: str) -> None:
    await midi.live(
        "song.tracks[2].slots[3].clip = {id: 950, type: 'Clip', is_audio: false, looping: 1, loop_end: 8, end_marker: 8, "
        "start_marker: 0, notes: [{note_id: 1, pitch: 36, start_time: 0, duration: 0.25, velocity: 101}, "
        "{note_id: 2, pitch: 38, start_time: 1.02, duration: 0.25, velocity: 64}]}; song.detail = [2, 3]"
    )
    await midi.press(how)
    await midi.until("shown.pattern !== null")
    asked = house.use_cases.drums._model.asked[-1]
    assert (asked.task, asked.bars) == (how, 2)
    given = [(hit.step, hit.voice, hit.velocity, round(hit.offset_steps, 2)) for hit in asked.given.hits]
    assert given == [(0, "kick", 101, 0.0), (4, "snare", 64, 0.08)]
    # The fake model plays one kick a bar.
    assert await midi.live(f"{slots(2)}[3].clip.notes.map((note) => note.start_time)") == [0, 4]
    assert await midi.live("live.undo_steps.length") == 1


CLIP_OF_TEN_BARS = (
    "song.tracks[2].slots[3].clip = {id: 950, type: 'Clip', is_audio: false, looping: 1, loop_end: 40, end_marker: 40, "
    "start_marker: 0, notes: Array.from({length: 40}, (_, at) => ({note_id: at, pitch: 36, start_time: at, "
    "duration: 0.25, velocity: 60 + at}))}; song.detail = [2, 3]"
)


async def test_continue_writes_bars_behind_the_clip_from_its_last_four(house: House, midi: FakeMax) -> None:
    await midi.live(CLIP_OF_TEN_BARS)
    await midi.set("bars", 1)
    await midi.press("extend")
    await midi.until("shown.pattern !== null")
    asked = house.use_cases.drums._model.asked[-1]
    assert (asked.task, asked.bars, asked.given.bars, asked.style) == ("continue", 2, 4, None)
    assert [hit.velocity for hit in asked.given.hits] == list(range(84, 100))
    clip = await midi.live(f"{slots(2)}[3].clip")
    assert (clip["loop_end"], clip["end_marker"]) == (48, 48)
    starts = [note["start_time"] for note in clip["notes"]]
    # The ten bars stand as they were, the fake model plays one kick in each of the two new ones.
    assert starts == [*range(40), 40, 44]
    assert await midi.live("live.undo_steps.length") == 1
    await midi.live("live.undo()")
    assert await midi.live("live.song.tracks[2].slots[3].clip.loop_end") == 40


async def test_continue_after_silence_says_so(midi: FakeMax) -> None:
    await midi.live(CLIP_OF_TEN_BARS)
    await midi.live("song.tracks[2].slots[3].clip.notes.length = 4")
    await midi.press("extend")
    await midi.until("shown.bad && shown.text === 'the last bars of the clip are empty'")


async def test_taps_on_any_key_become_drums_in_the_style_that_is_chosen(house: House, midi: FakeMax) -> None:
    await midi.live(
        "song.tracks[2].slots[3].clip = {id: 950, type: 'Clip', is_audio: false, looping: 1, loop_end: 4, end_marker: 4, "
        "start_marker: 0, notes: [{note_id: 1, pitch: 72, start_time: 0, duration: 0.25, velocity: 101}, "
        "{note_id: 2, pitch: 60, start_time: 1.5, duration: 0.25, velocity: 64}]}; song.detail = [2, 3]"
    )
    await midi.set("style", 19)
    await midi.press("tap")
    await midi.until("shown.pattern !== null")
    asked = house.use_cases.drums._model.asked[-1]
    assert (asked.task, asked.style, asked.bars) == ("tap", "rock", 1)
    assert [(hit.step, hit.velocity) for hit in asked.given.hits] == [(0, 101), (6, 64)]
    assert await midi.live(f"{slots(2)}[3].clip.notes.map((note) => note.pitch)") == [36]
    assert await midi.live("live.undo_steps.length") == 1


@pytest.mark.parametrize("how", ["vary", "fill", "humanise", "extend", "tap"])
async def test_without_a_clip_there_is_nothing_to_change_and_the_device_says_so(midi: FakeMax, how: str) -> None:
    await midi.press(how)
    await midi.until("shown.bad && shown.text.indexOf('no MIDI clip to') === 0")


async def test_a_clip_that_goes_while_drums_are_written_is_told(midi: FakeMax) -> None:
    await midi.live(CLIP_OF_TEN_BARS)
    await midi.faults(**{"in": {"pass": 1, "lose": 1}})
    await midi.press("vary")
    await midi.until("Object.keys(waiting).some(function (n) { return waiting[n].path === '/cratehand/drums'; })")
    await midi.live("song.tracks[2].slots[3].clip = null; song.detail = null")
    await midi.faults()
    await midi.until("shown.bad && shown.text.indexOf('is the clip still there') > 0")
    assert await midi.live("live.step_depth") == 0


@pytest.mark.parametrize("button", ["generate", "vary"])
async def test_a_track_that_is_frozen_while_drums_are_written_is_told(midi: FakeMax, button: str) -> None:
    await midi.live(CLIP_OF_TEN_BARS)
    notes = await midi.live(f"{slots(2)}[3].clip.notes")
    await midi.faults(**{"in": {"pass": 1 if button == "vary" else 0, "lose": 1}})
    await midi.press(button)
    await midi.until("Object.keys(waiting).some(function (n) { return waiting[n].path === '/cratehand/drums'; })")
    await midi.live("song.tracks[2].is_frozen = 1")
    await midi.faults()
    await midi.until("shown.bad && shown.text.indexOf('not frozen?') > 0")
    assert await midi.live(f"{slots(2)}[3].clip.notes") == notes
    assert await midi.live("live.step_depth") == 0


async def test_a_fraction_that_a_mouse_left_is_no_part_of_a_seed_or_port(midi: FakeMax) -> None:
    await midi.set("seed", 41.7)
    assert await midi.script("params.seed") == 42
    await midi.press("generate")
    await midi.until("shown.text.indexOf('seed 42,') > 0")


async def test_the_tempo_of_the_set_is_shown_and_followed(audio: FakeMax) -> None:
    for tempo, told in ((120, "set 120.0"), (93.5, "set 93.5")):
        await audio.live(f"song.tempo = {tempo}")
        assert told in [step[1] for step in await audio.tell("paint") if step[0] == "show_text"]


async def test_two_thousand_notes_are_read_in_parts_and_more_are_refused(house: House, midi: FakeMax) -> None:
    await midi.live(
        "song.tracks[2].slots[0].clip = {id: 951, type: 'Clip', is_audio: false, looping: 1, loop_end: 64, end_marker: 64, "
        "start_marker: 0, notes: Array.from({length: 2000}, (_, at) => ({note_id: at, pitch: 36 + at % 16, "
        "start_time: at * 0.032, duration: 0.01, velocity: 1 + at % 127}))}; song.detail = [2, 0]"
    )
    await midi.press("vary")
    await midi.until("shown.pattern !== null")
    assert len(house.use_cases.drums._model.asked[-1].given.hits) > 500
    await midi.live(
        "song.tracks[2].slots[0].clip.notes = Array.from({length: 2001}, (_, at) => ({pitch: 36, start_time: at * 0.0319, "
        "duration: 0.01, velocity: 9}))"
    )
    await midi.press("vary")
    await midi.until("shown.bad && shown.text.indexOf('2001 notes') > 0")


@pytest.mark.parametrize(
    ("live", "said"),
    [
        ("song.tracks[2].kind = 'audio'", "drums need a MIDI track"),
        ("song.tracks[2].is_frozen = 1", "frozen"),
        ("song.tracks[2].is_foldable = 1", "group"),
    ],
)
async def test_drums_on_a_track_that_takes_none_are_refused_at_once(midi: FakeMax, live: str, said: str) -> None:
    await midi.live(live)
    await midi.press("generate")
    await midi.until(f"shown.bad && shown.text.indexOf({json.dumps(said)}) >= 0")


async def test_a_new_seed_is_shown_on_the_control(midi: FakeMax) -> None:
    await midi.press("again")
    await midi.until("shown.pattern !== null")
    assert (
        await midi.tell("value", box="seed")
        == await midi.script("params.seed")
        == await midi.script("shown.pattern.seed")
    )


async def test_an_unknown_metre_is_told(midi: FakeMax) -> None:
    await midi.live("song.signature_numerator = 99")
    await midi.press("generate")
    await midi.until("shown.bad && shown.text.indexOf('metre') > 0")


async def test_beats_bars_sections_and_the_drop_are_told_for_lights(house: House, audio: FakeMax) -> None:
    knows_grid(house)
    await find(audio, "title 0")
    await audio.press("load")
    await audio.until("shown.text.indexOf('scene 1') > 0")
    await audio.live("song.is_playing = 1; song.tracks[0].playing_slot_index = 0")
    await audio.set("moments", 1)
    await audio.until("heard.grid !== null")
    for beat in range(20):
        await audio.live(f"song.tracks[0].slots[0].clip.playing_position = {beat + 0.1}")
        await audio.until(f"heard.beat === {beat}")
    lights = await audio.tell("lights")
    assert [light[1:] for light in lights if light[0] == "/cratehand/live/beat"] == [
        [beat % 4 + 1, beat // 4 + 1] for beat in range(20)
    ]
    assert [light[1] for light in lights if light[0] == "/cratehand/live/bar"] == [1, 2, 3, 4, 5]
    assert [light[1] for light in lights if light[0] == "/cratehand/live/section"] == ["intro", "drop"]
    # The drop is at 8.5 s, beat 16: told once, four beats before.
    assert [light for light in lights if light[0] == "/cratehand/live/drop"] == [["/cratehand/live/drop", 4]]
    assert lights.index(["/cratehand/live/drop", 4]) == lights.index(["/cratehand/live/beat", 1, 4]) + 2


async def test_nothing_is_looked_at_while_nothing_plays_or_the_lights_are_off(house: House, audio: FakeMax) -> None:
    knows_grid(house)
    await find(audio, "title 0")
    await audio.press("load")
    await audio.until("shown.text.indexOf('scene 1') > 0")
    assert not await audio.script("looker.running")
    await audio.set("moments", 1)
    assert not await audio.script("looker.running")
    await audio.live("song.tracks[0].playing_slot_index = 0")
    assert not await audio.script("looker.running")
    await audio.live("song.is_playing = 1")
    assert await audio.script("looker.running")
    await audio.live("song.tracks[0].playing_slot_index = -2")
    assert not await audio.script("looker.running")
    await audio.live("song.tracks[0].playing_slot_index = 0")
    assert await audio.script("looker.running")
    await audio.set("moments", 0)
    assert not await audio.script("looker.running")
    await audio.set("moments", 1)
    await audio.live("song.is_playing = 0")
    assert not await audio.script("looker.running")


async def test_a_device_that_was_dragged_to_another_track_follows_it(house: House, audio: FakeMax) -> None:
    knows_grid(house)
    await audio.set("moments", 1)
    await audio.live("live.own = 9")
    await audio.until("playing_row === -1")
    await audio.live("song.is_playing = 1; live.own = 1")
    await audio.until("slot_watch.unquotedpath === 'live_set tracks 1'")
    await audio.live("song.tracks[1].playing_slot_index = 3")
    assert await audio.script("playing_row") == 3
    assert await audio.script("looker.running")


async def test_what_the_set_stored_holds_from_the_start(osc_server: OscServer) -> None:
    async with device_of("midi", osc_server, stored={"style": 2, "bars": 4, "seed": 42}) as device:
        await device.press("generate")
        await device.until("shown.text.indexOf('seed 42') > 0")
        assert await device.live(f"{slots(2)}[0].clip.loop_end") == 64


async def test_a_device_waits_for_a_daemon_that_starts_later(house: House, http_server: HttpServer, bulk: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with FakeMax("audio", port) as device:
        await device.type("title")
        assert "does not run" in await device.script("shown.text")
        drawn = [step[1] for step in await device.tell("paint") if step[0] == "show_text"]
        assert "offline" in drawn
        async with OscServer(house.use_cases, http_server, clock=house.clock, port=port, bulk_folder=str(bulk)):
            # The search that was asked for before is answered now.
            await device.until("shown.results.length === 3")


async def test_after_a_minute_without_a_daemon_a_request_is_given_up_in_words() -> None:
    async with FakeMax("audio", 9, manual=True) as device:
        await device.advance(0.001)
        await device.type("title")
        assert await device.script("shown.text") == "cratehand does not run: start it, this waits a minute"
        await device.advance(59 / 3600)
        assert await device.script("Object.keys(waiting).length") == 1
        await device.advance(3 / 3600)
        assert await device.script("shown.bad && shown.text") == "cratehand does not run: start it and try again"
        assert await device.script("Object.keys(waiting).length") == 0


async def test_a_set_of_another_computer_keeps_its_port_until_it_is_set_here(osc_server: OscServer) -> None:
    async with FakeMax("audio", 9, stored={"daemon_port": 9, "tempo_range": 4}) as device:
        await device.type("title")
        assert "does not run" in await device.script("shown.text")
        await device.set("daemon_port", osc_server.port)
        await device.online()
        await device.until("shown.results.length > 0 || shown.text === 'nothing found'")
        assert await device.script("params.tempo_range") == 4


async def test_a_track_whose_file_is_on_another_computer_is_found_dimmed_and_not_loaded(
    house: House, audio: FakeMax
) -> None:
    with house.catalogue.writing() as stores:
        stores.tracks.set_presence([house.track_ids[0]], Presence.OFFLINE)
    (found,) = await find(audio, "title 0")
    assert found["on_this_device"] is False
    for button in ("load", "stems"):
        await audio.press(button)
        await audio.until("shown.bad && shown.text.indexOf('not on this computer') > 0")
        await audio.script("shown.text = ''; 0")


async def test_a_restart_in_the_middle_of_a_request_loses_nothing(
    house: House, http_server: HttpServer, bulk: Path
) -> None:
    parts = {"clock": house.clock, "bulk_folder": str(bulk)}
    async with OscServer(house.use_cases, http_server, **parts) as first:
        port = first.port
        device = FakeMax("midi", port)
        await device.__aenter__()
        await device.online()
    try:
        await device.press("generate")
        async with OscServer(house.use_cases, http_server, port=port, **parts):
            await device.until("shown.pattern !== null")
            assert len(await device.live(f"{slots(2)}[0].clip.notes")) > 10
            assert await device.live(f"{slots(2)}.filter((slot) => slot.clip).length") == 1
            assert await device.tell("errors") == []
    finally:
        await device.__aexit__()


async def test_a_restart_between_notes_and_question_sends_the_notes_again(
    house: House, http_server: HttpServer, bulk: Path
) -> None:
    parts = {"clock": house.clock, "bulk_folder": str(bulk)}
    async with contextlib.AsyncExitStack() as stack:
        async with OscServer(house.use_cases, http_server, **parts) as first:
            device = await stack.enter_async_context(device_of("midi", first))
            await device.press("generate")
            await device.until("shown.pattern !== null")
            # The notes arrive, the question after them does not.
            await device.faults(out={"pass": 1, "lose": 1})
            await device.script("shown.pattern = null")
            await device.press("vary")
            await device.until(
                "Object.keys(waiting).some(function (n) { return waiting[n].path === '/cratehand/drums'; })"
            )
        await device.faults()
        async with OscServer(house.use_cases, http_server, port=first.port, **parts):
            await device.until("shown.pattern !== null")
    assert house.use_cases.drums._model.asked[-1].task == "vary"


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_lost_doubled_and_reordered_datagrams_change_nothing(house: House, midi: FakeMax, seed: int) -> None:
    await midi.faults(
        **{
            "in": {"lose": 0.25, "double": 0.25, "hold": 0.3},
            "out": {"lose": 0.25, "double": 0.25, "hold": 0.3},
            "http": 0.2,
        }
    )
    for number in range(6):
        await midi.set("seed", 100 * seed + number)
        await midi.press("generate")
        await midi.until(f"shown.text.indexOf('seed {100 * seed + number},') > 0", within_s=40)
    assert await midi.live(f"{slots(2)}.filter((slot) => slot.clip).length") == 1
    assert await midi.live("live.undo_steps.length") == 6


async def test_a_doubled_request_is_done_once(house: House, audio: FakeMax) -> None:
    await find(audio, "title 0")
    await audio.faults(out={"double": 1})
    await audio.press("analyse")
    await audio.until("shown.text === 'analysis: waits'")
    assert len(house.use_cases.jobs.list()) == 1


async def test_an_unanswered_request_is_sent_again_after_150_300_and_600_ms_then_the_device_says_hello(
    osc_server: OscServer,
) -> None:
    async with FakeMax("audio", osc_server.port, manual=True) as device:
        await device.advance(0.001)
        await device.online()
        await device.faults(out={"lose": 1})
        await device.press("find")
        tries = (
            "var number; for (number in waiting) if (waiting[number].path === '/cratehand/find') waiting[number].tries"
        )
        heard = []
        for _ in range(21):
            heard.append(await device.script(tries))
            await device.advance(0.05 / 3600)
        # At 0, 150, 450 and 1050 ms, as the clock of the device goes in steps of 50.
        assert [heard.index(count) * 50 for count in (1, 2, 3)] == [0, 150, 450]
        assert await device.script(tries) == 4
        await device.advance(1.2 / 3600)
        assert await device.script("link.phase") == "hello"
        await device.faults()
        await device.advance(1.2 / 3600)
        await device.online()


async def test_a_gap_in_the_events_asks_for_the_state(audio: FakeMax) -> None:
    await audio.script("link.sequence = 5")
    asked = await audio.script("last_request")
    await audio.script("hear('/cratehand/event/quiet', [9, 0, ''])")
    await audio.until("link.sequence === 9")
    assert await audio.script("last_request") == asked + 1
    # An old one that comes late is not shown.
    await audio.script("hear('/cratehand/event/quiet', [7, 1, ''])")
    assert await audio.script("shown.text") != "background work is paused"


async def test_strangers_loops_and_oversized_datagrams_are_dropped(osc_server: OscServer, audio: FakeMax) -> None:
    port = await audio.script("link.port")
    session = await audio.script("link.session")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for piece in (
            b"\x00\xff" * 50,
            b"#bundle\0" + bytes(8),
            datagram("/cratehand/hello", 1, "1.0", "x", port, "8", "12", ""),
            datagram("/cratehand/ack", session + 1, 1),
            datagram("/cratehand/welcome", 1, 7, 80, "results", "another", ""),
            datagram("/somebody/else", 1),
            datagram("/cratehand/result", session, 999, "token", 1),
            datagram("/cratehand/err", session, 1, "internal", "x" * 20_000),
        ):
            stranger.sendto(piece, ("127.0.0.1", port))
    await audio.until("link.loops === 1 && link.strays >= 3")
    assert await audio.script("link.session") == session
    assert len(await find(audio)) == 3


async def test_eight_devices_have_their_own_ports_and_sessions(osc_server: OscServer) -> None:
    async with contextlib.AsyncExitStack() as stack:
        devices = [
            await stack.enter_async_context(device_of(name, osc_server))
            for name in ("audio", "midi", "audio", "instrument", "midi", "audio", "midi", "midi")
        ]
        assert osc_server.session_count == 8
        ports = {await device.script("link.port") for device in devices}
        sessions = {await device.script("link.session") for device in devices}
        assert (len(ports), len(sessions)) == (8, 8)
        for device in devices:
            await device.script("begin_hello()")
        for device in devices:
            await device.online()
        assert osc_server.session_count == 8


async def test_a_port_that_is_taken_is_left_for_the_next(osc_server: OscServer) -> None:
    async with device_of("audio", osc_server) as first, FakeMax("audio", osc_server.port) as second:
        taken = await first.script("link.port")
        await second.online()
        await second.script(f"link.port = {taken}; outlet(TO_PORT, ['port', {taken}]); begin_hello();")
        await second.until("link.phase === 'online'", within_s=20)
        # The next of the 200, the first behind the last; one more where that is taken too.
        assert (await second.script("link.port") - taken) % 200 in {1, 2, 3}
        # The first heard the welcomes that were meant for the second, and kept its own session.
        assert await first.script("link.phase") == "online"
        assert len(await find(first)) == 3


@pytest.mark.parametrize(("protocol", "side"), [(2, "update cratehand"), (0, "update the Live device")])
async def test_another_version_is_told_what_to_update(osc_server: OscServer, protocol: int, side: str) -> None:
    async with FakeMax("audio", osc_server.port) as device:
        await device.script(f"PROTOCOL = {protocol}; begin_hello()")
        await device.until("link.phase === 'refused'")
        assert side in await device.script("shown.text")
        await device.type("title")
        assert side in await device.script("shown.text")


async def test_a_welcome_of_another_version_is_refused_by_the_device(audio: FakeMax) -> None:
    await audio.script("begin_hello(); hear('/cratehand/welcome', [3, 1, 80, 'results', instance, ''])")
    assert "update the device" in await audio.script("shown.text")


async def test_many_searches_leave_few_strings_behind(audio: FakeMax) -> None:
    await find(audio)
    await audio.press("load")
    await audio.until("shown.text.indexOf('scene') > 0")
    before = set(await audio.tell("symbols"))
    for _ in range(60):
        asked = await audio.script("last_request")
        await audio.press("find")
        await audio.until(f"last_request > {asked} && Object.keys(waiting).length === 0")
    after = set(await audio.tell("symbols"))
    # The sixteen tokens of a session are used again in turn; a ping may have come in between.
    assert len({text for text in after - before if not text.startswith("/cratehand/")}) <= 16
    assert not [text for text in after if "Title 2" in text]


async def test_an_answer_without_a_folder_comes_through_the_dictionary(house: House, http_server: HttpServer) -> None:
    async with (
        OscServer(house.use_cases, http_server, clock=house.clock) as server,
        device_of("audio", server) as device,
    ):
        assert len(await find(device)) == 3


async def test_a_folder_that_can_not_be_written_is_told(house: House, http_server: HttpServer, tmp_path: Path) -> None:
    async with (
        OscServer(house.use_cases, http_server, clock=house.clock, bulk_folder=str(tmp_path / "gone")) as server,
        device_of("audio", server) as device,
    ):
        await device.type("title")
        await device.until("shown.bad && shown.text.indexOf('can not be fetched') > 0", within_s=20)


async def test_a_pattern_plays_on_the_midi_port_at_the_tempo_of_the_set(tmp_path: Path) -> None:
    port = FakeMidi()
    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(tmp_path, open_midi=lambda: port))
        http = await stack.enter_async_context(HttpServer(clock=house.clock))
        server = await stack.enter_async_context(OscServer(house.use_cases, http, clock=house.clock))
        device = await stack.enter_async_context(device_of("midi", server))
        await device.live("song.tempo = 300")
        await device.set("bars", 0)
        await device.press("play")
        await device.until("shown.bad && shown.text === 'generate drums first'")
        await device.press("generate")
        await device.until("shown.pattern !== null")
        await device.press("play")
        async with asyncio.timeout(20):
            while b"\xfc" not in port.sent:
                await asyncio.sleep(0.02)
        strikes = sum(message[0] == 0x99 for message in port.sent)
        assert strikes == await device.script("shown.pattern.items.length")
    assert not port.is_open


async def test_without_midi_ports_the_device_says_so(tmp_path: Path) -> None:
    def none_here() -> FakeMidi:
        raise UnavailableError("no MIDI out: this system has no MIDI ports")

    async with contextlib.AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(tmp_path, open_midi=none_here))
        http = await stack.enter_async_context(HttpServer(clock=house.clock))
        server = await stack.enter_async_context(OscServer(house.use_cases, http, clock=house.clock))
        device = await stack.enter_async_context(device_of("midi", server))
        await device.press("generate")
        await device.until("shown.pattern !== null")
        await device.press("play")
        await device.until("shown.bad && shown.text.indexOf('no MIDI ports') > 0")
