"""What a row of djmdCue becomes."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand_bridges.rekordbox import RekordboxDatabase
from tests.fakes.rekordbox_database import FakeCue, MasterDb

ReaderOf = Callable[[Path], RekordboxDatabase]


def cues_of(reader: RekordboxDatabase) -> Sequence[Cue]:
    (track,) = reader.read(None).tracks
    return track.cues


@pytest.mark.parametrize(
    ("kind", "pad"),
    [(1, 0), (2, 1), (3, 2), (5, 3), (6, 4), (7, 5), (8, 6), (9, 7), (10, 8), (17, 15)],
)
def test_pads_are_numbered_past_the_four(master: MasterDb, reader_of: ReaderOf, kind: int, pad: int) -> None:
    track = master.add_track("x")
    master.insert("djmdCue", ContentID=track, InMsec=1500, OutMsec=-1, Kind=kind)
    (cue,) = cues_of(reader_of(master.path))
    assert (cue.kind, cue.pad, cue.start_s, cue.end_s) == (CueKind.HOT, pad, 1.5, None)


def test_a_point_has_a_negative_end_and_is_no_loop(master: MasterDb, reader_of: ReaderOf) -> None:
    track = master.add_track("x")
    master.insert("djmdCue", ContentID=track, InMsec=0, OutMsec=-1, Kind=0, Color=-1)
    (cue,) = cues_of(reader_of(master.path))
    assert not cue.is_loop
    assert cue.kind is CueKind.MEMORY
    assert cue.pad is None
    assert cue.colour is None
    assert cue.start_s == 0.0


def test_a_memory_loop_is_a_memory_cue_with_an_end(master: MasterDb, reader_of: ReaderOf) -> None:
    track = master.add_track("x")
    master.insert("djmdCue", ContentID=track, InMsec=1000, OutMsec=3000, Kind=4, ActiveLoop=1, Comment="again")
    (cue,) = cues_of(reader_of(master.path))
    assert (cue.kind, cue.end_s, cue.active_loop, cue.label) == (CueKind.MEMORY, 3.0, True, "again")


def test_colours_of_pads_and_of_memory_cues_are_two_tables(master: MasterDb, reader_of: ReaderOf) -> None:
    track = master.add_track("x")
    master.add_cue(track, 1.0, pad=0, colour=22)
    master.add_cue(track, 2.0, colour=6)
    pad, memory = cues_of(reader_of(master.path))
    assert pad.colour == Colour(red=0x28, green=0xE2, blue=0x14)
    assert memory.colour == Colour(red=0, green=0, blue=0xFF)


def test_cues_are_ordered_by_pad_then_by_time(master: MasterDb, reader_of: ReaderOf) -> None:
    track = master.add_track("x")
    for start_s, pad in ((30.0, None), (50.0, 3), (10.0, None), (60.0, 0)):
        master.add_cue(track, start_s, pad=pad)
    assert [(cue.pad, cue.start_s) for cue in cues_of(reader_of(master.path))] == [
        (0, 60.0),
        (3, 50.0),
        (None, 10.0),
        (None, 30.0),
    ]


def test_rows_without_a_place_or_of_an_unknown_kind_are_left_out(master: MasterDb, reader_of: ReaderOf) -> None:
    track = master.add_track("x", cues=(FakeCue(start_s=1.0),))
    for columns in ({"InMsec": None, "Kind": 0}, {"InMsec": -1, "Kind": 0}, {"InMsec": 5, "Kind": 99}):
        master.insert("djmdCue", ContentID=track, OutMsec=-1, **columns)
    dead = master.add_cue(track, 9.0)
    master.update("djmdCue", dead, rb_local_deleted=1)
    assert [cue.start_s for cue in cues_of(reader_of(master.path))] == [1.0]


def test_a_cue_remembers_its_row(master: MasterDb, reader_of: ReaderOf) -> None:
    row = master.add_cue(master.add_track("x"), 1.0, pad=1)
    assert [cue.foreign_id for cue in cues_of(reader_of(master.path))] == [row]
