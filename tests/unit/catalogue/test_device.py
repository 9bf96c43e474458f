import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cratehand.catalogue import Driver, SqliteCatalogue, check, choose_driver, open_device
from cratehand.domain.errors import (
    ConflictError,
    CorruptFileError,
    InternalError,
    UnavailableError,
    UnsupportedError,
)
from cratehand.domain.fields import Field
from cratehand.domain.search import TrackQuery
from tests.unit.catalogue.building import a_fact, a_track, track_id
from tests.unit.catalogue.crash import kill_a_writer

WRITER = """
import sys
from pathlib import Path
from cratehand.catalogue import open_device
from tests.unit.catalogue.building import a_track
catalogue, first, count = open_device(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])
for number in range(first, first + count):
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number)])
"""


def start(script: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_fresh_catalogue_is_made_with_its_folders_and_opens_fast(tmp_path: Path) -> None:
    open_device(tmp_path / "warm.db").close()
    start_s = time.perf_counter()
    open_device(tmp_path / "new ü % # ? folder" / "catalogue.db").close()
    assert time.perf_counter() - start_s < 0.5  # the bench holds it to 0.1; here the machine may be busy
    assert (tmp_path / "new ü % # ? folder" / "catalogue.db").exists()


def test_a_block_that_raises_leaves_nothing(catalogue: SqliteCatalogue) -> None:
    def fail_in_the_middle() -> None:
        with catalogue.writing() as stores:
            stores.tracks.add([a_track(1)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_in_the_middle()
    with catalogue.reading() as stores:
        assert stores.tracks.get(track_id(1)) is None


def test_a_reader_sees_one_moment_and_never_waits(catalogue: SqliteCatalogue) -> None:
    with catalogue.reading() as before:
        assert before.tracks.counts()["total"] == 0
        with catalogue.writing() as stores:
            stores.tracks.add([a_track(1)])
            with catalogue.reading() as meanwhile:
                assert meanwhile.tracks.counts()["total"] == 0
        assert before.tracks.counts()["total"] == 0
    with catalogue.reading() as after:
        assert after.tracks.counts()["total"] == 1


def test_nothing_is_written_through_a_reader(catalogue: SqliteCatalogue) -> None:
    with pytest.raises(UnavailableError), catalogue.reading() as stores:
        stores.tracks.add([a_track(1)])


def test_a_write_inside_a_write_is_a_bug_and_not_a_hang(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing(), pytest.raises(InternalError), catalogue.writing():
        pass
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1)])


def test_many_threads_read_and_write_without_losing_anything(catalogue: SqliteCatalogue) -> None:
    failures: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 20):
                with catalogue.writing() as stores:
                    stores.tracks.add([a_track(number)])
                    stores.facts.record(track_id(number), [a_fact(Field.TITLE, f"t{number}")])
                with catalogue.reading() as stores:
                    assert stores.tracks.query(TrackQuery(limit=5)).total > 0
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(100 * index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        catalogue.release_memory()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with catalogue.reading() as stores:
        assert stores.tracks.counts()["total"] == 160


def test_two_processes_write_in_turn(path: Path) -> None:
    children = [start(WRITER, path, 1000 * index, 40) for index in range(2)]
    for child in children:
        _, complaints = child.communicate(timeout=60)
        assert child.returncode == 0, complaints
    with open_device(path).reading() as stores:
        assert stores.tracks.counts()["total"] == 80
    assert check(path) == []


def test_who_waits_too_long_for_another_process_is_told(path: Path) -> None:
    holder, other = open_device(path), open_device(path, lock_wait_s=0.2)
    with holder.writing() as stores:
        stores.tracks.add([a_track(1)])
        with pytest.raises(UnavailableError, match="another program"), other.writing():
            pass
        with other.reading() as reading:
            assert reading.tracks.counts()["total"] == 0
    with other.writing() as stores:
        stores.tracks.add([a_track(2)])


@pytest.mark.parametrize("delay_s", [0.05, 0.15, 0.3])
def test_a_writer_killed_in_the_middle_leaves_whole_transactions_only(tmp_path: Path, delay_s: float) -> None:
    kill_a_writer(tmp_path / "catalogue.db", delay_s=delay_s)


def test_releasing_memory_closes_what_is_idle(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1)])

    def handles() -> int:
        # resolve instead of readlink: the handle of the listing itself is gone by the time it is looked at.
        names = [str(handle.resolve()) for handle in Path("/proc/self/fd").iterdir()]
        return sum(str(catalogue.path) in name for name in names)

    if not Path("/proc/self/fd").exists():
        pytest.skip("needs /proc")
    with catalogue.reading() as stores:
        assert stores.tracks.get(track_id(1)) is not None
        catalogue.release_memory()
        assert stores.tracks.get(track_id(1)) is not None
    catalogue.release_memory()
    assert handles() == 0
    with catalogue.reading() as stores:
        assert stores.tracks.get(track_id(1)) is not None


