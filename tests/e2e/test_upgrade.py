"""An MP3 of the DJ, with cues and lists; a better FLAC lands: the track gets better and no cue moves."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cratehand.audio.decode import FileReader
from cratehand.domain.fields import Field
from tests.audio_files import tag_audio, write_audio
from tests.e2e.daemon_process import DaemonProcess, command
from tests.e2e.songs import song
from tests.fakes.rekordbox_database import FakeCue, FakeTrack, build_master_db
from tests.signals import Signal

pytestmark = pytest.mark.timeout(300)

LEAD_IN_S = 0.3
BARS = 16


def say(data: Path, *words: str) -> Any:
    done = command(data, *words, "--json")
    assert done.returncode == 0, (words, done.stderr.decode(), done.stdout.decode())
    return json.loads(done.stdout)


def sound_of(path: Path) -> Signal:
    return np.concatenate(list(FileReader().blocks(path)), axis=1).mean(axis=0, keepdims=True)


def offset_at(before: Signal, after: Signal, start_s: float, moved_s: float) -> float:
    """Return how far the moment `start_s` of one file is from `moved_s` of the other, by what sounds there."""
    rate, half = 44_100, 4_410
    at, there = round(start_s * rate), round(moved_s * rate)
    mine = before[0, at : at + 2 * half]
    lags = range(-441, 442)
    other = after[0]
    scores = [float(np.dot(mine, other[there + lag : there + lag + mine.size])) for lag in lags]
    return lags[int(np.argmax(scores))] / rate


def cues_of(track: Any) -> list[tuple[float, float | None]]:
    return [(cue.start_s, cue.end_s if cue.HasField("end_s") else None) for cue in track.cues]


def starts(cues: Sequence[tuple[float, float | None]]) -> list[float]:
    return [start for start, _ in cues]


def collection(root: Path, music: Path) -> tuple[Path, Path]:
    """Make an MP3 with cues, a rating and a list in Rekordbox; return it and the database."""
    clean = song(0, bars=BARS).samples
    old = write_audio(music / "Artist - Title.mp3", clean, codec="mp3")
    tag_audio(old, {Field.TITLE: "Title", Field.ARTIST: "Artist", Field.COMMENT: "mine"})
    write_audio(music / "Other.wav", song(3, bars=4).samples)
    beats = song(0, bars=BARS).beats_s
    cues = (
        FakeCue(start_s=round(float(beats[4]), 3), pad=0),
        FakeCue(start_s=round(float(beats[16]), 3), end_s=round(float(beats[20]), 3), pad=1),
        FakeCue(start_s=round(float(beats[40]), 3)),
    )
    database = root / "rekordbox" / "master.db"
    database.parent.mkdir()
    one = FakeTrack(title="Title", artist="Artist", path=str(old), rating=4, bpm=120.0, cues=cues)
    build_master_db(database, tracks=[one], playlists=[("Peak", [0])])
    return old, database


def apply_and_check(daemon: DaemonProcess, data: Path, row: Any, before: Any) -> Path:
    """Apply a plan and look whether everything is where it must be; return the new file."""
    old, landed = Path(row["current"]), Path(row["candidate"])
    old_bytes, old_sound = old.read_bytes(), sound_of(old)
    dry = say(data, "upgrade", "apply", row["id"], "--dry-run")
    assert dry["dry_run"]
    assert old.read_bytes() == old_bytes
    done = say(data, "upgrade", "apply", row["id"])
    assert done["state"] == "applied"
    assert any("Relocate" in step for step in done["steps_for_you"])
    new = old.with_suffix(".flac")
    assert new.is_file()
    assert not old.exists()
    assert not landed.exists()
    assert "cratehand upgraded" in (data / "exports" / "cratehand upgraded.xml").read_text()
    track = daemon.track(new)
    assert track.summary.id == before.summary.id
    assert track.collection_id == before.collection_id
    assert list(track.playlists) == [*before.playlists, "cratehand upgraded"]
    assert track.summary.rating == 4
    new_sound = sound_of(new)
    for was, now in zip(starts(cues_of(before)), starts(cues_of(track)), strict=True):
        assert abs(offset_at(old_sound, new_sound, was, now)) <= 0.001
    return new


def test_a_better_copy_lands_is_swapped_in_and_undone(tmp_path: Path) -> None:
    music, inbox, data = tmp_path / "music", tmp_path / "inbox", tmp_path / "data"
    music.mkdir()
    inbox.mkdir()
    old, database = collection(tmp_path, music)
    old_bytes = old.read_bytes()
    with DaemonProcess(data, "--watch", str(music), "--watch", str(inbox), "--rekordbox", str(database)) as daemon:
        daemon.wait_until_idle(analysed=2)
        daemon.wait_for(lambda: daemon.track(old).cues, what="cues of Rekordbox")
        before = daemon.track(old)
        padded = np.pad(song(0, bars=BARS).samples, ((0, 0), (round(LEAD_IN_S * 44_100), 0)))
        landed = write_audio(inbox / "shop 001.flac", padded)
        tag_audio(landed, {Field.TITLE: "Title", Field.ARTIST: "Artist", Field.ALBUM: "Album"})
        landed_bytes = landed.read_bytes()
        (row,) = daemon.wait_for(lambda: say(data, "upgrade", "list"), what="a judged pair")
        assert row["accepted"], row["reason"]
        assert (row["current"], row["candidate"], row["track_id"]) == (str(old), str(landed), before.summary.id)
        assert row["offset_s"] == pytest.approx(LEAD_IN_S, abs=0.0005)
        assert len(daemon.tracks()) == 2, "a candidate is no track"
        shown = say(data, "upgrade", "show", row["id"])
        assert {"replace file", "move to trash"} <= {step["what"] for step in shown["changes"]}
        new = apply_and_check(daemon, data, row, before)
        daemon.wait_until_idle(analysed=2)
        assert daemon.track(new).summary.quality_verdict == "genuine"
        (entry, *_) = say(data, "history")
        assert (entry["id"], entry["what"], entry["undone"]) == (row["id"], "upgrade", False)
        assert say(data, "undo", row["id"])["state"] == "undone"
        assert old.read_bytes() == old_bytes
        assert landed.read_bytes() == landed_bytes
        assert not new.exists()
        again = daemon.track(old)
        assert cues_of(again) == cues_of(before)
        assert list(again.playlists) == list(before.playlists)
        assert again.summary == before.summary
        daemon.wait_for(lambda: daemon.analysed(landed), what="the landed file as a track of its own")
        daemon.wait_until_idle()
        assert [pair["id"] for pair in say(data, "upgrade", "list")] == [row["id"]], "it is not proposed again"
        assert "Traceback" not in daemon.said()
        assert daemon.stop() == 0


def test_a_fake_made_from_the_track_is_refused_and_becomes_a_track(tmp_path: Path) -> None:
    music, data = tmp_path / "music", tmp_path / "data"
    music.mkdir()
    old = write_audio(music / "Title.mp3", song(0, bars=BARS).samples, codec="mp3")
    with DaemonProcess(data, "--watch", str(music)) as daemon:
        daemon.wait_until_idle(analysed=1)
        sound = np.concatenate(list(FileReader().blocks(old)), axis=1)
        fake = write_audio(music / "Title fake.flac", sound)
        daemon.wait_for(lambda: daemon.analysed(fake))
        rows = say(data, "upgrade", "list")
        assert not any(row["accepted"] for row in rows)
        (group,) = say(data, "duplicates")
        assert {copy["path"] for copy in group["copies"]} == {str(old), str(fake)}
        assert [copy["path"] for copy in group["copies"] if copy["best"]] == [str(old)]
        refused = command(data, "upgrade", "apply", rows[0]["id"] if rows else "0000")
        assert refused.returncode == 1
        assert daemon.stop() == 0


def test_automatic_swaps_in_what_lands(tmp_path: Path) -> None:
    music, data = tmp_path / "music", tmp_path / "data"
    music.mkdir()
    old = write_audio(music / "Title.mp3", song(0, bars=BARS).samples, codec="mp3")
    with DaemonProcess(data, "--watch", str(music), upgrade__policy="automatic") as daemon:
        daemon.wait_until_idle(analysed=1)
        write_audio(music / "Title (new).flac", song(0, bars=BARS).samples)
        daemon.wait_for(lambda: daemon.find(music / "Title.flac"), what="the swap")
        daemon.wait_for(lambda: not old.exists())
        (entry,) = say(data, "history")
        assert entry["who"] == "cratehand"
        assert daemon.stop() == 0


def test_tags_are_written_and_undone(tmp_path: Path) -> None:
    music, data = tmp_path / "music", tmp_path / "data"
    music.mkdir()
    path = write_audio(music / "Title.mp3", song(0, bars=BARS).samples, codec="mp3")
    before = path.read_bytes()
    with DaemonProcess(data, "--watch", str(music)) as daemon:
        daemon.wait_until_idle(analysed=1)
        done = say(data, "tags", str(path), "--key-notation", "camelot")
        assert done["state"] == "applied"
        assert path.read_bytes() != before
        daemon.wait_until_idle(analysed=1)
        assert say(data, "undo", done["id"])["state"] == "undone"
        assert path.read_bytes() == before
        assert daemon.stop() == 0


def test_a_lost_file_is_found_by_its_sound(tmp_path: Path) -> None:
    music, data = tmp_path / "music", tmp_path / "data"
    music.mkdir()
    path = write_audio(music / "Title.flac", song(0, bars=BARS).samples)
    with DaemonProcess(data, "--watch", str(music)) as daemon:
        daemon.wait_until_idle(analysed=1)
        track_id = daemon.track(path).summary.id
        copy = write_audio(music / "Other name.wav", song(0, bars=BARS).samples)
        daemon.wait_for(lambda: daemon.analysed(copy))
        path.unlink()
        daemon.wait_for(lambda: daemon.track(track_id).summary.presence == "missing")
        (row,) = say(data, "missing")
        assert (row["id"], row["found"], row["found_by"]) == (track_id, str(copy), "fingerprint")
        (row,) = say(data, "missing", "--relocate")
        assert row["plan_id"]
        assert daemon.track(track_id).summary.path == str(copy)
        assert len(daemon.tracks()) == 1
        say(data, "undo", row["plan_id"])
        assert len(daemon.tracks()) == 2
        assert daemon.stop() == 0
