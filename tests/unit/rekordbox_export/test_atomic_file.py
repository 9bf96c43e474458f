"""Files that appear only when they are complete."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from cratehand.domain.errors import InvalidInputError, NotFoundError, UnavailableError
from cratehand_rekordbox_export import write_file_atomically


def hello(target: BinaryIO) -> int:
    return target.write(b"hello")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_is_there_with_its_content_and_the_users_own_permissions(tmp_path: Path) -> None:
    assert write_file_atomically(tmp_path / "a.xml", hello) == 5
    assert (tmp_path / "a.xml").read_bytes() == b"hello"
    (tmp_path / "plain").write_bytes(b"")
    assert (tmp_path / "a.xml").stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert names(tmp_path) == ["a.xml", "plain"]


def test_the_old_file_stands_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"old")

    def look(target: BinaryIO) -> None:
        target.write(b"new")
        target.flush()
        assert path.read_bytes() == b"old"

    write_file_atomically(path, look)
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_the_permissions_of_the_old_file_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_file_atomically(path, hello)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("error", [KeyError("bug"), KeyboardInterrupt(), ValueError("bug")])
def test_whatever_goes_wrong_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path, error: BaseException) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"old")

    def fail(target: BinaryIO) -> None:
        target.write(b"half")
        raise error

    with pytest.raises(type(error)):
        write_file_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.xml"]


def test_a_full_disk_is_said_and_the_old_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"old")

    def full(target: BinaryIO) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UnavailableError, match="the disk is full; free some space"):
        write_file_atomically(path, full)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.xml"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_really_full_device_is_said(tmp_path: Path) -> None:
    def through_full(target: BinaryIO) -> None:
        with Path("/dev/full").open("wb", buffering=0) as device:
            device.write(b"x")

    with pytest.raises(UnavailableError, match="full"):
        write_file_atomically(tmp_path / "a.xml", through_full)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    with pytest.raises(UnavailableError, match="no permission"):
        write_file_atomically(folder / "a.xml", hello)


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EROFS, "no permission"),
        (errno.EACCES, "another program holds the file"),
        (errno.EDQUOT, "disk is full"),
        (errno.EIO, "try again or choose another folder"),
    ],
)
def test_every_refusal_of_the_system_says_what_to_do(tmp_path: Path, number: int, message: str) -> None:
    def refused(target: BinaryIO) -> None:
        raise OSError(number, os.strerror(number))

    with pytest.raises(UnavailableError, match=message) as caught:
        write_file_atomically(tmp_path / "a.xml", refused)
    assert isinstance(caught.value.__cause__, OSError)
    assert names(tmp_path) == []


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist; make it"):
        write_file_atomically(tmp_path / "none" / "a.xml", hello)


def test_names_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is a folder"):
        write_file_atomically(tmp_path, hello)
    for name in ("a" * 300 + ".xml", "a\0b"):
        with pytest.raises(InvalidInputError):
            write_file_atomically(tmp_path / name, hello)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((InvalidInputError, NotFoundError)):
        write_file_atomically(tmp_path / "file" / "a.xml", hello)
    assert names(tmp_path) == ["file"]


def test_a_name_of_full_length_is_written(tmp_path: Path) -> None:
    name = "ü" * 120 + ".xml"
    write_file_atomically(tmp_path / name, hello)
    assert names(tmp_path) == [name]


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.xml"
    real.write_bytes(b"old")
    link = tmp_path / "link.xml"
    link.symlink_to(real)
    write_file_atomically(link, hello)
    assert link.is_symlink()
    assert real.read_bytes() == b"hello"


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(InvalidInputError):
        write_file_atomically(tmp_path / "a", hello)
