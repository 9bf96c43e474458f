"""Writing Rekordbox XML."""

import re
from io import BytesIO
from pathlib import Path

import pytest

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.collection import CollectionChange, CollectionPlaylist, CollectionTrack, PlaylistKind
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.key import Mode, MusicalKey
from cratehand.domain.ports import CollectionWriter
from cratehand_rekordbox_export import RekordboxXmlWriter, WriteReport, write_collection, write_collection_file
from cratehand_rekordbox_export.track_numbers import assign_numbers
from tests.unit.rekordbox_export.crates import one_track, xml_of


def attribute(xml: str, name: str) -> str:
    match = re.search(rf' {name}="([^"]*)"', xml)
    assert match, name
    return match[1]


def marks(xml: str) -> list[str]:
    return [" ".join(match.split()) for match in re.findall(r"<POSITION_MARK ([^>]*)/>", xml)]


def playlist(name: str, *, parent: str | None = None, kind: PlaylistKind = PlaylistKind.PLAYLIST, **others: object):  # type: ignore[no-untyped-def]
    return CollectionPlaylist(
        id=ForeignId(name), name=name, kind=kind, parent_id=ForeignId(parent) if parent else None, **others
    )  # type: ignore[arg-type]


def report_of(change: CollectionChange) -> WriteReport:
    return write_collection(BytesIO(), change)


def test_an_empty_collection_is_a_complete_file() -> None:
    assert xml_of(CollectionChange(full=True)) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        "\n"
        '<DJ_PLAYLISTS Version="1.0.0">\n'
        '  <PRODUCT Name="cratehand" Version="" Company=""/>\n'
        '  <COLLECTION Entries="0"/>\n'
        "  <PLAYLISTS>\n"
        '    <NODE Type="0" Name="ROOT" Count="0"/>\n'
        "  </PLAYLISTS>\n"
        "</DJ_PLAYLISTS>\n"
    )


def test_the_twenty_five_attributes_stand_in_the_order_of_rekordbox() -> None:
    track = re.search(r"<TRACK ([^>]*)/>", xml_of(one_track()))
    assert track
    assert re.findall(r"(\w+)=", track[1]) == [
        "TrackID", "Name", "Artist", "Composer", "Album", "Grouping", "Genre", "Kind", "Size", "TotalTime",
        "DiscNumber", "TrackNumber", "Year", "AverageBpm", "DateAdded", "BitRate", "SampleRate", "Comments",
        "PlayCount", "Rating", "Location", "Remixer", "Tonality", "Label", "Mix",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "name", "text"),
    [
        (Field.DURATION_S, 172.97, "TotalTime", "172"),
        (Field.BIT_RATE_KBPS, 2116.8, "BitRate", "2116"),
        (Field.TEMPO_BPM, 127.996, "AverageBpm", "128.00"),
        (Field.TEMPO_BPM, 93.5, "AverageBpm", "93.50"),
        (Field.RATING, 0, "Rating", "0"),
        (Field.RATING, 1, "Rating", "51"),
        (Field.RATING, 2, "Rating", "102"),
        (Field.RATING, 3, "Rating", "153"),
        (Field.RATING, 4, "Rating", "204"),
        (Field.RATING, 5, "Rating", "255"),
        (Field.KEY, MusicalKey(tonic=6, mode=Mode.MINOR), "Tonality", "F#m"),
        (Field.COLOUR, "Pink", "Colour", "0xFF007F"),
        (Field.COLOUR, "violet", "Colour", "0x660099"),
        (Field.COLOUR, "#12abCD", "Colour", "0x12ABCD"),
        (Field.COLOUR, "0xFF0000", "Colour", "0xFF0000"),
        (Field.DATE_ADDED, "2024-01-02 10:00:00", "DateAdded", "2024-01-02"),
        (Field.COMMENT, "<&>\"'", "Comments", "&lt;&amp;&gt;&quot;&apos;"),
        (Field.COMMENT, "a\r\nb\tc", "Comments", "a&#13;&#10;b&#9;c"),
    ],
)
def test_values_are_written_in_the_formats_of_rekordbox(field: Field, value: object, name: str, text: str) -> None:
    assert attribute(xml_of(one_track(values={field: value})), name) == text


