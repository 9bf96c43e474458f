"""What is written into a master.db, and that undoing it leaves no trace but stamps."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cratehand.domain.collection_edit import (
    UPGRADED_PLAYLIST,
    BitRateMode,
    CollectionEdit,
    CuesSet,
    ObstacleKind,
    PlaylistExtended,
    ValueSet,
)
from cratehand.domain.collection_edit_codec import record_from_json, record_to_json
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.errors import ConflictError, UnsupportedError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand_bridges.rekordbox import RekordboxDatabase
from cratehand_bridges.rekordbox.playlists_file import PlaylistNode, with_nodes
from tests.fakes.rekordbox_database import MasterDb
from tests.unit.bridges.rekordbox.random_edits import Follower
from tests.unit.bridges.rekordbox.written import (
    A_MINOR,
    C_MAJOR,
    OFFSET_S,
    PLAYLISTS_FILE,
    all_rows,
    fill,
    rating,
    track_of,
    upgrade,
    without_stamps,
    writer_of,
)

ReaderOf = Callable[[Path], RekordboxDatabase]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An encrypted collection that nobody has open, with its file of playlists."""
    path = tmp_path / "rekordbox" / "master.db"
    with MasterDb(path) as master:
        fill(master)
    path.with_name("masterPlaylists6.xml").write_text(PLAYLISTS_FILE, encoding="utf-8")
    return path


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """The same without encryption, which is quicker."""
    path = tmp_path / "rekordbox" / "master.db"
    with MasterDb(path, encrypted=False) as master:
        fill(master)
    path.with_name("masterPlaylists6.xml").write_text(PLAYLISTS_FILE, encoding="utf-8")
    return path


def ids_of(path: Path) -> tuple[str, str]:
    first, second = all_rows(path, ["djmdContent"])["djmdContent"]
    return first[2:-1], second[2:-1]


def row_of(path: Path, table: str, row_id: str) -> dict[str, object]:
    return all_rows(path, [table])[table][str(row_id.encode())]


def test_an_upgrade_reaches_every_column(plain: Path) -> None:
    one, _ = ids_of(plain)
    before = row_of(plain, "djmdContent", one)
    track = track_of(plain, one)
    record = writer_of(plain).apply(upgrade(track))
    after = row_of(plain, "djmdContent", one)
    expected = {
        "FolderPath": b"/Users/dj/Music/One.flac", "FileNameL": b"One.flac", "OrgFolderPath": b"/Users/dj/Music/One.flac",
        "FileSize": 25_000_000, "FileType": 5, "BitRate": 999, "SampleRate": 48000, "BitDepth": 24, "Length": 200,
        "CueUpdated": b"%d" % (int(before["CueUpdated"]) + 1),  # type: ignore[call-overload]
    }  # fmt: skip
    assert {name: after[name] for name in expected} == expected
    differing = {name for name in after if after[name] != before[name]}
    assert differing <= {*expected, "KeyID", "rb_local_usn", "updated_at"}
    assert after["updated_at"] == b"2027-01-15 08:00:00.250 +00:00"
    assert "Analyze Track" in record.notes[0]


def test_every_cue_and_loop_is_shifted_in_both_copies(plain: Path) -> None:
    one, _ = ids_of(plain)
    track = track_of(plain, one)
    old = all_rows(plain)["djmdCue"]
    writer_of(plain).apply(upgrade(track))
    cues = track_of(plain, one).cues
    assert len(cues) == 5
    for before, after in zip(track.cues, cues, strict=True):
        assert after.start_s == pytest.approx(before.start_s + OFFSET_S, abs=0.0005)
        assert (after.pad, after.label, after.colour, after.foreign_id) == (
            before.pad, before.label, before.colour, before.foreign_id,
        )  # fmt: skip
    rows = all_rows(plain)
    for key, row in rows["djmdCue"].items():
        assert row["InFrame"] == row["InMsec"] * 150 // 1000  # type: ignore[operator]
        assert row["BeatLoopSize"] == old[key]["BeatLoopSize"]
        assert row["rb_local_usn"] is None
    (copy,) = rows["contentCue"].values()
    copies = json.loads(copy["Cues"])  # type: ignore[arg-type]
    assert {each["ID"]: each["InMsec"] for each in copies} == {
        row["ID"].decode(): row["InMsec"]
        for row in rows["djmdCue"].values()  # type: ignore[attr-defined]
    }
    assert all(each["updated_at"] == "2027-01-15T08:00:00.250+00:00" for each in copies)
    assert not {"rb_local_usn", "rb_local_deleted"} & set(copies[0])
    assert None not in copies[0].values()


