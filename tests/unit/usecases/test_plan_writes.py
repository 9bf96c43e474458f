"""What a plan changes reaches Rekordbox's own database once Rekordbox is closed, and leaves it again on undo."""

from collections.abc import Sequence
from pathlib import Path

from cratehand.audio.decode import FileReader
from cratehand.domain.collection import CollectionTrack
from cratehand.domain.ids import ForeignId
from cratehand.usecases.collection_writes import CollectionWrites
from cratehand.usecases.plan_writes import PlanWrites
from cratehand_bridges.rekordbox import RekordboxWriter, WriterSettings
from tests.fakes.rekordbox_database import FakeCue, FakeTrack, MasterDb
from tests.fakes.swaps import OFFSET_S, TRACK, Crate, make_crate
from tests.unit.bridges.rekordbox.written import PLAYLISTS_FILE, all_rows, track_of, without_stamps


class Programs:
    def __init__(self) -> None:
        self.running: list[str] = []

    def __call__(self) -> Sequence[str]:
        return ["systemd", *self.running]


def collection(crate: Crate) -> tuple[Path, CollectionTrack]:
    """Make a database that has the track of the crate, with the cues that the catalogue then has, too."""
    database = crate.root / "data" / "pioneer" / "master.db"
    one = FakeTrack(
        title="Title",
        path=str(crate.current),
        cues=(FakeCue(start_s=0.25, pad=0, label="A"), FakeCue(start_s=0.125)),
        columns={"FileNameL": crate.current.name, "OrgFolderPath": str(crate.current), "FileType": 1},
    )
    with MasterDb(database, encrypted=False) as master, master.batch():
        row = master.add(one)
    database.with_name("masterPlaylists6.xml").write_text(PLAYLISTS_FILE, encoding="utf-8")
    track = track_of(database, row)
    with crate.catalogue.writing() as stores:
        stores.tracks.set_collection_id(TRACK, ForeignId(row))
        stores.cues.replace(TRACK, track.cues, origin="rekordbox")
    return database, track


def test_it_waits_while_rekordbox_runs_and_is_written_and_undone_when_closed(tmp_path: Path) -> None:
    crate, programs = make_crate(tmp_path), Programs()
    database, before = collection(crate)
    rows = all_rows(database)
    settings = WriterSettings(folder=tmp_path / "data" / "rekordbox")
    writer = RekordboxWriter(database, settings, clock=crate.clock, programs=programs)
    history = crate.history()
    queue = PlanWrites(crate.catalogue, probe=FileReader().probe, clock=crate.clock)
    writes = CollectionWrites(queue, writer, clock=crate.clock, ended=lambda _: None)
    plan = crate.upgrade()

    programs.running = ["rekordbox"]
    queue.take(history.apply(plan.id, who="dj"))
    writes.attempt()
    assert crate.plan().record["rekordbox"]["state"] == "waiting"
    assert all_rows(database) == rows

    programs.running = []
    assert not writes.attempt()
    assert crate.plan().record["rekordbox"]["state"] == "written"
    after = track_of(database, before.id)
    assert after.location == str(tmp_path / "music/Artist - Title.flac")
    moved = {cue.foreign_id: cue.start_s for cue in after.cues}
    assert all(abs(moved[cue.foreign_id] - cue.start_s - OFFSET_S) <= 0.001 for cue in before.cues)

    programs.running = ["rekordboxAgent"]
    queue.take(history.undo(plan.id, who="dj"))
    assert writes.attempt()
    assert crate.plan().record["rekordbox"]["state"] == "undo_waiting"
    programs.running = []
    writes.attempt()
    assert crate.plan().record["rekordbox"]["state"] == "undone"
    assert without_stamps(all_rows(database)) == without_stamps(rows)


def test_what_was_undone_before_it_was_written_is_dropped(tmp_path: Path) -> None:
    crate, programs = make_crate(tmp_path), Programs()
    database, _ = collection(crate)
    rows = all_rows(database)
    writer = RekordboxWriter(
        database, WriterSettings(folder=tmp_path / "data" / "rekordbox"), clock=crate.clock, programs=programs
    )
    history = crate.history()
    queue = PlanWrites(crate.catalogue, probe=FileReader().probe, clock=crate.clock)
    writes = CollectionWrites(queue, writer, clock=crate.clock, ended=lambda _: None)
    plan = crate.upgrade()
    programs.running = ["rekordbox"]
    queue.take(history.apply(plan.id, who="dj"))
    writes.attempt()
    queue.take(history.undo(plan.id, who="dj"))
    programs.running = []
    assert not writes.attempt()
    assert crate.plan().record["rekordbox"]["state"] == "dropped"
    assert all_rows(database) == rows


def test_a_row_that_somebody_changed_blocks_it_and_is_named(tmp_path: Path) -> None:
    crate, programs = make_crate(tmp_path), Programs()
    database, before = collection(crate)
    writer = RekordboxWriter(
        database, WriterSettings(folder=tmp_path / "data" / "rekordbox"), clock=crate.clock, programs=programs
    )
    history = crate.history()
    queue = PlanWrites(crate.catalogue, probe=FileReader().probe, clock=crate.clock)
    writes = CollectionWrites(queue, writer, clock=crate.clock, ended=lambda _: None)
    plan = crate.upgrade()
    with MasterDb(database, encrypted=False) as master:
        master.change_track(before.id, FolderPath="/elsewhere/x.mp3")
    rows = all_rows(database)
    queue.take(history.apply(plan.id, who="dj"))
    writes.attempt()
    told = crate.plan().record["rekordbox"]
    assert told["state"] == "refused"
    assert "FolderPath" in told["problem"] or "elsewhere" in told["problem"]
    assert all_rows(database) == rows
