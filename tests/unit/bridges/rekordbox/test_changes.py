"""What a second read finds."""

import datetime as dt
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from cratehand.domain.collection import CollectionChange
from cratehand.domain.fields import Field
from cratehand_bridges.rekordbox import RekordboxDatabase
from cratehand_bridges.rekordbox.changes import TableChange, swept_change
from cratehand_bridges.rekordbox.fingerprints import Fingerprints
from cratehand_bridges.rekordbox.rows import Reader, Table
from tests.fakes.rekordbox_database import FakeCue, FakeTrack, MasterDb
from tests.unit.bridges.rekordbox.conftest import Stopwatch
from tests.unit.bridges.rekordbox.random_edits import Follower, edit

ReaderOf = Callable[[Path], RekordboxDatabase]
Edit = Callable[[MasterDb, list[str]], object]


@pytest.fixture
def ids(master: MasterDb) -> list[str]:
    """Five tracks with everything."""
    with master.batch():
        found = [
            master.add(
                FakeTrack(
                    title=f"Track {n}", artist=f"Artist {n % 2}", album=f"Album {n % 2}", album_artist=f"Boss {n % 2}",
                    genre=f"Genre {n % 2}", label=f"Label {n % 2}", remixer=f"Remixer {n % 2}", key=("Am", "C")[n % 2],
                    colour=("Red", "Blue")[n % 2], tags=(f"Tag {n % 2}",),
                    cues=(FakeCue(start_s=1.0, pad=0), FakeCue(start_s=2.0)),
                )
            )
            for n in range(5)
        ]  # fmt: skip
        master.add_playlist("Set", found[:3])
    return found


def changed(change: CollectionChange) -> set[str]:
    assert not change.full
    return {track.id for track in change.tracks}


def test_nothing_new_is_an_empty_change_with_the_same_mark(
    master: MasterDb, ids: list[str], reader_of: ReaderOf
) -> None:
    reader = reader_of(master.path)
    first = reader.read(None)
    again = reader.read(first.mark)
    assert first.full
    assert len(first.tracks) == len(ids)
    assert again.is_empty
    assert again.mark == first.mark


def test_a_mark_is_small_json(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    mark = reader_of(master.path).read(None).mark
    assert len(json.dumps(mark)) < 2_000


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda m, ids: m.change_track(ids[3], Rating=5), {3}),
        (lambda m, ids: m.add_cue(ids[2], 7.0, pad=2), {2}),
        (lambda m, ids: m.update("djmdArtist", m.name_id("djmdArtist", "Artist 1"), Name="New"), {1, 3}),
        (lambda m, ids: m.update("djmdArtist", m.name_id("djmdArtist", "Remixer 0"), Name="New"), {0, 2, 4}),
        (lambda m, ids: m.update("djmdArtist", m.name_id("djmdArtist", "Boss 1"), Name="New"), {1, 3}),
        (lambda m, ids: m.update("djmdAlbum", m.name_id("djmdAlbum", "Album 0"), Name="New"), {0, 2, 4}),
        (lambda m, ids: m.update("djmdGenre", m.name_id("djmdGenre", "Genre 1"), Name="New"), {1, 3}),
        (lambda m, ids: m.update("djmdLabel", m.name_id("djmdLabel", "Label 1"), Name="New"), {1, 3}),
        (lambda m, ids: m.update("djmdKey", m.name_id("djmdKey", "Am"), ScaleName="Em"), {0, 2, 4}),
        (lambda m, ids: m.update("djmdColor", "2", Commnt="Peak"), {0, 2, 4}),
        (lambda m, ids: m.update("djmdMyTag", m.name_id("djmdMyTag", "Tag 1"), Name="New"), {1, 3}),
        (lambda m, ids: m.insert("djmdSongMyTag", ContentID=ids[4], MyTagID=m.name_id("djmdMyTag", "Tag 1")), {4}),
        (lambda m, ids: m.add_history("H", [(ids[1], dt.datetime(2026, 1, 1, tzinfo=dt.UTC))]), {1}),
    ],
    ids=[
        "track", "cue", "artist", "remixer", "album artist", "album", "genre", "label", "key", "colour", "tag",
        "tagging", "play",
    ],
)  # fmt: skip
def test_a_change_anywhere_surfaces_as_the_tracks_that_show_it(
    master: MasterDb, ids: list[str], reader_of: ReaderOf, edit: Edit, expected: set[int]
) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    edit(master, ids)
    assert reader.has_changed()
    change = reader.read(mark)
    assert changed(change) == {ids[n] for n in expected}
    assert not change.deleted_tracks
    assert not reader.has_changed()