def test_every_row_has_a_stamp_of_its_own_and_the_counter_agrees(plain: Path) -> None:
    one, _ = ids_of(plain)
    edits = upgrade(track_of(plain, one))
    with MasterDb(plain, encrypted=False) as master:
        (counter,) = master.connection.execute("SELECT int_1 FROM agentRegistry").fetchone()
    record = writer_of(plain).apply(edits)
    usns = [row.after["rb_local_usn"] for row in record.rows if row.after and row.table != "djmdCue"]
    assert usns == list(range(counter + 1, counter + 1 + len(usns)))
    with MasterDb(plain, encrypted=False) as master:
        assert master.connection.execute("SELECT int_1 FROM agentRegistry").fetchone() == (counter + len(usns),)


def test_the_playlist_is_made_in_both_places(plain: Path) -> None:
    one, two = ids_of(plain)
    writer = writer_of(plain)
    writer.apply([PlaylistExtended(name=UPGRADED_PLAYLIST, tracks=(ForeignId(one),))])
    writer.apply([PlaylistExtended(name=UPGRADED_PLAYLIST, tracks=(ForeignId(one), ForeignId(two)))])
    follower = Follower()
    reader = RekordboxDatabase(plain, cache_dir=plain.parent.parent / "c")
    follower.apply(reader.read(None))
    made = next(each for each in follower.playlists if each.name == UPGRADED_PLAYLIST)
    assert (made.entries, made.position, made.parent_id) == ((one, two), 2, None)
    text = plain.with_name("masterPlaylists6.xml").read_text(encoding="utf-8")
    line = (
        f'    <NODE Id="{int(made.id):X}" ParentId="0" Attribute="0" Timestamp="1800000000251" '
        'Lib_Type="0" CheckType="0"/>\n'
    )
    assert text.replace(line, "") == PLAYLISTS_FILE
    assert int(made.id) < 1 << 28


def test_undo_brings_back_every_row_and_the_file_of_playlists(path: Path) -> None:
    one, _ = ids_of(path)
    before = all_rows(path)
    writer = writer_of(path)
    record = writer.apply(upgrade(track_of(path, one)))
    assert without_stamps(all_rows(path)) != without_stamps(before)
    kept = record_from_json(json.loads(json.dumps(record_to_json(record))))
    assert writer.check_undo(kept) == []
    writer.undo(kept)
    after = all_rows(path)
    assert without_stamps(after) == without_stamps(before)
    for table in ("djmdContent", "contentCue"):
        for key, row in before[table].items():
            assert after[table][key]["rb_local_usn"] >= row["rb_local_usn"]  # type: ignore[operator]
            assert after[table][key]["updated_at"] >= row["updated_at"]  # type: ignore[operator]
    assert path.with_name("masterPlaylists6.xml").read_text(encoding="utf-8") == PLAYLISTS_FILE


def test_an_undo_can_be_undone(plain: Path) -> None:
    one, _ = ids_of(plain)
    writer = writer_of(plain)
    record = writer.apply(upgrade(track_of(plain, one)))
    done = without_stamps(all_rows(plain))
    undone = writer.undo(record)
    writer.undo(undone)
    assert without_stamps(all_rows(plain)) == done


def test_undo_keeps_what_changed_elsewhere_since(plain: Path) -> None:
    one, two = ids_of(plain)
    writer = writer_of(plain)
    record = writer.apply(upgrade(track_of(plain, one)))
    with MasterDb(plain, encrypted=False) as rekordbox:
        rekordbox.change_track(one, DJPlayCount=8, Rating=5)
        rekordbox.change_track(two, Title="Renamed")
    writer.undo(record)
    track = track_of(plain, one)
    assert (track.location, track.values[Field.PLAY_COUNT], track.values[Field.RATING]) == (
        "/Users/dj/Music/One.mp3", 8, 5,
    )  # fmt: skip


def test_undo_keeps_a_playlist_that_the_dj_put_tracks_on(plain: Path) -> None:
    one, two = ids_of(plain)
    writer = writer_of(plain)
    record = writer.apply([PlaylistExtended(name=UPGRADED_PLAYLIST, tracks=(ForeignId(one),))])
    (playlist,) = record.playlist_ids
    with MasterDb(plain, encrypted=False) as rekordbox:
        rekordbox.insert("djmdSongPlaylist", PlaylistID=playlist, ContentID=two, TrackNo=2)
    undone = writer.undo(record)
    assert undone.notes == (f"{UPGRADED_PLAYLIST} stays in Rekordbox: it has entries of yours",)
    songs = all_rows(plain)["djmdSongPlaylist"].values()
    assert [song["ContentID"] for song in songs if song["PlaylistID"] == playlist.encode()] == [two.encode()]


