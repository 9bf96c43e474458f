"""The command line: settings, service, doctor, diagnostics, analyse."""

import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from cratehand.app.cli.analysis_shapes import reading_json
from cratehand.app.data_folder import DataFolder
from tests.fakes.readings import analysis, reading
from tests.unit.app.conftest import Said

Cratehand = Callable[..., Said]


def test_settings_are_shown_with_their_origin(
    cratehand: Cratehand, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.make()
    (folder.path / "cratehand.toml").write_text("[master]\nurl = 'postgresql://a:hunter2@b/c'\n[logs]\nlevel='error'\n")
    monkeypatch.setenv("CRATEHAND__SERVERS__OSC_PORT", "0")
    said = cratehand("config", "show", "--origin")
    assert "hunter2" not in said.out
    assert "# env CRATEHAND__SERVERS__OSC_PORT" in said.out
    shown = cratehand("config", "show", "--origin", "--json").json
    assert shown["logs"]["level"] == {"value": "error", "origin": f"file {folder.path / 'cratehand.toml'}"}
    assert cratehand("config", "show", "--json").json["servers"]["osc_port"] == 0
    assert cratehand("config", "check").code == 0


def test_a_service_is_shown_before_it_is_installed(cratehand: Cratehand, folder: DataFolder) -> None:
    said = cratehand("service", "install", "--dry-run", "--json")
    if said.code == 0:  # where this system's services are known
        assert str(folder.path) in json.dumps(said.json["changes"])
    assert cratehand("service", "logs").code == 1


def test_the_osc_table_is_printed(cratehand: Cratehand) -> None:
    assert "/cratehand/ping" in cratehand("doctor", "--osc").out
    assert {"address", "direction", "arguments", "does"} == set(cratehand("doctor", "--osc", "--json").json[0])


@pytest.mark.usefixtures("crate")
def test_doctor_finds_a_sound_house_usable(cratehand: Cratehand, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRPC_PORT", "OSC_PORT", "HTTP_PORT"):
        monkeypatch.setenv(f"CRATEHAND__SERVERS__{name}", "0")
    said = cratehand("doctor", "--json")
    findings = {finding["check"]: finding for finding in said.json}
    assert said.code == 0, said.out
    assert findings["catalogue"]["health"] == "good"
    assert {"Python", "settings", "data folder", "SQLite", "ffmpeg", "libsndfile", "Rekordbox", "MIDI"} <= set(findings)


@pytest.mark.usefixtures("crate")
def test_doctor_names_the_fix_of_what_is_broken(
    cratehand: Cratehand, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRATEHAND__SERVERS__GRPC_PORT", "0")
    folder.token()
    folder.token_file.chmod(0o644)
    (folder.path / "cratehand.toml").write_text("[watch]\nrekordbox = '/nowhere/master.db'\n")
    with folder.catalogue.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096))
    said = cratehand("doctor", "--json")
    broken = {finding["check"]: finding for finding in said.json if finding["health"] == "broken"}
    assert said.code == 1
    assert {"token", "Rekordbox", "catalogue"} <= set(broken)
    assert broken["token"]["fix"] == f"chmod 600 {folder.token_file}"
    assert "cratehand restore" in broken["catalogue"]["fix"]


def test_doctor_works_with_settings_that_do_not(cratehand: Cratehand, folder: DataFolder) -> None:
    folder.make()
    (folder.path / "cratehand.toml").write_text("[servers]\ngrpc_port = 'x'\nosc = 1\n")
    said = cratehand("doctor", "--json")
    assert said.code == 1
    finding = next(each for each in said.json if each["check"] == "settings")
    assert finding["health"] == "broken"
    assert "[servers] osc is no setting" in finding["finding"]


def test_doctor_says_who_to_look_for_where_a_port_is_taken(
    cratehand: Cratehand, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("CRATEHAND__SERVERS__GRPC_PORT", str(port))
        findings = cratehand("doctor", "--json").json
    finding = next(each for each in findings if each["check"] == "grpc port")
    assert finding["health"] == "broken"
    assert str(port) in finding["finding"]
    assert "grpc_port = 0" in finding["fix"]


@pytest.mark.usefixtures("crate")
def test_the_diagnostics_tell_no_token_no_home_and_no_music(
    cratehand: Cratehand, folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "homes" / "robinhood"
    (home / "My Zebra Crate").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("LOGNAME", "robinhood")
    token = folder.token()
    (folder.path / "cratehand.toml").write_text(
        f"[watch]\nfolders = ['{home}/My Zebra Crate']\nignore = ['*Hidden Artist*']\n"
        "[master]\nurl = 'postgresql://robinhood:hunter2@nas.example/crate'\n"
    )
    (folder.logs / "cratehand.log").write_text(
        f"INFO cratehand.x: analysed {home}/My Zebra Crate/Second Balcony.mp3 for robinhood\n"
        f"INFO cratehand.x: asked with {token}: Velvet Meridian – Second Balcony\n"
        f"WARNING cratehand.x: {home}/My Zebra Crate is not there\n"
        f"ERROR cratehand.x: {tmp_path}/music/Night Tram - Depot.flac: damaged\n"
    )
    target = tmp_path / "report.zip"
    cratehand("doctor", "--diagnostics", str(target))
    with zipfile.ZipFile(target) as bundle:
        texts = {name: bundle.read(name).decode() for name in bundle.namelist()}
    assert set(texts) >= {"versions.json", "settings.json", "doctor.json", "counts.json", "logs/cratehand.log"}
    whole = "\n".join(texts.values())
    private = (
        token,
        "hunter2",
        "robinhood",
        str(home),
        str(tmp_path),
        "Zebra",
        "Balcony",
        "Meridian",
        "Depot",
        "Hidden",
    )
    assert [word for word in private if word in whole] == []
    assert json.loads(texts["counts.json"])["tracks"]["total"] == 3
    assert "damaged" in texts["logs/cratehand.log"]


# --- analyse -----------------------------------------------------------------------------------------------------


def test_what_could_not_be_measured_is_null_and_never_0() -> None:
    shown = reading_json(reading("/x.flac", analysis=analysis(tempo_bpm=None)))
    assert (shown["tempo_bpm"], shown["tempo_confidence"], shown["beat_grid"]) == (None, None, None)
    assert shown["quality"] is None
    assert reading_json(reading("/x.flac", analysis=None, errors=("no audio",))) == {
        "path": "/x.flac",
        "errors": ["no audio"],
    }


def test_an_empty_folder_is_an_empty_list(cratehand: Cratehand, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = cratehand("analyse", str(tmp_path / "empty"), "--json")
    assert (said.code, said.json) == (0, [])


def test_a_file_that_can_not_be_read_has_path_and_errors_only(cratehand: Cratehand, tmp_path: Path) -> None:
    said = cratehand("analyse", str(tmp_path / "gone.mp3"), "--json")
    assert said.code == 1
    (row,) = said.json
    assert set(row) == {"path", "errors"}
    assert row["path"] == str(tmp_path / "gone.mp3")


def test_output_that_nobody_reads_any_more_is_no_error_message(folder: DataFolder) -> None:
    command = [sys.executable, "-m", "cratehand.app", "config", "show"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder.path.parent) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""
