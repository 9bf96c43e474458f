"""What goes wrong around a running daemon: it lives, says why in one line, and goes on when it can."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import grpc
import pytest
from sqlcipher3 import dbapi2 as sqlcipher

from cratehand_api.v1 import daemon_pb2
from tests.e2e.catalogue_facts import analyses_of, check_catalogue
from tests.e2e.daemon_process import DaemonProcess
from tests.e2e.songs import write_song
from tests.fakes.rekordbox_database import FakeTrack, MasterDb, build_master_db
from tests.unit.bridges.rekordbox.other_process import OtherProcess

pytestmark = pytest.mark.timeout(300)


@contextmanager
def small_disk(place: Path, *, size: str) -> Iterator[Path]:
    """Mount a small disk in memory; skips where that takes rights that we don't have."""
    place.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.call(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], stderr=subprocess.DEVNULL
    ):  # fmt: skip
        pytest.skip("only root on Linux can mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def trouble(daemon: DaemonProcess) -> str | None:
    """Return why the collection can't be read now."""
    status = daemon.status()
    return status.collection_error if status.HasField("collection_error") else None


def titles(daemon: DaemonProcess) -> set[str]:
    return {track.title for track in daemon.tracks()}


class Database:
    """The master.db that a daemon follows, and what happens to it."""

    def __init__(self, root: Path) -> None:
        self.path = root / "rekordbox" / "master.db"
        self._root = root

    def replace(self, tracks: Sequence[str], *, key: str | None = None) -> None:
        """Put another database in its place, as a restored backup."""
        new = self._root / "new.db"
        new.unlink(missing_ok=True)
        if key is None:
            build_master_db(new, [FakeTrack(title=title) for title in tracks])
        else:
            with closing(sqlcipher.connect(str(new), isolation_level=None)) as connection:
                connection.execute(f"PRAGMA key = '{key}'")
                connection.execute("CREATE TABLE djmdContent (ID)")
        self.path.parent.mkdir(exist_ok=True)
        new.replace(self.path)

    def damage(self) -> None:
        data = self.path.read_bytes()
        self.path.write_bytes(data[:4096] + os.urandom(len(data) - 4096))


def test_a_database_in_every_bad_state_is_told_and_the_daemon_goes_on(tmp_path: Path) -> None:
    database = Database(tmp_path)
    with DaemonProcess(tmp_path / "data", watch__rekordbox=str(database.path)) as daemon:

        def fails_with(words: str) -> None:
            found = daemon.wait_for(lambda: (now := trouble(daemon)) and words in now and now, what=words)
            assert "\n" not in found
            assert str(database.path) in found

        def knows(*names: str) -> None:
            daemon.wait_for(lambda: titles(daemon) == set(names) and not trouble(daemon), what=f"{names}")

        fails_with("no Rekordbox database")
        database.replace(["One", "Two"])
        knows("One", "Two")
        database.replace([], key="not the key")
        fails_with("another key")
        database.path.unlink()
        fails_with("no Rekordbox database")
        assert titles(daemon) == {"One", "Two"}, "a database that is not there deletes nothing"
        database.replace(["One", "Two", "Three"])
        knows("One", "Two", "Three")
        database.damage()
        fails_with("damaged")
        database.replace(["One", "Two", "Three", "Four"])
        knows("One", "Two", "Three", "Four")
        with OtherProcess() as rekordbox:
            rekordbox.tell(f"open {database.path}")
            rekordbox.tell("lock")
            assert daemon.status().uptime_s > 0
        with MasterDb(database.path) as mine:
            mine.add_track("Five")
        knows("One", "Two", "Three", "Four", "Five")
        assert "Traceback" not in daemon.said()
        assert "sqlcipher" not in daemon.said(), "the noise of a library is no clear line"
        assert daemon.stop() == 0
    check_catalogue(tmp_path / "data")


def test_a_full_disk_loses_nothing_and_the_work_goes_on_when_there_is_room(tmp_path: Path) -> None:
    music = tmp_path / "music"
    songs = [write_song(music / f"{number}.wav", number, bars=2) for number in range(6)]
    with small_disk(tmp_path / "disk", size="6m") as disk:
        with DaemonProcess(disk / "data") as daemon:
            filler = disk / "filler"
            fill(filler)
            with pytest.raises(grpc.RpcError) as refusal:
                for _ in range(50):
                    daemon.watch(music)
                    daemon.daemon.RemoveFolder(daemon_pb2.RemoveFolderRequest(path=str(music)), timeout=60)
            assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
            assert "no space left" in refusal.value.details()
            filler.unlink()
            daemon.watch(music)
            daemon.wait_for(lambda: daemon.status().tracks["analysed"] >= 1, what="the first analysis")
            fill(filler)
            daemon.wait_for(lambda: "no space left" in daemon.said(), what="a line about the full disk")
            assert daemon.status().uptime_s > 0
            assert len(daemon.tracks()) == 6
            filler.unlink()
            daemon.wait_until_idle(analysed=6)
            landed = write_song(music / "landed later.wav", 7, bars=2)
            daemon.wait_for(lambda: daemon.analysed(landed), what="the watching goes on")
            assert "Traceback" not in daemon.said()
            assert daemon.stop() == 0
        check_catalogue(disk / "data")
        counted = analyses_of(disk / "data")
    assert counted == dict.fromkeys([*map(str, songs), str(landed)], 1)


def fill(filler: Path) -> None:
    """Write until nothing goes in any more."""
    with filler.open("ab", buffering=0) as file:
        for size in (65536, 4096, 512):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


def test_a_read_only_folder_is_analysed_and_nothing_is_written_to_it(tmp_path: Path) -> None:
    with small_disk(tmp_path / "cd", size="20m") as disk:
        songs = [write_song(disk / "music" / f"{number}.flac", number, bars=2) for number in range(2)]
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with DaemonProcess(tmp_path / "data", "--watch", str(disk / "music")) as daemon:
            daemon.wait_until_idle(analysed=2)
            daemon.set_track(songs[0], title="Mine", tempo_bpm="double")
            assert daemon.track(songs[0]).summary.title == "Mine"
            subprocess.run(["umount", "-l", str(disk)], check=True)
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], check=True)
            daemon.wait_for(lambda: {t.presence for t in daemon.tracks()} == {"offline"}, what="the drive is off")
            assert daemon.stop() == 0
