"""Where the database of Rekordbox is found."""

import json
from pathlib import Path

import pytest

from cratehand_bridges.rekordbox import find_anlz_root, find_database


def a_file(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def options(pioneer: Path, text: str) -> None:
    a_file(pioneer / "rekordboxAgent" / "storage" / "options.json").write_text(text, encoding="utf-8")


def settings(pioneer: Path, text: str) -> None:
    a_file(pioneer / "rekordbox6" / "rekordbox3.settings").write_text(text, encoding="utf-8")


def test_macos_keeps_it_in_the_users_library(tmp_path: Path) -> None:
    usual = a_file(tmp_path / "Library" / "Pioneer" / "rekordbox" / "master.db")
    assert find_database(environment={"HOME": str(tmp_path)}, platform="darwin") == usual


@pytest.mark.parametrize("variable", ["APPDATA", "USERPROFILE"])
def test_windows_keeps_it_in_the_roaming_profile(tmp_path: Path, variable: str) -> None:
    roaming = tmp_path / "AppData" / "Roaming"
    usual = a_file(roaming / "Pioneer" / "rekordbox" / "master.db")
    environment = {variable: str(roaming if variable == "APPDATA" else tmp_path)}
    assert find_database(environment=environment, platform="win32") == usual


def test_what_rekordbox_says_goes_before_the_usual_place(tmp_path: Path) -> None:
    a_file(tmp_path / "Library" / "Pioneer" / "rekordbox" / "master.db")
    moved = a_file(tmp_path / "Volumes" / "SSD" / "ü '& x" / "master.db")
    pioneer = tmp_path / "Library" / "Application Support" / "Pioneer"
    options(pioneer, json.dumps({"options": [["port", "30001"], ["db-path", str(moved)]]}))
    assert find_database(environment={"HOME": str(tmp_path)}, platform="darwin") == moved


def test_the_settings_file_is_asked_too(tmp_path: Path) -> None:
    moved = a_file(tmp_path / "SSD" / "master.db")
    settings(tmp_path / "Pioneer", f'<PROPERTIES><VALUE name="masterDbDirectory" val="{moved.parent}"/></PROPERTIES>')
    assert find_database(environment={"APPDATA": str(tmp_path)}, platform="win32") == moved


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"options": [["db-path"]]}', "{'"])
def test_a_damaged_options_file_is_passed_over(tmp_path: Path, text: str) -> None:
    usual = a_file(tmp_path / "Pioneer" / "rekordbox" / "master.db")
    options(tmp_path / "Pioneer", text)
    settings(tmp_path / "Pioneer", "<PROPERTIES><VALUE")
    assert find_database(environment={"APPDATA": str(tmp_path)}, platform="win32") == usual


def test_nothing_is_found_where_nothing_is(tmp_path: Path) -> None:
    for platform in ("darwin", "win32", "linux"):
        assert find_database(environment={"HOME": str(tmp_path)}, platform=platform) is None
    assert find_database(environment={}, platform="darwin") is None


def test_analysis_files_lie_in_share_beside_the_database(tmp_path: Path) -> None:
    assert find_anlz_root(tmp_path / "master.db") is None
    (tmp_path / "share").mkdir()
    assert find_anlz_root(tmp_path / "master.db") == tmp_path / "share"
