"""Stems asked for by a device: separated with known answers, loaded side by side."""

from pathlib import Path

import pytest

from cratehand.audio.decode import FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.stem_file import StemFilePacker
from cratehand.audio.write import FileWriter
from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from cratehand.usecases.stem_separation import StemSeparation, StemTools
from tests.api.house import open_house
from tests.api.test_live_device import device_of
from tests.audio_files import write_audio
from tests.fakes.stems import KnownSeparator
from tests.signals import sine, stereo


@pytest.fixture
async def stem_house(tmp_path: Path):
    tools = StemTools(reader=FileReader(), writer=FileWriter(), digester=AudioDigester(), packer=StemFilePacker())
    separation = StemSeparation(tools, KnownSeparator(), cache=tmp_path / "cache")
    async with open_house(tmp_path, separation=separation) as house:
        yield house


async def test_stems_come_into_one_scene_on_tracks_side_by_side(stem_house, tmp_path: Path) -> None:
    write_audio(tmp_path / "track 0.flac", stereo(sine(frequency_hz=220.0, duration_s=3.0)))
    async with (
        HttpServer(clock=stem_house.clock) as http,
        OscServer(stem_house.use_cases, http, clock=stem_house.clock, bulk_folder=str(tmp_path)) as server,
        device_of("audio", server) as device,
    ):
        await device.type("title 0")
        await device.until("shown.results.length > 0")
        await device.press("stems")
        await device.until("shown.text.indexOf('2 stems are in scene 1') >= 0", within_s=30)
        clips = await device.live("[0, 1].map((at) => song.tracks[at].slots[0].clip.file_path)")
    folder = tmp_path / "stems" / stem_house.track_ids[0]
    assert clips == [str(folder / "track 0.vocals.wav"), str(folder / "track 0.accompaniment.wav")]
    assert all(Path(clip).is_file() for clip in clips)


async def test_a_file_that_is_gone_is_told(stem_house, tmp_path: Path) -> None:
    async with (
        HttpServer(clock=stem_house.clock) as http,
        OscServer(stem_house.use_cases, http, clock=stem_house.clock, bulk_folder=str(tmp_path)) as server,
        device_of("audio", server) as device,
    ):
        await device.type("title 0")
        await device.until("shown.results.length > 0")
        await device.press("stems")
        await device.until("shown.bad")
        assert "track 0.flac" in await device.script("shown.text")