@pytest.mark.parametrize("content", [b"random bytes, not a database" * 400, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_file_that_is_no_database_is_corrupt_and_stays_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(CorruptFileError, match="restore"):
        open_device(path)
    assert path.read_bytes() == content


def test_a_foreign_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with choose_driver().module.connect(str(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    with pytest.raises(CorruptFileError, match="no catalogue"):
        open_device(path)


def test_a_damaged_page_is_told_in_one_line(path: Path) -> None:
    catalogue = open_device(path)
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(3000)])
    catalogue.close()
    with path.open("r+b") as file:
        file.seek(4096 * 30)
        file.write(b"\xa5" * 4096 * 200)
    with pytest.raises(CorruptFileError) as caught, open_device(path).reading() as stores:
        stores.tracks.query(TrackQuery(limit=5000))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert check(path) != []


def test_a_newer_schema_is_refused_and_not_touched(path: Path) -> None:
    open_device(path).close()
    with choose_driver().module.connect(str(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UnsupportedError, match="newer"):
        open_device(path)


def test_a_folder_that_can_not_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="folder"):
        open_device(tmp_path / "file" / "catalogue.db")
    (tmp_path / "catalogue.db").mkdir()
    with pytest.raises(UnavailableError):
        open_device(tmp_path / "catalogue.db")


LIMITED = """
import resource, sys
from pathlib import Path
from cratehand.catalogue import open_device
from cratehand.domain.errors import UnavailableError
from tests.unit.catalogue.building import a_track
catalogue = open_device(Path(sys.argv[1]))
with catalogue.writing() as stores:
    stores.tracks.add([a_track(1)])
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
try:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(2, 20_000)])
except UnavailableError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with catalogue.writing() as stores:
    assert stores.tracks.counts()["total"] == 1
    stores.tracks.add([a_track(2)])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs limits on the size of files")
def test_a_file_that_may_not_grow_loses_the_one_change_and_nothing_else(path: Path) -> None:
    child = start(LIMITED, path)
    said, complaints = child.communicate(timeout=60)
    assert child.returncode == 0, complaints
    assert "nothing was changed" in said
    with open_device(path).reading() as stores:
        assert stores.tracks.counts()["total"] == 2
    assert check(path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs to mount a small disk")
def test_a_full_disk_loses_the_one_change_and_nothing_else(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=False)
    if mounted.returncode != 0:
        pytest.skip("may not mount here")
    try:
        catalogue = open_device(disk / "catalogue.db")
        with catalogue.writing() as stores:
            stores.tracks.add([a_track(1)])
        with pytest.raises(UnavailableError, match="space"), catalogue.writing() as stores:
            stores.tracks.add([a_track(number) for number in range(2, 20_000)])
        catalogue.close()
        assert check(disk / "catalogue.db") == []
        with catalogue.reading() as stores:
            assert stores.tracks.counts()["total"] == 1
        catalogue.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_unavailable(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UnavailableError):
            open_device(tmp_path / "catalogue.db")
    finally:
        tmp_path.chmod(0o700)


def test_the_driver_tells_what_it_is_and_why() -> None:
    driver = choose_driver()
    assert driver.name in {"sqlite3", "pysqlite3", "sqlcipher3"}
    assert driver.sqlite_version in driver.reason
    assert "\n" not in driver.reason


def test_every_sqlite_that_is_there_can_hold_the_catalogue(tmp_path: Path) -> None:
    for name in ("sqlite3", "pysqlite3.dbapi2", "sqlcipher3.dbapi2"):
        module = pytest.importorskip(name)
        driver = Driver(module=module, has_vec=False, reason="of the test")
        catalogue = open_device(tmp_path / f"{name}.db", driver=driver)
        with catalogue.writing() as stores:
            stores.tracks.add([a_track(1)])
            assert stores.jobs.claim(limit=1, at_s=1.0) == []
        with pytest.raises(ConflictError), catalogue.writing() as stores:
            stores.tracks.add([a_track(1, path="/b.mp3")])
        catalogue.close()


def test_a_catalogue_that_vanished_is_made_anew_only_by_opening_it(path: Path) -> None:
    open_device(path).close()
    shutil.rmtree(path.parent)
    assert not path.exists()
    open_device(path).close()
    assert path.exists()