def test_an_unknown_colour_is_left_out() -> None:
    assert "Colour=" not in xml_of(one_track(values={Field.COLOUR: "sunset"}))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/m/a.mp3", "MP3 File"),
        ("/m/a.MP3", "MP3 File"),
        ("C:\\m\\a.m4a", "M4A File"),
        ("/m/a.flac", "FLAC File"),
        ("/m/a.wav", "WAV File"),
        ("/m/a.aif", "AIFF File"),
        ("/m/a.aiff", "AIFF File"),
        ("/m/a.ogg", "Unknown Format"),
        ("/m/a", "Unknown Format"),
    ],
)
def test_the_kind_follows_from_the_suffix(path: str, kind: str) -> None:
    assert attribute(xml_of(one_track(location=path)), "Kind") == kind


def test_unknown_attributes_are_written_behind_the_known_ones() -> None:
    xml = xml_of(one_track(attributes={"LastPlayed": "2024", "Colour": "0x0000FF"}, values={Field.COLOUR: "Blue"}))
    assert re.search(r'Mix=""\s+Colour="0x0000FF"\s+LastPlayed="2024"/>', xml)


def test_an_attribute_whose_name_xml_can_not_hold_is_not_written() -> None:
    xml = xml_of(one_track(attributes={"a b": "1", "{urn:x}y": "2", "": "3", "ok": "4", 'x"': "5"}))
    assert 'Mix="" ok="4"/>' in xml
    assert xml.count('="') == xml_of(one_track()).count('="') + 1


def test_a_kept_spelling_is_written_only_while_it_means_the_value() -> None:
    kept = {"Tonality": "8A", "Kind": "Mp3-Datei ", "Rating": "1", "Location": "file://localhost/m/%61.mp3"}
    a_minor = MusicalKey(tonic=9, mode=Mode.MINOR)
    same = xml_of(one_track(attributes=kept, values={Field.KEY: a_minor}))
    assert [attribute(same, name) for name in kept] == list(kept.values())
    changed = one_track(
        attributes=kept,
        values={Field.KEY: MusicalKey(tonic=0, mode=Mode.MAJOR), Field.RATING: 3},
        location="/m/b.flac",
    )
    assert [attribute(xml_of(changed), name) for name in kept] == [
        "C", "FLAC File", "153", "file://localhost/m/b.flac",
    ]  # fmt: skip


def test_hot_cues_come_by_pad_and_then_the_others_by_time() -> None:
    xml = xml_of(
        one_track(
            Cue(kind=CueKind.MEMORY, start_s=9.0, label="late"),
            Cue(kind=CueKind.HOT, start_s=8.0, pad=2),
            Cue(kind=CueKind.MEMORY, start_s=1.0, end_s=2.0, label="loop"),
            Cue(kind=CueKind.HOT, start_s=9.5, end_s=12.0, pad=0),
            Cue(kind=CueKind.HOT, start_s=0.0404, pad=1, colour=Colour(red=1, green=2, blue=3)),
            Cue(kind=CueKind.LOAD, start_s=3.0),
            Cue(kind=CueKind.FADE_IN, start_s=4.0),
            Cue(kind=CueKind.FADE_OUT, start_s=5.0),
        )
    )
    assert marks(xml) == [
        'Name="" Type="4" Start="9.500" End="12.000" Num="0" Red="255" Green="140" Blue="0"',
        'Name="" Type="0" Start="0.040" Num="1" Red="1" Green="2" Blue="3"',
        'Name="" Type="0" Start="8.000" Num="2" Red="40" Green="226" Blue="20"',
        'Name="loop" Type="4" Start="1.000" End="2.000" Num="-1"',
        'Name="" Type="3" Start="3.000" Num="-1"',
        'Name="" Type="1" Start="4.000" Num="-1"',
        'Name="" Type="2" Start="5.000" Num="-1"',
        'Name="late" Type="0" Start="9.000" Num="-1"',
    ]


