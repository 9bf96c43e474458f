"""Databases that can't be read: one clear line each, of the right kind, and back to work once they can."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.errors import (
    CorruptFileError,
    CratehandError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)
from cratehand_bridges.rekordbox import RekordboxDatabase
from cratehand_bridges.rekordbox.snapshot import take_snapshot
from tests.fakes.rekordbox_database import FakeTrack, MasterDb, build_master_db

ReaderOf = Callable[[Path], RekordboxDatabase]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rekordbox" / "master.db"
    build_master_db(path, [FakeTrack(title=f"T{n}" * 200) for n in range(100)])
    return path


def refused(reader: RekordboxDatabase, kind: type[CratehandError]) -> str:
    """Read, expect a refusal of exactly this kind, and return its message."""
    with pytest.raises(kind) as caught:
        reader.read(None)
    message = str(caught.value)
    assert caught.type is kind
    assert "\n" not in message
    assert message in reader.describe()
    return message


def test_a_database_that_is_not_there_is_named(tmp_path: Path, reader_of: ReaderOf) -> None:
    reader = reader_of(tmp_path / "nowhere" / "master.db")
    assert reader.has_changed()
    assert str(tmp_path / "nowhere" / "master.db") in refused(reader, NotFoundError)
    assert not reader.has_changed(), "nothing to do until it appears"


def test_a_folder_is_no_database(tmp_path: Path, reader_of: ReaderOf) -> None:
    assert "not a file" in refused(reader_of(tmp_path), NotFoundError)


def test_a_database_that_appears_is_read(path: Path, reader_of: ReaderOf, tmp_path: Path) -> None:
    away = tmp_path / "away.db"
    shutil.move(path, away)
    reader = reader_of(path)
    refused(reader, NotFoundError)
    shutil.move(away, path)
    assert reader.has_changed()
    assert len(reader.read(None).tracks) == 100


def test_a_database_that_vanishes_and_comes_back_goes_on_where_it_was(
    path: Path, reader_of: ReaderOf, tmp_path: Path
) -> None:
    reader = reader_of(path)
    mark = reader.read(None).mark
    shutil.move(path, tmp_path / "away.db")
    assert reader.has_changed()
    with pytest.raises(NotFoundError):
        reader.read(mark)
    shutil.move(tmp_path / "away.db", path)
    assert reader.has_changed()
    assert reader.read(mark).is_empty


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        (b"", "empty"),
        (b"not a database" * 1000, "not a Rekordbox database"),
        (bytes(8192), "not a Rekordbox database"),
        (random.Random(3).randbytes(5000), "not a Rekordbox database"),
    ],
    ids=["empty", "text", "zeros", "random bytes"],
)
def test_a_file_that_is_no_database_is_corrupt(path: Path, reader_of: ReaderOf, content: bytes, hint: str) -> None:
    path.write_bytes(content)
    reader = reader_of(path)
    assert hint in refused(reader, CorruptFileError)
    assert not reader.has_changed()


def test_another_key_is_told_from_damage(path: Path, reader_of: ReaderOf) -> None:
    path.unlink()
    connection = sqlcipher.connect(str(path))
    connection.execute("PRAGMA key = 'another key'")
    connection.execute("CREATE TABLE t (a)")
    connection.commit()
    connection.close()
    assert "another key" in refused(reader_of(path), UnauthorizedError)


@pytest.mark.parametrize("pages", [slice(4096, 3 * 4096), slice(20 * 4096, 60 * 4096)], ids=["schema", "rows"])
def test_damaged_pages_are_corrupt(path: Path, reader_of: ReaderOf, pages: slice) -> None:
    content = bytearray(path.read_bytes())
    content[pages] = random.Random(5).randbytes(len(content[pages]))
    path.write_bytes(content)
    assert "damaged" in refused(reader_of(path), CorruptFileError)


def test_a_truncated_database_is_corrupt(path: Path, reader_of: ReaderOf) -> None:
    path.write_bytes(path.read_bytes()[: 10 * 4096])
    assert "damaged" in refused(reader_of(path), CorruptFileError)


def test_a_database_of_something_else_is_unsupported(path: Path, reader_of: ReaderOf) -> None:
    path.unlink()
    with sqlcipher.connect(str(path)) as connection:
        connection.execute("CREATE TABLE songs (id)")
    connection.close()
    assert "djmdContent" in refused(reader_of(path), UnsupportedError)


def test_a_core_column_that_is_missing_is_named(path: Path, reader_of: ReaderOf) -> None:
    with MasterDb(path) as master:
        master.connection.execute("ALTER TABLE djmdCue DROP COLUMN OutMsec")
    assert "djmdCue.OutMsec" in refused(reader_of(path), UnsupportedError)


def test_a_failure_that_may_pass_is_tried_again(path: Path, reader_of: ReaderOf) -> None:
    journal = path.with_name("master.db-journal")
    with sqlcipher.connect(str(path.with_name("plain.db")), isolation_level=None) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.execute("BEGIN EXCLUSIVE")
        journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
        reader = reader_of(path.with_name("plain.db"))
        shutil.copyfile(journal, path.with_name("plain.db-journal"))
        refused(reader, UnavailableError)
        assert reader.has_changed()
        connection.execute("ROLLBACK")
    connection.close()


def test_a_cache_folder_that_can_not_be_written_costs_only_the_next_start(path: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    reader = RekordboxDatabase(path, cache_dir=tmp_path / "cache")
    mark = reader.read(None).mark
    assert reader.read(mark).is_empty
    reader.close()
    assert RekordboxDatabase(path, cache_dir=tmp_path / "cache").read(mark).full


def test_a_copy_without_room_says_so(path: Path, tmp_path: Path) -> None:
    (tmp_path / "full").write_text("a file where the folder should be")
    with pytest.raises(UnavailableError, match="can not copy"):
        take_snapshot(path, tmp_path / "full")


def test_closing_twice_is_fine(path: Path, reader_of: ReaderOf) -> None:
    reader = reader_of(path)
    reader.close()
    reader.read(None)
    reader.close()
    reader.close()
