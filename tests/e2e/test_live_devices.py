"""The shipped devices against a whole daemon in a process of its own: found, loaded, drummed, killed in between."""

import asyncio
from pathlib import Path

import pytest

from tests.e2e.daemon_process import DaemonProcess
from tests.e2e.songs import write_song
from tests.max.fake_max import FakeMax

pytestmark = pytest.mark.timeout(300)


async def test_a_song_is_found_loaded_on_its_grid_and_drummed_to_across_a_kill(tmp_path: Path) -> None:
    song = write_song(tmp_path / "music" / "first.wav", 0)
    arguments = ("--watch", str(tmp_path / "music"))
    with DaemonProcess(tmp_path / "data", *arguments) as daemon:
        await asyncio.to_thread(daemon.wait_until_idle, analysed=1)
        port = daemon.osc_port
        async with FakeMax("audio", port) as audio, FakeMax("instrument", port) as kit:
            await audio.online()
            await kit.online()
            assert await audio.script("link.folder") == str(tmp_path / "data" / "cache" / "live")
            await audio.type("first")
            await audio.until("shown.results.length === 1", within_s=30)
            await audio.press("load")
            await audio.until("shown.text.indexOf('scene 1') > 0", within_s=30)
            clip = await audio.live("song.tracks[0].slots[0].clip")
            grid = daemon.track(song).summary.tempo_bpm
            first, last = clip["warp_markers"][0], clip["warp_markers"][-2]
            tempo_bpm = 60 * (last["beat_time"] - first["beat_time"]) / (last["sample_time"] - first["sample_time"])
            assert clip["file_path"] == str(song)
            assert tempo_bpm == pytest.approx(grid, rel=0.01)
            daemon.process.kill()
            daemon.process.wait()
            await kit.press("generate")
            with DaemonProcess(tmp_path / "data", *arguments, servers__osc_port=str(port)):
                await kit.until("shown.pattern !== null", within_s=90)
                assert await kit.live("song.tracks[2].slots[0].clip.notes.length") > 20
                assert await kit.tell("errors") == []