def test_what_the_format_can_not_take_is_counted() -> None:
    blue = Colour(red=0, green=0, blue=255)
    change = CollectionChange(
        full=True,
        tracks=one_track(
            Cue(kind=CueKind.MEMORY, start_s=1.0, colour=blue),
            Cue(kind=CueKind.HOT, start_s=1.0, end_s=2.0, pad=0, active_loop=True),
            Cue(kind=CueKind.HOT, start_s=float("nan"), pad=1),
            values={Field.TAGS: ("dark",), Field.TITLE: "a\x00b\x1fc\ufffed\ud800"},
        ).tracks,
        playlists=[
            playlist("smart", kind=PlaylistKind.SMART, rule="x", entries=(ForeignId("1"), ForeignId("gone"))),
            playlist("orphan", parent="nowhere"),
        ],
    )
    report = report_of(change)
    assert report == WriteReport(
        tracks=1, cues=2, playlists=2, entries=1, unknown_entries=1, moved_to_root=1, rules=1, unusable_cues=1,
        cue_colours=1, active_loops=1, tagged_tracks=1, removed_characters=4,
    )  # fmt: skip
    assert len(report.notes()) == 8
    assert attribute(xml_of(change), "Name") == "cratehand"
    assert 'Name="abcd"' in xml_of(change)


def test_a_collection_without_losses_has_no_notes() -> None:
    assert report_of(one_track()).notes() == ()


def test_a_grid_is_written_with_three_and_two_decimals() -> None:
    grid = BeatGrid(
        anchors=(
            GridAnchor(start_s=0.0254, tempo_bpm=127.996, beat_in_bar=2),
            GridAnchor(start_s=60.0, tempo_bpm=93.5, beat_in_bar=1),
        )
    )
    xml = xml_of(one_track(values={Field.BEAT_GRID: grid}))
    assert '      <TEMPO Inizio="0.025" Bpm="128.00" Metro="4/4" Battito="2"/>\n' in xml
    assert '      <TEMPO Inizio="60.000" Bpm="93.50" Metro="4/4" Battito="1"/>\n' in xml


def test_an_anchor_before_the_start_is_written_as_the_first_beat() -> None:
    grid = BeatGrid(anchors=(GridAnchor(start_s=-0.7, tempo_bpm=120.0, beat_in_bar=1),))
    assert '<TEMPO Inizio="0.300" Bpm="120.00" Metro="4/4" Battito="3"/>' in xml_of(
        one_track(values={Field.BEAT_GRID: grid})
    )


def test_an_anchor_that_rules_nothing_after_the_start_is_left_out() -> None:
    grid = BeatGrid(anchors=(GridAnchor(start_s=-9.0, tempo_bpm=120.0), GridAnchor(start_s=0.0, tempo_bpm=90.0)))
    assert xml_of(one_track(values={Field.BEAT_GRID: grid})).count("<TEMPO ") == 1


def test_anchors_inside_one_millisecond_are_one() -> None:
    grid = BeatGrid(anchors=(GridAnchor(start_s=1.0001, tempo_bpm=120.0), GridAnchor(start_s=1.0004, tempo_bpm=90.0)))
    xml = xml_of(one_track(values={Field.BEAT_GRID: grid}))
    assert re.findall(r'Inizio="([^"]*)" Bpm="([^"]*)"', xml) == [("1.000", "90.00")]


def test_folders_and_playlists_stand_by_position_with_their_counts() -> None:
    change = CollectionChange(
        full=True,
        tracks=one_track().tracks,
        playlists=[
            playlist("B", position=1, entries=(ForeignId("1"), ForeignId("1"))),
            playlist("inner", parent="A", position=0),
            playlist("A", kind=PlaylistKind.FOLDER, position=0),
            playlist("history", kind=PlaylistKind.HISTORY, position=2),
        ],
    )
    xml = xml_of(change)
    assert xml[xml.index("  <PLAYLISTS>") :] == (
        "  <PLAYLISTS>\n"
        '    <NODE Type="0" Name="ROOT" Count="3">\n'
        '      <NODE Name="A" Type="0" Count="1">\n'
        '        <NODE Name="inner" Type="1" KeyType="0" Entries="0"/>\n'
        "      </NODE>\n"
        '      <NODE Name="B" Type="1" KeyType="0" Entries="2">\n'
        '        <TRACK Key="1"/>\n'
        '        <TRACK Key="1"/>\n'
        "      </NODE>\n"
        '      <NODE Name="history" Type="1" KeyType="0" Entries="0"/>\n'
        "    </NODE>\n"
        "  </PLAYLISTS>\n"
        "</DJ_PLAYLISTS>\n"
    )


