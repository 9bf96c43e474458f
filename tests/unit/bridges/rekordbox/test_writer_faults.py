"""When a write must not happen it does not, and says why; whatever dies in the middle leaves the old or the new state."""

import itertools
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cratehand.domain.collection_edit import (
    UPGRADED_PLAYLIST,
    CollectionEdit,
    EditRecord,
    ObstacleKind,
    PlaylistExtended,
)
from cratehand.domain.collection_edit_codec import edit_to_json, record_to_json
from cratehand.domain.errors import (
    ConflictError,
    CorruptFileError,
    CratehandError,
    InternalError,
    NotFoundError,
    UnavailableError,
    UnsupportedError,
)
from cratehand.domain.ids import ForeignId
from cratehand_bridges.rekordbox import RekordboxDatabase, RekordboxWriter, WriterSettings
from cratehand_bridges.rekordbox.connection import connect, is_encrypted
from cratehand_bridges.rekordbox.processes import running_programs, running_rekordbox
from tests.fakes.clock import HandWoundClock
from tests.fakes.rekordbox_database import MasterDb
from tests.unit.bridges.rekordbox.killed_writer import KilledWriter
from tests.unit.bridges.rekordbox.written import (
    PLAYLISTS_FILE,
    all_rows,
    fill,
    nothing_runs,
    rating,
    track_of,
    upgrade,
    without_stamps,
    writer_of,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rekordbox" / "master.db"
    with MasterDb(path, encrypted=False) as master:
        fill(master)
    path.with_name("masterPlaylists6.xml").write_text(PLAYLISTS_FILE, encoding="utf-8")
    return path


@pytest.fixture
def one(path: Path) -> str:
    first, _ = all_rows(path, ["djmdContent"])["djmdContent"]
    return first[2:-1]


def refused(writer: RekordboxWriter, path: Path, edits: list[CollectionEdit], kind: type[CratehandError]) -> str:
    """Apply, expect exactly this error, and that nothing was written; returns the message."""
    before = all_rows(path)
    with pytest.raises(kind) as caught:
        writer.apply(edits)
    assert caught.type is kind
    assert "\n" not in str(caught.value)
    assert all_rows(path) == before
    assert path.with_name("masterPlaylists6.xml").read_text(encoding="utf-8") == PLAYLISTS_FILE
    assert str(caught.value) in writer.describe()
    return str(caught.value)


@pytest.mark.parametrize(
    "name", ["rekordbox", "Rekordbox.exe", "rekordboxAgent", "rekordboxAgent.exe", "rekordbox 7", "REKORDBOX"]
)
def test_a_running_rekordbox_or_agent_stops_a_write(path: Path, one: str, name: str) -> None:
    writer = writer_of(path, programs=lambda: ["init", name])
    assert f"{name} is running" in refused(writer, path, [rating(one, 4, 5)], UnavailableError)
    (obstacle,) = writer.check([rating(one, 4, 5)])
    assert obstacle.kind is ObstacleKind.RUNNING


def test_other_programs_do_not(path: Path) -> None:
    assert running_rekordbox(lambda: ["rekordbox-library-fixer", "my rekordbox", "python"]) == []
    assert Path(sys.executable).name[:6] in {name[:6] for name in running_programs()}


def test_processes_that_can_not_be_listed_stop_a_write(path: Path, one: str) -> None:
    def forbidden() -> list[str]:
        raise PermissionError("no")

    for lister in (forbidden, list):
        writer = writer_of(path, programs=lister)
        assert "can not tell" in refused(writer, path, [rating(one, 4, 5)], UnavailableError)
        assert [each.kind for each in writer.check([])] == [ObstacleKind.RUNNING]


@pytest.mark.parametrize("looks_until_it_runs", [1, 2])
def test_a_rekordbox_that_starts_in_the_middle_stops_the_write(path: Path, one: str, looks_until_it_runs: int) -> None:
    looks = 0

    def starting() -> list[str]:
        nonlocal looks
        looks += 1
        return ["rekordbox"] if looks > looks_until_it_runs else ["init"]

    writer = writer_of(path, programs=starting)
    assert "running" in refused(writer, path, upgrade(track_of(path, one)), UnavailableError)
    assert not list((path.parent.parent / "backups").glob("*.db")), "tries do not fill the disk"
    assert writer_of(path).apply([rating(one, 4, 5)]).rows


def test_an_unknown_schema_is_refused_with_its_fingerprint(path: Path, one: str) -> None:
    with MasterDb(path, encrypted=False) as master:
        master.connection.execute("ALTER TABLE djmdCue ADD COLUMN Shape INTEGER")
    writer = writer_of(path)
    text = refused(writer, path, [rating(one, 4, 5)], UnsupportedError)
    (obstacle,) = writer.check([rating(one, 4, 5)])
    assert (obstacle.kind, obstacle.what) == (ObstacleKind.UNSUPPORTED, text)
    fingerprint = text.split("schema ")[1].split(",")[0]
    assert len(fingerprint) == 16
    assert f"{fingerprint} (not known" in writer.describe()


def test_another_version_of_the_database_is_another_schema(path: Path, one: str) -> None:
    with MasterDb(path, encrypted=False) as master:
        master.connection.execute("UPDATE djmdProperty SET DBVersion = '7000'")
    assert "schema" in refused(writer_of(path), path, [rating(one, 4, 5)], UnsupportedError)


def test_a_database_that_is_not_there_is_named(path: Path, one: str) -> None:
    path.unlink()
    with pytest.raises(NotFoundError, match="no Rekordbox database"):
        writer_of(path).apply([rating(one, 4, 5)])
    assert not path.exists()
    assert [each.kind for each in writer_of(path).check([])] == [ObstacleKind.UNREADABLE]


def test_a_locked_database_is_waited_for_two_seconds(path: Path, one: str) -> None:
    with MasterDb(path, encrypted=False) as other:
        other.connection.execute("BEGIN IMMEDIATE")
        assert "locked" in refused(writer_of(path), path, [rating(one, 4, 5)], UnavailableError)
        other.connection.execute("ROLLBACK")


def test_two_of_us_take_turns(path: Path, one: str, tmp_path: Path) -> None:
    lock = f"import sqlite3,sys; c = sqlite3.connect({str(tmp_path / 'backups' / 'lock')!r}, isolation_level=None); "
    (tmp_path / "backups").mkdir()
    code = lock + "c.execute('BEGIN EXCLUSIVE'); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert "another cratehand" in refused(writer_of(path), path, [rating(one, 4, 5)], UnavailableError)
        other.kill()
    assert writer_of(path).apply([rating(one, 4, 5)]).rows


def test_two_writers_share_no_stamp(path: Path, one: str) -> None:
    writer_of(path).apply([rating(one, 4, 5)])
    with MasterDb(path, encrypted=False) as rekordbox:
        rekordbox.change_track(one, Commnt="x")
    writer_of(path).apply(upgrade(track_of(path, one)))
    rows = all_rows(path)
    usns = [row["rb_local_usn"] for table in rows.values() for row in table.values() if row.get("rb_local_usn")]
    assert len(usns) == len(set(usns))


def test_a_reader_of_ours_does_not_open_the_door_in_the_middle_of_a_write(
    path: Path, one: str, reader_of: Callable[[Path], RekordboxDatabase]
) -> None:
    # Reading the -shm file by hand would drop the lock of the writer's transaction: another program would get in.
    reader = reader_of(path)
    mark = reader.read(None).mark
    code = (
        "import sys; from sqlcipher3 import dbapi2 as s; c = s.connect(sys.argv[1], timeout=0.1, isolation_level=None)\n"
        "try: c.execute('BEGIN IMMEDIATE'); print('got in')\nexcept s.OperationalError as e: print(e)"
    )
    looks, heard = 0, []
    reads: list[threading.Thread] = []

    def looking() -> list[str]:
        nonlocal looks
        looks += 1
        if looks == 3:
            look = threading.Thread(target=lambda: heard.append(reader.has_changed()))
            look.start()
            look.join(10)
            reads.append(threading.Thread(target=lambda: heard.append(len(reader.read(mark).tracks))))
            reads[0].start()
            reads[0].join(0.2)
            run = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
            heard.append(run.stdout.strip())
        return ["init"]

    writer_of(path, programs=looking).apply([rating(one, 4, 5)])
    reads[0].join(10)
    assert heard == [False, "database is locked", 1]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_is_named(path: Path, one: str) -> None:
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        assert "permissions" in refused(writer_of(path), path, [rating(one, 4, 5)], UnavailableError)
    finally:
        path.parent.chmod(0o755)


def test_a_database_that_refuses_writes_is_named(path: Path, one: str) -> None:
    # A header that says "read only" (write version 3) does to root what permissions do to others.
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\x03")
    before = path.read_bytes()
    with pytest.raises(UnavailableError, match="can not be written"):
        writer_of(path).apply([rating(one, 4, 5)])
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="forks")
def test_a_backup_that_finds_no_room_stops_the_write(path: Path, one: str, tmp_path: Path) -> None:
    assert (tmp_path / "rekordbox" / "master.db").stat().st_size > 200_000
    before = all_rows(path)
    child = os.fork()
    if child == 0:
        import resource
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        # A limit on the size of files looks to SQLite like a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            writer_of(path).apply([rating(one, 4, 5)])
        except UnavailableError as error:
            os._exit(7 if "make room" in str(error) else 8)
        os._exit(9)
    _, status = os.waitpid(child, 0)
    assert os.WEXITSTATUS(status) == 7
    assert all_rows(path) == before
    assert [each.name for each in (tmp_path / "backups").iterdir()] == ["lock"]