@pytest.mark.parametrize("what", ["cue", "file", "new cue"])
def test_undo_says_what_somebody_changed_since_and_writes_nothing(plain: Path, what: str) -> None:
    one, _ = ids_of(plain)
    writer = writer_of(plain)
    track = track_of(plain, one)
    record = writer.apply(upgrade(track))
    with MasterDb(plain, encrypted=False) as rekordbox:
        if what == "cue":
            rekordbox.change_cue(str(track.cues[0].foreign_id), InMsec=5000)
        elif what == "new cue":
            rekordbox.add_cue(one, 99.0)
        else:
            rekordbox.change_track(one, FolderPath="/elsewhere/One.flac")
    before = all_rows(plain)
    (obstacle, *_) = writer.check_undo(record)
    assert (obstacle.kind, obstacle.track_id) == (ObstacleKind.CONFLICT, one)
    column = {"cue": "djmdCue.InMsec", "file": "djmdContent.FolderPath", "new cue": "contentCue.Cues"}[what]
    with pytest.raises(ConflictError, match=column):
        writer.undo(record)
    assert all_rows(plain) == before


@pytest.mark.parametrize(
    ("field", "before", "after", "column", "cell"),
    [
        (Field.TEMPO_BPM, 124.0, 62.005, "BPM", 6200),
        (Field.RATING, 4, 5, "Rating", 5),
        (Field.COMMENT, None, "loud", "Commnt", b"loud"),
        (Field.TITLE, "One", "Uno", "Title", b"Uno"),
        (Field.YEAR, None, 1999, "ReleaseYear", 1999),
    ],
)
def test_a_corrected_value_is_written(
    plain: Path, field: Field, before: object, after: object, column: str, cell: object
) -> None:
    one, _ = ids_of(plain)
    edit = ValueSet(track_id=ForeignId(one), field=field, before=before, after=after)
    writer = writer_of(plain)
    assert writer.check([edit]) == []
    writer.apply([edit])
    assert row_of(plain, "djmdContent", one)[column] == cell
    with pytest.raises(ConflictError, match=f"djmdContent.{column}"):
        writer.apply([ValueSet(track_id=ForeignId(one), field=field, before=before, after=None)])


def test_a_key_takes_the_row_that_is_there_else_a_new_one_in_the_same_notation(plain: Path) -> None:
    one, two = ids_of(plain)
    writer = writer_of(plain)
    writer.apply([ValueSet(track_id=ForeignId(one), field=Field.KEY, before=A_MINOR, after=C_MAJOR)])
    assert row_of(plain, "djmdContent", one)["KeyID"] == row_of(plain, "djmdContent", two)["KeyID"]
    with MasterDb(plain, encrypted=False) as master:
        for number, name in enumerate(("8A", "8B")):
            row = master.connection.execute("SELECT ID FROM djmdKey ORDER BY rowid").fetchall()[number][0]
            master.update("djmdKey", row, ScaleName=name)
    edits = upgrade(track_of(plain, one))
    writer.apply(edits)
    assert [row["ScaleName"] for row in all_rows(plain)["djmdKey"].values()] == [b"8A", b"8B", b"9A"]


def test_a_new_cue_is_written_as_rekordbox_would(plain: Path) -> None:
    one, _ = ids_of(plain)
    track = track_of(plain, one)
    fresh = (
        Cue(kind=CueKind.HOT, start_s=30.721, pad=1, label="B", colour=Colour(red=0x28, green=0xE2, blue=0x14)),
        Cue(kind=CueKind.MEMORY, start_s=2.0, end_s=2.0 + 16 * 60 / 124, active_loop=True),
    )
    edit = CuesSet(
        track_id=track.id, before=track.cues, after=(*track.cues, *fresh), bit_rate_mode=BitRateMode.CONSTANT
    )
    old = all_rows(plain)["djmdCue"]
    writer_of(plain).apply([edit])
    rows = [row for key, row in all_rows(plain)["djmdCue"].items() if key not in old]
    pad, loop = rows
    expected = {
        "InMsec": 30721, "InFrame": 4608, "OutMsec": -1, "OutFrame": 0, "Kind": 2, "ColorTableIndex": 22,
        "Comment": b"B", "ActiveLoop": None, "BeatLoopSize": None, "InMpegFrame": 0, "rb_local_deleted": 0,
        "ContentUUID": b"b722f306-40b5-4a55-8ae0-663c684ff0be",
    }  # fmt: skip
    assert {name: pad[name] for name in expected} == expected
    assert int(pad["ID"]) < 1 << 32  # type: ignore[call-overload]
    assert (loop["Kind"], loop["Color"], loop["ActiveLoop"], loop["BeatLoopSize"]) == (0, -1, 1, 65536 * 16 + 1)
    assert {key: row for key, row in all_rows(plain)["djmdCue"].items() if key in old} == old