def test_the_changed_track_comes_complete(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    reader = reader_of(master.path)
    first = reader.read(None)
    master.add_cue(ids[0], 5.0, label="Drop")
    (track,) = reader.read(first.mark).tracks
    before = next(each for each in first.tracks if each.id == ids[0])
    assert track.values == before.values
    assert [cue.label for cue in track.cues] == ["", "", "Drop"]


def test_a_cue_that_moved_without_a_stamp_is_found_by_what_rekordbox_stamps_beside_it(
    master: MasterDb, ids: list[str], reader_of: ReaderOf
) -> None:
    row = master.add_cue(ids[1], 5.0)
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.change_cue(row, InMsec=6500)
    (track,) = reader.read(mark).tracks
    assert track.cues[-1].start_s == 6.5


def test_a_deleted_cue_surfaces(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    row = master.add_cue(ids[1], 5.0)
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.delete_cue(row)
    (track,) = reader.read(mark).tracks
    assert (track.id, len(track.cues)) == (ids[1], 2)


@pytest.mark.parametrize("soft", [False, True])
def test_a_deleted_track_is_reported_once(master: MasterDb, ids: list[str], reader_of: ReaderOf, soft: bool) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.delete_track(ids[2], soft=soft)
    change = reader.read(mark)
    assert list(change.deleted_tracks) == [ids[2]]
    assert not change.tracks
    assert reader.read(change.mark).is_empty


def test_playlists_come_all_or_not_at_all(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    playlist = master.add_playlist("New", [ids[4], ids[0]])
    change = reader.read(mark)
    assert change.playlists is not None
    assert [each.name for each in change.playlists] == ["Set", "New"]
    assert not change.tracks
    master.set_entries(playlist, [ids[0]])
    change = reader.read(change.mark)
    assert change.playlists is not None
    assert change.playlists[-1].entries == (ids[0],)
    master.change_track(ids[0], Rating=1)
    assert reader.read(change.mark).playlists is None


def test_a_row_written_again_as_it_was_is_no_change(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.change_track(ids[0], Title="Track 0")
    assert reader.read(mark).is_empty


def test_a_writer_without_stamps_is_noticed(
    master: MasterDb, ids: list[str], reader_of: ReaderOf, clock: Stopwatch
) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    clock.now_s += 10.0
    with master.foreign():
        master.change_track(ids[3], Title="Changed in place")
        master.add_track("Added")
        master.insert("djmdCue", ContentID=ids[1], InMsec=4000, OutMsec=-1, Kind=0)
        master.delete("djmdContent", ids[4])
    change = reader.read(mark)
    titles = {track.values[Field.TITLE] for track in change.tracks}
    assert titles == {"Changed in place", "Added", "Track 1"}
    assert list(change.deleted_tracks) == [ids[4]]


def test_additions_without_stamps_are_found_beside_rekordboxs_own(
    master: MasterDb, ids: list[str], reader_of: ReaderOf
) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.change_track(ids[0], Rating=2)
    with master.foreign():
        added = master.add_track("Added")
        master.delete("djmdContent", ids[4])
    change = reader.read(mark)
    assert changed(change) == {ids[0], added}
    assert list(change.deleted_tracks) == [ids[4]]


def test_a_change_in_place_hidden_behind_rekordboxs_own_is_found_within_the_hour(
    master: MasterDb, ids: list[str], reader_of: ReaderOf, clock: Stopwatch
) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    with master.batch():
        master.change_track(ids[0], Rating=2)
        with master.foreign():
            master.change_track(ids[3], Title="Hidden")
    mark = reader.read(mark).mark
    assert not reader.has_changed()
    clock.now_s += 3601.0
    assert reader.has_changed()
    assert changed(reader.read(mark)) == {ids[3]}
    assert not reader.has_changed()


def test_a_restart_goes_on_from_the_kept_mark(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    reader = reader_of(master.path)
    mark = json.loads(json.dumps(reader.read(None).mark))
    reader.close()
    with master.foreign():
        master.change_track(ids[1], Title="While we were away")
    master.delete_track(ids[2])
    change = reader_of(master.path).read(mark)
    assert changed(change) == {ids[1]}
    assert list(change.deleted_tracks) == [ids[2]]


def test_a_restart_beside_a_database_that_nobody_touched_compares_no_rows(
    master: MasterDb, ids: list[str], reader_of: ReaderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []

    def counted(reader: Reader, table: Table, before: Fingerprints) -> TableChange:
        compared.append(table.name)
        return swept_change(reader, table, before)

    monkeypatch.setattr("cratehand_bridges.rekordbox.harvest.swept_change", counted)
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    reader.close()
    assert reader_of(master.path).read(mark).is_empty
    assert compared == []
    master.change_track(ids[0], Rating=2)
    reader = reader_of(master.path)
    mark = reader.read(mark).mark
    reader.close()
    assert compared != []
    with master.batch():
        master.change_track(ids[0], Rating=3)
        with master.foreign():
            master.change_track(ids[3], Title="Hidden behind it")
    reader = reader_of(master.path)
    assert changed(reader.read(mark)) == {ids[0], ids[3]}


def test_an_old_or_foreign_mark_gives_everything(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    reader = reader_of(master.path)
    first = reader.read(None).mark
    master.change_track(ids[0], Rating=1)
    reader.read(first)
    assert reader.read(first).full
    assert reader.read({"format": 99}).full
    assert reader.read({}).full


def test_a_crash_before_the_state_was_kept_gives_everything(
    master: MasterDb, ids: list[str], reader_of: ReaderOf
) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.change_track(ids[0], Rating=1)
    mark = reader.read(mark).mark
    # No close: what was kept belongs to the read before.
    assert reader_of(master.path).read(mark).full


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no archive", None])
def test_a_damaged_or_lost_state_gives_everything(
    master: MasterDb, ids: list[str], reader_of: ReaderOf, tmp_path: Path, damage: bytes | None
) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    reader.close()
    (kept,) = (tmp_path / "cache").glob("*.npz")
    if damage is None:
        kept.unlink()
    else:
        kept.write_bytes(damage)
    assert reader_of(master.path).read(mark).full


def test_a_count_that_went_back_gives_everything(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.set_update_count(3)
    assert reader.read(mark).full


def test_another_collection_in_its_place_gives_everything(
    master: MasterDb, ids: list[str], reader_of: ReaderOf
) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.connection.execute("UPDATE djmdProperty SET DBID = '1'")
    assert reader.read(mark).full


def test_stamps_above_the_count_are_not_reported_again_and_again(
    master: MasterDb, ids: list[str], reader_of: ReaderOf
) -> None:
    master.connection.execute("UPDATE djmdContent SET rb_local_usn = 99999 WHERE ID = ?", (ids[0],))
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.change_track(ids[1], Rating=1)
    assert changed(reader.read(mark)) == {ids[1]}


def test_a_track_that_becomes_a_sample_leaves(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.change_track(ids[0], FolderPath="/Users/dj/Music/PioneerDJ/Sampler/x.wav")
    change = reader.read(mark)
    assert not change.tracks
    assert list(change.deleted_tracks) == [ids[0]]


def test_a_checkpoint_alone_is_no_change(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    assert reader.read(mark).is_empty
    assert not reader.has_changed()


def test_looking_for_changes_costs_microseconds(master: MasterDb, ids: list[str], reader_of: ReaderOf) -> None:
    import time

    reader = reader_of(master.path)
    reader.read(None)
    began_s = time.process_time()
    for _ in range(200):
        assert not reader.has_changed()
    # 0.1 % of a core, asked once a second, is a millisecond each; measured are 0.03 ms.
    assert (time.process_time() - began_s) / 200 < 0.001


@pytest.mark.parametrize("seed", range(4))
def test_applying_every_change_gives_what_a_full_read_gives(
    master: MasterDb, ids: list[str], reader_of: ReaderOf, clock: Stopwatch, seed: int
) -> None:
    luck = random.Random(seed)
    reader, follower = reader_of(master.path), Follower()
    follower.apply(reader.read(None))
    for number in range(40):
        for _ in range(luck.choice((1, 1, 3))):
            edit(master, luck)
        if luck.random() < 0.1:
            reader.close()
            reader = reader_of(master.path)
        # Changes in place by others, hidden behind Rekordbox's own, are found by the hourly comparison.
        clock.now_s += 4000.0 if number == 39 else luck.choice((1.0, 60.0))
        follower.apply(reader.read(follower.mark))
    whole = reader_of(master.path).read(None)
    assert follower.tracks == {track.id: track for track in whole.tracks}
    known = [(each.id, each.name, [t for t in each.entries if t in follower.tracks]) for each in follower.playlists]
    assert known == [(each.id, each.name, list(each.entries)) for each in whole.playlists or ()]
