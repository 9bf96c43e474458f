"""The first import works in a process of its own, and whatever happens to that is told."""

import multiprocessing
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cratehand.app.first_import import PROCESS_NAME, FirstImport
from cratehand.catalogue import SqliteCatalogue, open_device
from cratehand.domain.errors import CorruptFileError, UnavailableError
from cratehand_bridges.rekordbox import RekordboxDatabase
from tests.fakes.rekordbox_database import FakeCue, FakeTrack, MasterDb


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[SqliteCatalogue]:
    opened = open_device(tmp_path / "catalogue.db")
    yield opened
    opened.close()


def first_import(tmp_path: Path) -> FirstImport:
    return FirstImport(tmp_path / "master.db", cache=tmp_path / "cache", catalogue=tmp_path / "catalogue.db")


def test_everything_comes_in_and_the_reader_goes_on_from_there(tmp_path: Path, catalogue: SqliteCatalogue) -> None:
    with MasterDb(tmp_path / "master.db") as rekordbox:
        rekordbox.add(FakeTrack(title="One", cues=(FakeCue(start_s=1.5),)))
        two = rekordbox.add(FakeTrack(title="Two"))
        report = first_import(tmp_path)()
        assert (len(report.added), report.cues) == (2, 1)
        rekordbox.change_track(two, Title="Two again")
        reader = RekordboxDatabase(tmp_path / "master.db", cache_dir=tmp_path / "cache")
        with catalogue.reading() as stores:
            mark = stores.collection.mark(reader.source)
            titles = {str(summary.title) for summary in stores.tracks.summaries(report.added)}
        assert mark is not None
        change = reader.read(mark)
        reader.close()
    assert titles == {"One", "Two"}
    assert not change.full
    assert [track.id for track in change.tracks] == [two]


def test_what_it_can_not_read_it_says(tmp_path: Path, catalogue: SqliteCatalogue) -> None:
    (tmp_path / "master.db").write_bytes(b"no database at all" * 1000)
    with pytest.raises(CorruptFileError, match=r"master\.db"):
        first_import(tmp_path)()


def test_an_end_breaks_it_off_and_nothing_is_half_done(tmp_path: Path, catalogue: SqliteCatalogue) -> None:
    with MasterDb(tmp_path / "master.db") as rekordbox:
        for number in range(50):
            rekordbox.add(FakeTrack(title=f"Track {number}"))
    work, errors = first_import(tmp_path), []

    def run() -> None:
        try:
            work()
        except UnavailableError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not any(child.name == PROCESS_NAME for child in multiprocessing.active_children()):
        time.sleep(0.001)
    work.stop()
    thread.join(20)
    assert not thread.is_alive()
    assert "broken off" in str(errors[0])
    with catalogue.reading() as stores:
        assert stores.tracks.counts()["total"] == 0
    with pytest.raises(UnavailableError, match="next start"):
        work()
