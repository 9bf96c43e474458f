"""What a row of djmdContent and the rows around it become."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from cratehand.domain.collection import CollectionTrack
from cratehand.domain.fact_values import decode, encode
from cratehand.domain.fields import Field
from cratehand.domain.key import Mode, MusicalKey
from cratehand_bridges.rekordbox import RekordboxDatabase
from tests.fakes.rekordbox_database import FakeTrack, MasterDb

ReaderOf = Callable[[Path], RekordboxDatabase]

FULL = FakeTrack(
    title="Plastic Dreams",
    path="D:/Music/ü '&#%( )/日本 🎛.flac",
    artist="Jaydee",
    album="R&S 92",
    album_artist="Various",
    genre="House",
    label="R&S",
    remixer="David Morales",
    composer="Robin Albers",
    key="F#m",
    bpm=125.37,
    rating=4,
    colour="Aqua",
    tags=("Organ", "Closing"),
    columns={
        "Commnt": "10B - Energy 7", "Subtitle": "Club Mix", "ISRC": "BEAA19200001", "Length": 612, "BitRate": 1411,
        "BitDepth": 16, "SampleRate": 44_100, "FileSize": 107_000_000, "TrackNo": 3, "DiscNo": 2, "ReleaseYear": 1992,
        "DJPlayCount": 11, "StockDate": "2024-3-5", "DateCreated": "2023-01-01", "Analysed": 233,
    },
)  # fmt: skip


def only_track(reader: RekordboxDatabase) -> CollectionTrack:
    (track,) = reader.read(None).tracks
    return track


def test_every_column_reaches_its_field(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add(FULL)
    track = only_track(reader_of(master.path))
    assert track.values == {
        Field.TITLE: "Plastic Dreams", Field.ARTIST: "Jaydee", Field.ALBUM: "R&S 92", Field.ALBUM_ARTIST: "Various",
        Field.GENRE: "House", Field.LABEL: "R&S", Field.REMIXER: "David Morales", Field.COMPOSER: "Robin Albers",
        Field.KEY: MusicalKey(tonic=6, mode=Mode.MINOR), Field.TEMPO_BPM: 125.37, Field.RATING: 4,
        Field.COLOUR: "Aqua", Field.TAGS: ("Organ", "Closing"), Field.COMMENT: "10B - Energy 7",
        Field.MIX: "Club Mix", Field.ISRC: "BEAA19200001", Field.DURATION_S: 612.0, Field.BIT_RATE_KBPS: 1411.0,
        Field.BIT_DEPTH: 16, Field.SAMPLE_RATE_HZ: 44_100, Field.FILE_SIZE_BYTES: 107_000_000, Field.TRACK_NUMBER: 3,
        Field.DISC_NUMBER: 2, Field.YEAR: 1992, Field.PLAY_COUNT: 11, Field.DATE_ADDED: "2024-03-05",
    }  # fmt: skip


def test_every_value_can_be_stored_as_a_fact(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add(FULL)
    values = only_track(reader_of(master.path)).values
    assert {field: decode(field, encode(value)) for field, value in values.items()} == values


def test_a_path_is_kept_as_it_is_stored(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add(FULL)
    assert only_track(reader_of(master.path)).location == "D:/Music/ü '&#%( )/日本 🎛.flac"


@pytest.mark.parametrize(
    ("stored", "location"),
    [
        ("/Volumes/USB/a\nb.mp3", "/Volumes/USB/a\nb.mp3"),
        ("\\\\nas\\music\\x.mp3", "\\\\nas\\music\\x.mp3"),
        ("tidal:tracks:77646168", ""),
        (None, ""),
    ],
)
def test_only_an_absolute_path_is_a_location(
    master: MasterDb, reader_of: ReaderOf, stored: str | None, location: str
) -> None:
    master.add_track("x", FolderPath=stored)
    assert only_track(reader_of(master.path)).location == location


def test_a_locked_analysis_is_told(master: MasterDb, reader_of: ReaderOf) -> None:
    locked = master.add_track("locked", Analysed=233)
    master.add_track("normal", Analysed=105)
    master.add_track("advanced", Analysed=121)
    tracks = reader_of(master.path).read(None).tracks
    assert [track.id for track in tracks if track.grid_locked] == [locked]


def test_what_rekordbox_leaves_empty_is_absent(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add_track(
        "", BPM=0, Length=0, BitRate=0, TrackNo=0, ReleaseYear=0, DJPlayCount=0, Commnt="  ", ISRC="", Subtitle=None
    )
    assert only_track(reader_of(master.path)).values == {}


def test_numbers_are_read_whatever_type_a_foreign_tool_left(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add_track("x", BitRate=319.6, SampleRate="48000", DJPlayCount="many", FileSize=1e300, Rating=255)
    values = only_track(reader_of(master.path)).values
    assert values == {
        Field.TITLE: "x",
        Field.BIT_RATE_KBPS: 319.6,
        Field.SAMPLE_RATE_HZ: 48_000,
        Field.RATING: 5,
    }


def test_the_year_may_stand_in_the_release_date(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add_track("x", ReleaseYear=0, ReleaseDate="1997-06-01")
    assert only_track(reader_of(master.path)).values[Field.YEAR] == 1997


def test_a_colour_keeps_its_name_when_the_dj_renamed_it(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add_track("x", colour="Red")
    master.update("djmdColor", "2", Commnt="Peak time")
    assert only_track(reader_of(master.path)).values[Field.COLOUR] == "Red"


def test_a_key_that_is_none_is_absent(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add_track("x", key="All")
    assert Field.KEY not in only_track(reader_of(master.path)).values


def test_the_last_play_is_the_latest_of_all_histories(master: MasterDb, reader_of: ReaderOf) -> None:
    track = master.add_track("x")
    early, late = (dt.datetime(2026, month, 2, 23, 30, 1, tzinfo=dt.UTC) for month in (3, 9))
    master.add_history("HISTORY 1", [(track, late)])
    master.add_history("HISTORY 2", [(track, early)])
    assert only_track(reader_of(master.path)).values[Field.LAST_PLAYED] == late.timestamp()


def test_deleted_rows_and_samples_of_the_sampler_are_left_out(master: MasterDb, reader_of: ReaderOf) -> None:
    kept = master.add_track("kept", path="/Users/dj/Music/Sampler/kept.wav")
    gone = master.add_track("gone")
    master.delete_track(gone, soft=True)
    master.add_track("HORN", path="C:/Users/dj/Music/PioneerDJ/Sampler/OSC_SAMPLER/PRESET ONESHOT/HORN.wav")
    master.add_track("NOISE", path="/Users/dj/Music/rekordbox/Sampler/OSC_SAMPLER/NOISE.wav")
    change = reader_of(master.path).read(None)
    assert [track.id for track in change.tracks] == [kept]


def test_text_that_is_no_utf8_does_not_stop_the_read(master: MasterDb, reader_of: ReaderOf) -> None:
    track = master.add_track("x")
    master.connection.execute("UPDATE djmdContent SET Title = CAST(x'41FF42' AS TEXT) WHERE ID = ?", (track,))
    assert only_track(reader_of(master.path)).values[Field.TITLE] == "A\ufffdB"


def test_a_column_that_this_version_lacks_is_absent(master: MasterDb, reader_of: ReaderOf) -> None:
    master.add_track("x", ISRC="DEAA00000001", bpm=120.0)
    master.connection.execute("ALTER TABLE djmdContent DROP COLUMN ISRC")
    master.connection.execute("DROP TABLE djmdMyTag")
    assert only_track(reader_of(master.path)).values == {Field.TITLE: "x", Field.TEMPO_BPM: 120.0}
