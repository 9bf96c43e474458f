"""What the rows of playlists and histories become."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

from cratehand.domain.collection import CollectionPlaylist, PlaylistKind
from cratehand_bridges.rekordbox import RekordboxDatabase
from tests.fakes.rekordbox_database import FOLDER, SMART, MasterDb

ReaderOf = Callable[[Path], RekordboxDatabase]


def lists_of(reader: RekordboxDatabase) -> dict[str, CollectionPlaylist]:
    found = reader.read(None).playlists
    assert found is not None
    return {each.name: each for each in found}


def test_entries_keep_their_order_and_repeat(master: MasterDb, reader_of: ReaderOf) -> None:
    one, two = master.add_track("1"), master.add_track("2")
    playlist = master.add_playlist("Set", [two, one, two])
    found = lists_of(reader_of(master.path))["Set"]
    assert (found.id, found.kind, found.entries) == (playlist, PlaylistKind.PLAYLIST, (two, one, two))


def test_parents_come_before_their_children(master: MasterDb, reader_of: ReaderOf) -> None:
    inner = master.add_playlist("2024", attribute=FOLDER, position=1)
    outer = master.add_playlist("Peak", attribute=FOLDER, position=2)
    master.add_playlist("Techno", parent=inner)
    master.update("djmdPlaylist", inner, ParentID=outer)
    found = lists_of(reader_of(master.path))
    assert list(found) == ["Peak", "2024", "Techno"]
    assert [each.parent_id for each in found.values()] == [None, outer, inner]
    assert found["Peak"].kind is PlaylistKind.FOLDER


def test_a_smart_list_keeps_its_rule_verbatim(master: MasterDb, reader_of: ReaderOf) -> None:
    rule = '<NODE Id="1" LogicalOperator="1" AutomaticUpdate="1"><CONDITION PropertyName="genre"/></NODE>'
    master.add_playlist("Fast", attribute=SMART, rule=rule)
    found = lists_of(reader_of(master.path))["Fast"]
    assert (found.kind, found.rule, found.entries) == (PlaylistKind.SMART, rule, ())


def test_a_history_is_a_list_of_its_own_kind(master: MasterDb, reader_of: ReaderOf) -> None:
    track = master.add_track("1")
    at = dt.datetime(2026, 5, 1, 22, tzinfo=dt.UTC)
    history = master.add_history("HISTORY 2026-05-01", [(track, at)])
    found = lists_of(reader_of(master.path))["HISTORY 2026-05-01"]
    assert (found.id, found.kind, found.entries) == (f"history:{history}", PlaylistKind.HISTORY, (track,))


def test_entries_lead_to_live_tracks_only(master: MasterDb, reader_of: ReaderOf) -> None:
    kept, dead = master.add_track("1"), master.add_track("2")
    sample = master.add_track("HORN", path="/Users/dj/Music/PioneerDJ/Sampler/HORN.wav")
    master.add_playlist("Set", [dead, kept, sample, "4711"])
    master.delete_track(dead, soft=True)
    assert lists_of(reader_of(master.path))["Set"].entries == (kept,)


def test_orphans_and_circles_hang_on_the_root(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add_playlist("orphan", parent="4711")
    one = master.add_playlist("one", attribute=FOLDER)
    two = master.add_playlist("two", attribute=FOLDER, parent=one)
    master.update("djmdPlaylist", one, ParentID=two)
    master.add_playlist("self")
    master.connection.execute("UPDATE djmdPlaylist SET ParentID = ID WHERE Name = 'self'")
    found = lists_of(reader_of(master.path))
    assert len(found) == 4
    assert {found["orphan"].parent_id, found["self"].parent_id} == {None}
    assert {found["one"].parent_id, found["two"].parent_id} in ({None, one}, {None, two})