def refused(path: Path, edits: list[CollectionEdit]) -> str:
    before = all_rows(path)
    writer = writer_of(path)
    kinds = {each.kind for each in writer.check(edits)}
    with pytest.raises((UnsupportedError, ConflictError)) as caught:
        writer.apply(edits)
    assert kinds == {ObstacleKind.UNSUPPORTED if caught.type is UnsupportedError else ObstacleKind.CONFLICT}
    assert all_rows(path) == before
    assert not list((path.parent.parent / "backups").glob("*.db")), "nothing is backed up for a plan that can't be"
    return str(caught.value)


def test_a_pad_that_the_dj_uses_is_not_taken(plain: Path) -> None:
    track = track_of(plain, ids_of(plain)[0])
    after = (*track.cues, Cue(kind=CueKind.HOT, start_s=5.0, pad=0))
    edit = CuesSet(track_id=track.id, before=track.cues, after=after, bit_rate_mode=BitRateMode.LOSSLESS)
    assert "pad A is taken" in refused(plain, [edit])


def test_a_variable_bit_rate_is_refused(plain: Path) -> None:
    track = track_of(plain, ids_of(plain)[0])
    edit = CuesSet(track_id=track.id, before=track.cues, after=track.cues, bit_rate_mode=BitRateMode.VARIABLE)
    assert "variable bit rate" in refused(plain, [edit])


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        ({"InMpegAbs": 77}, "stream of variable bit rate"),
        ({"CueMicrosec": 5}, "microseconds"),
        ({"Kind": 99}, "Kind 99"),
    ],
)
def test_cues_that_are_not_understood_are_not_moved(plain: Path, columns: dict[str, object], hint: str) -> None:
    one, _ = ids_of(plain)
    with MasterDb(plain, encrypted=False) as master:
        cue = master.add_cue(one, 7.0)
        master.change_cue(cue, **columns)
    track = track_of(plain, one)
    edit = CuesSet(track_id=track.id, before=track.cues, after=track.cues, bit_rate_mode=BitRateMode.LOSSLESS)
    assert hint in refused(plain, [edit])


def test_a_cue_before_the_start_of_the_new_file_is_refused(plain: Path) -> None:
    track = track_of(plain, ids_of(plain)[0])
    first = track.cues[-2]
    moved = Cue(kind=first.kind, start_s=-0.2, foreign_id=first.foreign_id)
    after = tuple(moved if cue is first else cue for cue in track.cues)
    edit = CuesSet(track_id=track.id, before=track.cues, after=after, bit_rate_mode=BitRateMode.LOSSLESS)
    assert "-0.200 s" in refused(plain, [edit])


def test_a_locked_analysis_is_left_alone(plain: Path) -> None:
    one, _ = ids_of(plain)
    with MasterDb(plain, encrypted=False) as master:
        master.change_track(one, Analysed=233)
    edit = ValueSet(track_id=ForeignId(one), field=Field.TEMPO_BPM, before=124.0, after=125.0)
    assert "locked" in refused(plain, [edit])


@pytest.mark.parametrize("change", ["gone", "deleted", "moved", "added cue", "moved cue", "deleted cue"])
def test_what_changed_since_the_plan_is_a_conflict(plain: Path, change: str) -> None:
    one, _ = ids_of(plain)
    track = track_of(plain, one)
    edits = upgrade(track)
    with MasterDb(plain, encrypted=False) as rekordbox:
        cue = str(track.cues[0].foreign_id)
        {
            "gone": lambda: rekordbox.delete_track(one),
            "deleted": lambda: rekordbox.delete_track(one, soft=True),
            "moved": lambda: rekordbox.change_track(one, FolderPath="/else.mp3"),
            "added cue": lambda: rekordbox.add_cue(one, 3.0),
            "moved cue": lambda: rekordbox.change_cue(cue, InMsec=1003),
            "deleted cue": lambda: rekordbox.delete_cue(cue),
        }[change]()
    assert one in refused(plain, edits)


def test_a_conflict_in_one_edit_leaves_the_others_unwritten(plain: Path) -> None:
    one, two = ids_of(plain)
    text = refused(plain, [rating(one, 4, 5), rating(two, 3, 5)])
    assert f"track {two} (Two): djmdContent.Rating is 0 and not 3" in text