def test_a_damaged_database_shows_in_its_backup_and_is_not_written(path: Path, one: str, tmp_path: Path) -> None:
    with MasterDb(path, encrypted=False) as master:
        (page,) = master.connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'djmdHistory_usn'"
        ).fetchone()
        (size,) = master.connection.execute("PRAGMA page_size").fetchone()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\x07" * size
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="nothing was written"):
        writer_of(path).apply([rating(one, 4, 5)])
    assert path.read_bytes() == content
    assert [each.name for each in (tmp_path / "backups").iterdir()] == ["lock"]


def test_a_database_that_was_replaced_since_the_plan_is_a_conflict(path: Path, one: str, tmp_path: Path) -> None:
    edits = upgrade(track_of(path, one))
    record = writer_of(path).apply([rating(one, 4, 5)])
    path.unlink()
    with MasterDb(path, encrypted=False, database_id="99") as other:
        other.add_track("Else", rating=1)
    text = refused(writer_of(path), path, edits, ConflictError)
    assert one in text
    with pytest.raises(ConflictError, match="DBID"):
        writer_of(path).undo(record)


def test_a_database_that_is_replaced_in_the_middle_is_not_touched(path: Path, one: str, tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    shutil.copyfile(path, other)
    content = other.read_bytes()
    looks = 0

    def replacing() -> list[str]:
        nonlocal looks
        looks += 1
        if looks == 3:
            other.replace(path)
        return ["init"]

    with pytest.raises(ConflictError, match="replaced"):
        writer_of(path, programs=replacing).apply([rating(one, 4, 5)])
    assert path.read_bytes() == content


class ClockOfAnEvent(HandWoundClock):
    """A clock that lets something happen at its second look: the one just before the backup."""

    def __init__(self, event: Callable[[], None]) -> None:
        super().__init__(now_s=1_800_000_000.0)
        self._event, self._looks = event, 0

    def now_s(self) -> float:
        self._looks += 1
        if self._looks == 2:
            self._event()
        return super().now_s()


def test_somebody_who_writes_during_the_backup_stops_the_write(path: Path, one: str, tmp_path: Path) -> None:
    def write() -> None:
        with MasterDb(path, encrypted=False) as rekordbox:
            rekordbox.change_track(one, Commnt="just now")

    settings = WriterSettings(folder=tmp_path / "backups")
    writer = RekordboxWriter(path, settings, clock=ClockOfAnEvent(write), programs=nothing_runs)
    with pytest.raises(UnavailableError, match="while it was backed up"):
        writer.apply([rating(one, 4, 5)])
    assert all_rows(path)["djmdContent"][f"b'{one}'"]["Rating"] == 4
    assert writer.apply([rating(one, 4, 5)]).rows, "the next try goes through"


def test_a_database_that_does_not_keep_what_was_written_gets_its_backup_back(path: Path, one: str) -> None:
    with MasterDb(path, encrypted=False) as master:
        master.connection.execute(
            "CREATE TRIGGER meddling AFTER UPDATE OF Rating ON djmdContent "
            "BEGIN UPDATE djmdContent SET Rating = 1 WHERE ID = new.ID; END"
        )
    assert "its backup was put back" in refused(writer_of(path), path, [rating(one, 4, 5)], InternalError)


def test_a_damaged_file_of_playlists_stops_the_write_before_anything_is_written(path: Path, one: str) -> None:
    file = path.with_name("masterPlaylists6.xml")
    file.write_text("<MASTER_PLAYLIST><PLAYLISTS>", encoding="utf-8")
    edit = PlaylistExtended(name=UPGRADED_PLAYLIST, tracks=(ForeignId(one),))
    before = all_rows(path)
    with pytest.raises(CorruptFileError, match=r"masterPlaylists6\.xml"):
        writer_of(path).apply([edit])
    assert [each.kind for each in writer_of(path).check([edit])] == [ObstacleKind.UNREADABLE]
    assert writer_of(path).check([rating(one, 4, 5)]) == [], "it is in nobody else's way"
    assert all_rows(path) == before
    file.unlink()
    assert writer_of(path).apply([edit]).playlist_ids
    assert not file.exists(), "where Rekordbox keeps none, none is made"


def test_backups_are_checked_kept_and_rotated(path: Path, one: str, tmp_path: Path) -> None:
    stars = [4, 5, 3, 2, 1]
    records = []
    before = all_rows(path)
    for old, new in itertools.pairwise(stars):
        records.append(writer_of(path, kept=2).apply([rating(one, old, new)]))
    kept = sorted(each.name for each in (tmp_path / "backups").glob("*.db"))
    assert len(kept) == 2
    assert {Path(record.backup).name for record in records} >= set(kept)
    last = records[-1]
    assert without_stamps(all_rows(Path(last.backup))) != without_stamps(before)
    subprocess.run(["sh", "-c", last.restore_command], check=True)
    assert all_rows(path)["djmdContent"][f"b'{one}'"]["Rating"] == 2


POSIX = pytest.mark.skipif(os.name == "nt", reason="forks, and kills with SIGKILL")


@pytest.fixture(scope="module")
def killed() -> Iterator[KilledWriter]:
    killed = KilledWriter()
    yield killed
    killed.close()


def points_of(killed: KilledWriter, path: Path, tmp_path: Path, **order: object) -> int:
    """Write once on a copy, unharmed; returns how many points there are to kill at."""
    copy = tmp_path / "counted" / "rekordbox" / "master.db"
    shutil.copytree(path.parent, copy.parent)
    assert killed.run(path=str(copy), point=10**9, count_into=str(tmp_path / "count"), **order) == "finished"
    return int((tmp_path / "count").read_text())


def one_state_or_the_other(path: Path, old: object, new: object) -> None:
    connection = connect(path, "?mode=rw", encrypted=is_encrypted(path))
    assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    connection.close()
    assert states_of(path) in (old, new)


def states_of(path: Path) -> object:
    rows = without_stamps(all_rows(path))
    for table in ("djmdPlaylist", "djmdSongPlaylist", "djmdKey"):
        for row in rows[table].values():
            for name in ("ID", "UUID", "created_at", "PlaylistID"):
                row.pop(name, None)
        rows[table] = {str(sorted(map(str, row.items()))): row for row in rows[table].values()}
    for row in rows["djmdContent"].values():
        row.pop("KeyID")
    return rows


def kill_at(killed: KilledWriter, path: Path, tmp_path: Path, part: float) -> None:
    """Kill an apply at a part of its way, look, let it be done again, then the same with its undo."""
    (one, _) = (key[2:-1] for key in all_rows(path, ["djmdContent"])["djmdContent"])
    edits = upgrade(track_of(path, one))
    order = {"edits": [edit_to_json(edit) for edit in edits]}
    old = states_of(path)
    count = points_of(killed, path, tmp_path, **order)
    new = states_of(tmp_path / "counted" / "rekordbox" / "master.db")
    assert count > 300
    killed.run(path=str(path), point=1 + int(part * (count - 1)), **order)
    one_state_or_the_other(path, old, new)
    record = writer_of(path).apply(edits, change_id="the change")
    assert states_of(path) == new
    assert record.rows, "the record of an interrupted change is not lost"
    assert_playlists(path, record)
    undo = {"record": record_to_json(record)}
    shutil.rmtree(tmp_path / "counted")
    killed.run(path=str(path), point=1 + int(part * (count - 1)), **undo)
    one_state_or_the_other(path, old, new)
    writer_of(path).undo(record, change_id="the undo")
    assert states_of(path) == old
    assert path.with_name("masterPlaylists6.xml").read_text(encoding="utf-8") == PLAYLISTS_FILE


def assert_playlists(path: Path, record: EditRecord) -> None:
    text = path.with_name("masterPlaylists6.xml").read_text(encoding="utf-8")
    assert [f'Id="{int(each):X}"' in text for each in record.playlist_ids] == [True]


@POSIX
@pytest.mark.parametrize("part", [0.02, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0])
def test_a_kill_anywhere_leaves_the_old_state_or_the_new(
    killed: KilledWriter, path: Path, tmp_path: Path, part: float
) -> None:
    kill_at(killed, path, tmp_path, part)
