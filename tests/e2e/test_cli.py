"""The command line as a user calls it: real processes, a real daemon, one document on stdout."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

PROGRAM = (sys.executable, "-m", "cratehand.app")
FREE_PORTS = {f"CRATEHAND__SERVERS__{name}": "0" for name in ("GRPC_PORT", "OSC_PORT", "HTTP_PORT")}


def environment(folder: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CRATEHAND_")}
    return clean | FREE_PORTS | {"XDG_CONFIG_HOME": str(folder / "config"), "HOME": str(folder)}


def call(folder: Path, *words: str, timeout_s: float = 60.0) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*PROGRAM, *words],
        capture_output=True,
        text=True,
        env=environment(folder),
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def document(said: "subprocess.CompletedProcess[str]") -> Any:
    assert said.returncode == 0, said.stderr
    return json.loads(said.stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    music = home / "Music ü"
    music.mkdir()
    frames = np.arange(44_100 * 8)
    tone = 0.3 * np.sin(2 * np.pi * 220 * frames / 44_100)
    soundfile.write(music / "Some One - Söng #1.wav", tone, 44_100)
    (music / "broken.mp3").write_bytes(b"\x00" * 2000)
    return home


@pytest.fixture(scope="module")
def daemon(home: Path) -> Iterator["subprocess.Popen[str]"]:
    data = home / "data"
    with (home / "daemon.txt").open("w") as log:
        process = subprocess.Popen(
            [*PROGRAM, "run", "--data-dir", str(data), "--rekordbox", "off", "--watch", str(home / "Music ü")],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment(home),
        )
        try:
            until_s = time.monotonic() + 40
            while not (data / "ready.json").exists():
                assert process.poll() is None, (home / "daemon.txt").read_text()
                assert time.monotonic() < until_s, "the daemon was not ready in time"
                time.sleep(0.05)
            yield process
        finally:
            process.kill()
            process.communicate()


def test_analyse_writes_one_document_and_goes_on_after_a_bad_file(home: Path) -> None:
    said = call(home, "analyse", str(home / "Music ü"), "--json", "--workers", "2", "--data-dir", str(home / "other"))
    assert said.returncode == 1
    rows = {Path(row["path"]).name: row for row in json.loads(said.stdout)}
    assert set(rows["broken.mp3"]) == {"path", "errors"}
    whole = rows["Some One - Söng #1.wav"]
    assert whole["duration_s"] == pytest.approx(8.0)
    assert set(whole) >= {
        "path", "duration_s", "tempo_bpm", "tempo_confidence", "beat_grid", "key", "camelot", "key_confidence",
        "integrated_lufs", "loudness_range_lu", "true_peak_dbtp", "energy", "sections", "cues", "quality",
        "fingerprint", "errors",
    }  # fmt: skip
    assert "broken.mp3" in said.stderr
    assert "Traceback" not in said.stderr


def test_one_file_is_analysed_without_a_data_folder(home: Path) -> None:
    said = call(home, "analyse", str(home / "Music ü" / "Some One - Söng #1.wav"), "--data-dir", str(home / "none"))
    assert said.returncode == 0, said.stderr
    assert "Söng #1.wav" in said.stdout
    assert not (home / "none").exists()


def test_a_cheap_verb_answers_soon(home: Path) -> None:
    took_s = []
    for words in (("--help",), ("status",), ("tracks", "--json")):
        began_s = time.monotonic()
        call(home, *words, "--data-dir", str(home / "cheap"))
        took_s.append(round(time.monotonic() - began_s, 2))
    # 1 s is promised of an idle machine; tests run beside others.
    assert max(took_s) < 5, took_s


@pytest.mark.skipif(os.name != "posix", reason="closes a pipe in the middle")
def test_a_closed_pipe_is_quiet(home: Path) -> None:
    command = f'"{PROGRAM[0]}" -m cratehand.app tracks --json --data-dir "{home / "cheap"}" | true'
    said = subprocess.run(["sh", "-c", command], capture_output=True, env=environment(home), check=False, timeout=60)
    assert said.stderr == b""


def test_status_speaks_of_the_daemon(home: Path, daemon: "subprocess.Popen[str]") -> None:
    data = str(home / "data")
    before, after = (
        call(home, "--data-dir", data, "status", "--json"),
        call(home, "status", "--data-dir", data, "--json"),
    )
    state = document(before)
    assert state["pid"] == document(after)["pid"] == daemon.pid
    assert state["data_dir"] == data
    assert state["quiet_reason"] is None
    assert state["folders"] == [str(home / "Music ü")]
    lines = call(home, "status", "--data-dir", data).stdout
    assert f"process {daemon.pid}" in lines


def test_pause_and_resume_reach_the_daemon(home: Path, daemon: "subprocess.Popen[str]") -> None:
    data = ("--data-dir", str(home / "data"))
    assert document(call(home, "pause", "--dry-run", "--json", *data))["quiet_reason"] is None
    assert "paused" in document(call(home, "pause", "--json", *data))["quiet_reason"]
    assert call(home, "resume", *data).returncode == 0
    assert document(call(home, "status", "--json", *data))["quiet_reason"] is None
    assert daemon.poll() is None


def test_folders_come_and_go_at_run_time(home: Path, daemon: "subprocess.Popen[str]") -> None:
    data = ("--data-dir", str(home / "data"))
    crate = home / "more"
    crate.mkdir()
    planned = document(call(home, "watch", "add", str(crate), "--dry-run", "--json", *data))
    assert planned["changes"][0]["where"] == str(crate)
    assert str(crate) not in call(home, "watch", "list", *data).stdout
    assert call(home, "watch", "add", str(crate), *data).returncode == 0
    rows = document(call(home, "watch", "list", "--json", *data))
    assert str(crate) in {row["path"] for row in rows}
    assert call(home, "watch", "remove", str(crate), *data).returncode == 0
    refused = call(home, "watch", "add", str(home / "nowhere"), *data)
    assert refused.returncode == 1
    assert "does not exist" in refused.stderr
    assert daemon.poll() is None


def test_a_correction_goes_through_the_daemon(home: Path, daemon: "subprocess.Popen[str]") -> None:
    data = ("--data-dir", str(home / "data"))
    path = str(home / "Music ü" / "Some One - Söng #1.wav")
    until_s = time.monotonic() + 40
    while call(home, "track", path, *data).returncode and time.monotonic() < until_s:
        time.sleep(0.3)
    changed = document(call(home, "track", "set", path, "title=Mine", "--json", *data))
    assert [change["what"] for change in changed["changes"]] == ["set title"]
    assert document(call(home, "track", changed["id"], "--json", *data))["title"] == "Mine"
    (entry,) = document(call(home, "history", "--json", *data))
    assert (entry["what"], entry["track_id"], entry["undone"]) == ("correction", changed["id"], False)
    assert entry["changes"] == changed["changes"]
    assert document(call(home, "undo", entry["id"], "--json", *data))["state"] == "undone"
    assert document(call(home, "track", changed["id"], "--json", *data))["title"] in {"Söng #1", None}
    wrong = call(home, "track", "set", path, "rating=9", *data)
    assert wrong.returncode == 1
    assert "not between 0 and 5" in wrong.stderr
    assert daemon.poll() is None


def test_playlists_are_renamed_deleted_and_brought_back_through_the_daemon(
    home: Path, daemon: "subprocess.Popen[str]"
) -> None:
    data = ("--data-dir", str(home / "data"))
    (home / "Set ü.txt").write_text("Some One - Söng #1\n", encoding="utf-8")
    assert call(home, "import", "playlist", str(home / "Set ü.txt"), *data).returncode == 0
    before = document(call(home, "playlists", "list", "--json", *data))
    assert [(row["name"], row["tracks"], row["origin"]) for row in before] == [("Set ü", 1, "import")]
    planned = document(call(home, "playlists", "rename", "Set ü", "Später", "--dry-run", "--json", *data))
    renamed = document(call(home, "playlists", "rename", "Set ü", "Später", "--json", *data))
    assert (planned["id"], planned["changes"]) == (None, renamed["changes"])
    gone = document(call(home, "playlists", "delete", "Später", "--json", *data))
    assert document(call(home, "playlists", "list", "--json", *data)) == []
    early = call(home, "undo", renamed["id"], *data)
    assert (early.returncode, "undo that first" in early.stderr) == (1, True)
    for plan in (gone, renamed):
        assert document(call(home, "undo", plan["id"], "--json", *data))["state"] == "undone"
    assert document(call(home, "playlists", "list", "--json", *data)) == before
    assert daemon.poll() is None


def test_a_second_daemon_is_refused_and_told_who_has_the_folder(home: Path, daemon: "subprocess.Popen[str]") -> None:
    said = call(home, "run", "--once", "--data-dir", str(home / "data"))
    assert said.returncode == 1
    assert f"in use by another cratehand (process {daemon.pid})" in said.stderr
    restore = call(home, "restore", str(home / "data" / "catalogue.db"), "--dry-run", "--data-dir", str(home / "data"))
    assert restore.returncode == 1


@pytest.mark.skipif(os.name != "posix", reason="needs SIGTERM")
def test_a_signal_ends_the_daemon_cleanly_within_5_s(home: Path, daemon: "subprocess.Popen[str]") -> None:
    assert (home / "data" / "ready.json").stat().st_mode & 0o777 == 0o644
    assert (home / "data" / "token").stat().st_mode & 0o777 == 0o600
    began_s = time.monotonic()
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(timeout=20) == 0
    assert time.monotonic() - began_s < 10
    assert daemon.stdout is not None
    assert daemon.stdout.read() == ""
    assert not (home / "data" / "ready.json").exists()
    gone = call(home, "status", "--data-dir", str(home / "data"))
    assert gone.returncode == 1
    assert "the daemon isn't running" in gone.stderr