def test_edits_that_change_nothing_write_nothing(plain: Path) -> None:
    one, _ = ids_of(plain)
    before = all_rows(plain)
    record = writer_of(plain).apply([rating(one, 4, 4)])
    assert (record.rows, record.backup) == ((), "")
    assert all_rows(plain) == before


def test_a_change_of_the_same_name_is_written_once(plain: Path) -> None:
    one, _ = ids_of(plain)
    writer = writer_of(plain)
    record = writer.apply([rating(one, 4, 5)], change_id="plan 7")
    assert writer_of(plain).apply([rating(one, 4, 5)], change_id="plan 7") == record


def test_our_reader_sees_a_write_once(plain: Path, reader_of: ReaderOf) -> None:
    one, _ = ids_of(plain)
    edits = upgrade(track_of(plain, one))
    reader = reader_of(plain)
    mark = reader.read(None).mark
    assert not reader.has_changed()
    writer_of(plain).apply(edits)
    assert reader.has_changed()
    change = reader.read(mark)
    assert ([track.id for track in change.tracks], change.full) == ([one], False)
    assert change.tracks[0].location == "/Users/dj/Music/One.flac"
    assert change.playlists is not None
    assert UPGRADED_PLAYLIST in [each.name for each in change.playlists]
    assert not reader.has_changed()
    assert reader.read(change.mark).is_empty


def test_a_write_leaves_no_files_in_the_folder_of_the_dj(path: Path) -> None:
    one, _ = ids_of(path)
    writer = writer_of(path)
    writer.apply([rating(one, 4, 5)])
    assert sorted(each.name for each in path.parent.iterdir()) == ["master.db", "masterPlaylists6.xml"]
    writer.check([rating(one, 5, 4)])
    assert "schema e208f039df390b42 (Rekordbox 6.6.2)" in writer.describe()
    assert sorted(each.name for each in path.parent.iterdir()) == ["master.db", "masterPlaylists6.xml"]


def test_bytes_that_are_no_text_come_back_as_they_were(plain: Path) -> None:
    one, _ = ids_of(plain)
    with MasterDb(plain, encrypted=False) as master:
        master.connection.execute("UPDATE djmdContent SET Commnt = CAST(x'ff80' AS TEXT) WHERE ID = ?", (one,))
    before = all_rows(plain)
    writer = writer_of(plain)
    record = writer.apply([rating(one, 4, 5)])
    with MasterDb(plain, encrypted=False) as master:
        master.connection.execute("PRAGMA wal_checkpoint").fetchall()
    assert all_rows(plain)["djmdContent"][f"b'{one}'"]["Commnt"] == b"\xff\x80"
    writer.undo(record_from_json(json.loads(json.dumps(record_to_json(record)))))
    assert without_stamps(all_rows(plain)) == without_stamps(before)


def test_a_clock_that_went_back_does_not_take_the_stamps_along(plain: Path) -> None:
    one, _ = ids_of(plain)
    with MasterDb(plain, encrypted=False) as master:
        master.connection.execute("UPDATE djmdContent SET updated_at = '2031-01-01 00:00:00.000 +00:00'")
    writer_of(plain).apply([rating(one, 4, 5)])
    assert row_of(plain, "djmdContent", one)["updated_at"] == b"2031-01-01 00:00:00.001 +00:00"


NODE = PlaylistNode(playlist_id="255", parent_id="root", attribute=0, timestamp_ms=7)
LINE = '    <NODE Id="FF" ParentId="0" Attribute="0" Timestamp="7" Lib_Type="0" CheckType="0"/>'


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_line_of_the_file_of_playlists_comes_and_goes(newline: str) -> None:
    text = PLAYLISTS_FILE.replace("\n", newline)
    added = with_nodes(text, [NODE])
    assert added.split(newline)[6] == LINE
    later = with_nodes(added, [replace(NODE, timestamp_ms=9)])
    assert later == added.replace('Timestamp="7"', 'Timestamp="9"')
    assert with_nodes(later, [replace(NODE, timestamp_ms=None)]) == text


def test_the_first_playlist_of_all_finds_its_place() -> None:
    empty = '<?xml version="1.0" encoding="UTF-8"?>\n<MASTER_PLAYLIST Version="3.0.0">\n  <PLAYLISTS/>\n</MASTER_PLAYLIST>\n'
    assert f"  <PLAYLISTS>\n{LINE}\n  </PLAYLISTS>" in with_nodes(empty, [NODE])