def test_folders_in_a_circle_and_lists_in_lists_lose_nothing() -> None:
    folder = PlaylistKind.FOLDER
    change = CollectionChange(
        full=True,
        playlists=[
            playlist("a", kind=folder, parent="b"),
            playlist("b", kind=folder, parent="a"),
            playlist("self", kind=folder, parent="self"),
            playlist("list"),
            playlist("in a list", parent="list"),
        ],
    )
    xml = xml_of(change)
    assert sorted(re.findall(r'<NODE Name="([^"]*)"', xml)) == ["a", "b", "in a list", "list", "self"]


def test_a_tree_of_a_thousand_levels_is_written() -> None:
    folders = [
        playlist(str(level), kind=PlaylistKind.FOLDER, parent=str(level - 1) if level else None)
        for level in range(1000)
    ]
    assert xml_of(CollectionChange(full=True, playlists=folders)).count("<NODE ") == 1001


def test_two_tracks_with_one_id_get_numbers_of_their_own() -> None:
    twice = (one_track().tracks[0], one_track(location="/m/b.mp3").tracks[0])
    change = CollectionChange(full=True, tracks=twice, playlists=[playlist("p", entries=(ForeignId("1"),))])
    first, second = re.findall(r'TrackID="(\d+)"', xml_of(change))
    assert first == "1"
    assert second != "1"
    assert '<TRACK Key="1"/>' in xml_of(change)


def test_numbers_of_tracks_do_not_depend_on_order_and_never_meet() -> None:
    ids = [ForeignId(f"{number:016x}") for number in range(50_000)] + [ForeignId("77"), ForeignId("077")]
    numbers = assign_numbers(ids)
    assert numbers == assign_numbers(reversed(ids))
    assert len(set(numbers.values())) == len(ids)
    assert numbers[ForeignId("77")] == 77
    assert all(0 < number < 2**32 for number in numbers.values())
    assert {key: assign_numbers([key])[key] for key in ids[:50]} == {key: numbers[key] for key in ids[:50]}


@pytest.mark.parametrize("foreign_id", ["0", "4294967296", "٣", "-5", "1e3", "", "12345678901", "x" * 1000, "\ud800"])
def test_ids_that_are_no_numbers_of_rekordbox_get_derived_ones(foreign_id: str) -> None:
    number = assign_numbers([ForeignId(foreign_id)])[ForeignId(foreign_id)]
    assert 0 < number < 2**31


def test_the_port_writes_full_collections_only() -> None:
    writer: CollectionWriter = RekordboxXmlWriter(product_version="1.2.3")
    target = BytesIO()
    writer.write(target, one_track())
    assert b'<PRODUCT Name="cratehand" Version="1.2.3" Company=""/>' in target.getvalue()
    with pytest.raises(InvalidInputError, match="full"):
        writer.write(target, CollectionChange(full=False))


def test_a_collection_goes_to_a_file_in_one_step(tmp_path: Path) -> None:
    report = write_collection_file(tmp_path / "out.xml", one_track(), product_version="1")
    assert report.tracks == 1
    assert b"DJ_PLAYLISTS" in (tmp_path / "out.xml").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["out.xml"]


def test_a_large_collection_is_handed_on_in_pieces() -> None:
    class Counting(BytesIO):
        pieces = 0

        def write(self, data) -> int:  # type: ignore[no-untyped-def]
            self.pieces += 1
            assert len(data) < 1 << 20
            return super().write(data)

    track = CollectionTrack(id=ForeignId("1"), location="/m/a.mp3", values={Field.COMMENT: "x" * 2000})
    target = Counting()
    write_collection(target, CollectionChange(full=True, tracks=[track] * 500))
    assert target.pieces > 10
