"""The user's files are read and never changed, whoever has them open."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cratehand.domain.fields import Field
from cratehand_bridges.rekordbox import RekordboxDatabase
from tests.fakes.rekordbox_database import FakeCue, FakeTrack, build_master_db
from tests.unit.bridges.rekordbox.other_process import OtherProcess

ReaderOf = Callable[[Path], RekordboxDatabase]
Looks = dict[str, tuple[str, int, int, int]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An encrypted collection of three tracks that nobody has open."""
    path = tmp_path / "rekordbox" / "master.db"
    build_master_db(path, [FakeTrack(title=f"T{n}", cues=(FakeCue(start_s=1.0),)) for n in range(3)])
    return path


@pytest.fixture(scope="module")
def process() -> Iterator[OtherProcess]:
    with OtherProcess() as process:
        yield process


@pytest.fixture
def rekordbox(process: OtherProcess, path: Path) -> Iterator[OtherProcess]:
    process.tell(f"open {path}")
    yield process
    process.tell("close")


@pytest.fixture
def crashing(path: Path) -> Iterator[OtherProcess]:
    with OtherProcess() as process:
        process.tell(f"open {path}")
        yield process


def looks(path: Path) -> Looks:
    """Content, size, time and inode of every file in the user's folder."""
    found = {}
    for file in sorted(path.parent.iterdir()):
        status = file.stat()
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        found[file.name] = (digest, status.st_size, status.st_mtime_ns, status.st_ino)
    return found


def titles(reader: RekordboxDatabase) -> list[object]:
    return [track.values[Field.TITLE] for track in reader.read(None).tracks]


def test_nothing_changes_beside_an_open_and_writing_rekordbox(
    path: Path, rekordbox: OtherProcess, reader_of: ReaderOf
) -> None:
    rekordbox.tell("add T3")
    before = looks(path)
    assert set(before) == {"master.db", "master.db-wal", "master.db-shm"}
    reader = reader_of(path)
    mark = reader.read(None).mark
    assert looks(path) == before

    track = rekordbox.tell("add T4")
    before = looks(path)
    assert reader.has_changed()
    change = reader.read(mark)
    assert [each.id for each in change.tracks] == [track]
    assert looks(path) == before

    rekordbox.tell("begin")
    before = looks(path)
    assert titles(reader_of(path)) == ["T0", "T1", "T2", "T3", "T4"]
    reader.close()
    assert looks(path) == before


def test_nothing_changes_while_rekordbox_is_closed(path: Path, reader_of: ReaderOf) -> None:
    before = looks(path)
    reader = reader_of(path)
    mark = reader.read(None).mark
    assert reader.has_changed() is False
    reader.read(mark)
    reader.analysis_of([])
    reader.close()
    assert looks(path) == before
    assert list(before) == ["master.db"]


def test_rekordbox_can_tidy_up_when_it_closes(path: Path, rekordbox: OtherProcess, reader_of: ReaderOf) -> None:
    reader = reader_of(path)
    rekordbox.tell("add T3")
    mark = reader.read(None).mark
    reader.has_changed()
    rekordbox.tell("close")
    assert list(looks(path)) == ["master.db"]
    assert reader.read(mark).is_empty


def test_what_a_crashed_rekordbox_left_is_read_and_stays(
    path: Path, crashing: OtherProcess, reader_of: ReaderOf
) -> None:
    crashing.tell("add T3")
    crashing.tell("begin")
    crashing.kill()
    before = looks(path)
    assert "master.db-wal" in before
    assert titles(reader_of(path)) == ["T0", "T1", "T2", "T3"]
    assert looks(path) == before


def test_a_log_without_its_index_is_read_from_a_copy(
    path: Path, crashing: OtherProcess, reader_of: ReaderOf, tmp_path: Path
) -> None:
    crashing.tell("add T3")
    crashing.kill()
    (path.parent / "master.db-shm").unlink()
    before = looks(path)
    reader = reader_of(path)
    assert titles(reader) == ["T0", "T1", "T2", "T3"]
    assert "from a copy" in reader.describe()
    assert looks(path) == before
    assert not list((tmp_path / "cache").glob("*/*")), "the copy is removed again"


def test_a_lock_that_stays_is_got_round_with_a_copy(path: Path, rekordbox: OtherProcess, reader_of: ReaderOf) -> None:
    rekordbox.tell("add T3")
    rekordbox.tell("lock")
    before = looks(path)
    assert titles(reader_of(path)) == ["T0", "T1", "T2", "T3"]
    assert looks(path) == before


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no such permissions")
def test_a_folder_that_can_not_be_written_is_read(path: Path, reader_of: ReaderOf) -> None:
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert titles(reader_of(path)) == ["T0", "T1", "T2"]
    finally:
        path.parent.chmod(0o755)


def test_a_change_by_rekordbox_shows_though_master_db_itself_does_not_change(
    path: Path, rekordbox: OtherProcess, reader_of: ReaderOf
) -> None:
    rekordbox.tell("add T3")
    reader = reader_of(path)
    reader.read(None)
    main = path.stat()
    rekordbox.tell("add T4")
    assert path.stat() == main
    assert reader.has_changed()


def test_a_restored_backup_in_its_place_is_noticed(path: Path, reader_of: ReaderOf, tmp_path: Path) -> None:
    reader = reader_of(path)
    mark = reader.read(None).mark
    other = tmp_path / "backup.db"
    build_master_db(other, [FakeTrack(title="From the backup")])
    shutil.move(other, path)
    assert reader.has_changed()
    change = reader.read(mark)
    assert change.full
    assert [track.values[Field.TITLE] for track in change.tracks] == ["From the backup"]
