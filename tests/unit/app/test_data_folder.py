"""The data folder: rights, token, ready.json, and that one daemon owns it."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cratehand.app.data_folder import DataFolder, default_data_dir
from cratehand.domain.errors import ConflictError, InvalidInputError, UnavailableError

OWNER = """
import sys
from pathlib import Path
from cratehand.app.data_folder import DataFolder
folder = DataFolder(Path(sys.argv[1]))
with folder.locked():
    folder.write_ready(grpc="127.0.0.1:1", osc="127.0.0.1:2", http="http://127.0.0.1:3")
    print("owned", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data").make()


class Owner:
    """Another process that owns a data folder until the end of the block."""

    def __init__(self, folder: DataFolder) -> None:
        self._command = [sys.executable, "-c", OWNER, str(folder.path)]

    def __enter__(self) -> "subprocess.Popen[str]":
        self.process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "owned\n"
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_is_made_with_what_belongs_into_it(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "a" / "b").make()
    assert mode(folder.path) == 0o711
    assert all(each.is_dir() for each in (folder.cache, folder.models, folder.trash, folder.logs))


def test_the_rights_of_an_existing_folder_stay(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    DataFolder(tmp_path).make()
    assert mode(tmp_path) == 0o750


def test_a_file_in_its_place_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("x")
    with pytest.raises(InvalidInputError, match=r"data is a file: choose another with --data-dir"):
        DataFolder(tmp_path / "data").make()


def test_a_place_that_can_not_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnavailableError, match="can not be made"):
        DataFolder(tmp_path / "file" / "data").make()


def test_the_token_is_made_once_and_readable_by_this_user_only(folder: DataFolder) -> None:
    token = folder.token()
    assert len(token) >= 32
    assert mode(folder.token_file) == 0o600
    assert folder.token() == token
    folder.token_file.chmod(0o644)
    assert folder.token() == token
    assert mode(folder.token_file) == 0o600


def test_an_empty_token_is_replaced(folder: DataFolder) -> None:
    folder.token_file.write_text("\n")
    assert folder.token()


def test_ready_says_what_the_surface_says(folder: DataFolder) -> None:
    with folder.locked():
        folder.write_ready(grpc="127.0.0.1:5", osc="127.0.0.1:6", http="http://127.0.0.1:7")
        assert json.loads(folder.ready_file.read_text()) == {
            "pid": os.getpid(),
            "grpc": "127.0.0.1:5",
            "osc": "127.0.0.1:6",
            "http": "http://127.0.0.1:7",
            "token_file": str(folder.token_file),
        }
        assert folder.read_ready() is not None
        folder.remove_ready()
        assert folder.read_ready() is None
        assert [path.name for path in folder.path.iterdir() if path.name.startswith(".")] == []


def test_what_a_killed_daemon_left_is_not_believed(folder: DataFolder) -> None:
    with Owner(folder) as process:
        ready = folder.read_ready()
        assert ready is not None
        assert ready.pid == process.pid == folder.owner()
    assert folder.ready_file.exists()
    assert folder.read_ready() is None
    assert folder.owner() is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_damaged_ready_file_is_no_daemon(folder: DataFolder, text: str) -> None:
    with folder.locked():
        folder.ready_file.write_text(text)
        assert folder.read_ready() is None


def test_the_second_daemon_is_told_who_has_the_folder(folder: DataFolder) -> None:
    with Owner(folder) as process, pytest.raises(ConflictError, match=rf"process {process.pid}"), folder.locked():
        pass
    with folder.locked():
        assert folder.owner() == os.getpid()


def test_the_lock_holds_inside_one_process_too_and_looking_does_not_break_it(folder: DataFolder) -> None:
    with folder.locked():
        with pytest.raises(ConflictError), DataFolder(folder.path).locked():
            pass
        assert DataFolder(folder.path).owner() == os.getpid()
        code = "import sys; from pathlib import Path; from cratehand.app.data_folder import DataFolder; "
        code += "sys.exit(DataFolder(Path(sys.argv[1])).owner() != int(sys.argv[2]))"
        assert subprocess.run([sys.executable, "-c", code, folder.path, str(os.getpid())], check=False).returncode == 0


def test_nothing_of_ours_is_music_but_the_demo_crate(folder: DataFolder) -> None:
    assert folder.never_music == (folder.path,)
    folder.demo.mkdir()
    (folder.path / "stray.wav").touch()
    ours = folder.never_music
    assert folder.demo not in ours
    assert folder.path not in ours
    assert {folder.cache, folder.trash, folder.logs, folder.path / "postgres", folder.path / "stray.wav"} <= set(ours)


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRATEHAND_DATA_DIR", str(tmp_path))
    assert default_data_dir() == tmp_path
    monkeypatch.delenv("CRATEHAND_DATA_DIR")
    assert default_data_dir().name == "cratehand"
