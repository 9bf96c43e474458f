"""Reading Rekordbox XML as it really comes."""

import os
import random
import tracemalloc
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.beatgrid import GridAnchor
from cratehand.domain.collection import CollectionChange, CollectionTrack, PlaylistKind
from cratehand.domain.cue import Colour, CueKind
from cratehand.domain.errors import (
    CorruptFileError,
    CratehandError,
    InvalidInputError,
    NotFoundError,
    UnavailableError,
)
from cratehand.domain.fields import Field
from cratehand_rekordbox_export import ReadResult, parse_collection, read_collection
from tests.unit.rekordbox_export.crates import one_track, xml_of

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def parsed(collection: str, *, playlists: str = "", head: str = DECLARATION) -> ReadResult:
    text = f'{head}<DJ_PLAYLISTS Version="1.0.0"><COLLECTION>{collection}</COLLECTION>{playlists}</DJ_PLAYLISTS>'
    return parse_collection(BytesIO(text.encode("utf-8")))


def track(attributes: str = "", inner: str = "") -> CollectionTrack:
    return parsed(f'<TRACK TrackID="1" {attributes}>{inner}</TRACK>').change.tracks[0]


# --- what is accepted --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        "",
        DECLARATION,
        "<?xml version='1.0' encoding='UTF-8'?>\r\n\r\n",
        "<?xml version='1.0' encoding='utf-8' standalone='yes'?>",
        "\ufeff" + DECLARATION,
        "\r\n  " + DECLARATION,
        DECLARATION + "<!-- made by hand -->\n",
    ],
    ids=["none", "double", "single-crlf", "standalone", "bom", "blank-before", "comment"],
)
def test_every_usual_head_is_accepted(head: str) -> None:
    assert parsed('<TRACK TrackID="1" Name="Ü"/>', head=head).change.tracks[0].values[Field.TITLE] == "Ü"


@pytest.mark.parametrize("encoding", ["utf-16", "iso-8859-1", "windows-1252"])
def test_other_encodings_are_read_by_their_declaration(encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = head + '<DJ_PLAYLISTS><COLLECTION><TRACK Name="Ü"/></COLLECTION></DJ_PLAYLISTS>'
    assert read_collection(BytesIO(text.encode(encoding))).tracks[0].values[Field.TITLE] == "Ü"


def test_a_file_without_product_and_playlists_says_nothing_about_playlists() -> None:
    result = parsed('<TRACK TrackID="1"/>')
    assert result.change.full
    assert result.change.playlists is None
    assert result.report.notes() == ()


def test_a_bare_document_is_an_empty_collection() -> None:
    assert read_collection(BytesIO(b"<DJ_PLAYLISTS/>")) == CollectionChange(full=True, tracks=[])


def test_empty_attributes_and_zeros_are_absent() -> None:
    zeros = 'Name="" Artist=" " Size="0" TotalTime="0" Year="0" AverageBpm="0.00" BitRate="0" SampleRate="0" Rating="0"'
    assert track(zeros + ' DateAdded="" Tonality="" PlayCount="0"').values == {}


@pytest.mark.parametrize(
    ("attributes", "field", "value"),
    [
        ('AverageBpm="128,50"', Field.TEMPO_BPM, 128.5),
        ('AverageBpm=" 128.50 "', Field.TEMPO_BPM, 128.5),
        ('BitRate="320.0"', Field.BIT_RATE_KBPS, 320.0),
        ('Year="2019.0"', Field.YEAR, 2019),
        ('DateAdded="2019-9-3"', Field.DATE_ADDED, "2019-09-03"),
        ('DateAdded="2019-09-03 12:30:00"', Field.DATE_ADDED, "2019-09-03"),
        ('Tonality="11B"', Field.KEY, None),
        ('Colour="0xFF007F"', Field.COLOUR, "Pink"),
        ('Colour="0x123abc"', Field.COLOUR, "#123ABC"),
        ('Rating="153"', Field.RATING, 3),
    ],
)
def test_values_are_read_in_every_usual_spelling(attributes: str, field: Field, value: object) -> None:
    found = track(attributes).values[field]
    assert str(found) == "A major" if field is Field.KEY else found == value


@pytest.mark.parametrize(
    "attributes",
    [
        'AverageBpm="-3"', 'AverageBpm="nan"', 'AverageBpm="fast"', 'Year="-1"', 'Year="1e99"', 'Size="inf"',
        'DateAdded="2019-13-45"', 'DateAdded="yesterday"', 'Tonality="none"', 'Colour="0x12"', 'Colour="red"',
        'Rating="128"', 'Rating="5"', 'PlayCount="-2"', 'TotalTime=""',
    ],
)  # fmt: skip
def test_what_is_no_value_is_absent_but_written_again(attributes: str) -> None:
    found = track(attributes)
    assert found.values == {}
    assert attributes in " ".join(xml_of(CollectionChange(full=True, tracks=[found])).split())


def test_unknown_attributes_are_kept_and_written_again() -> None:
    found = track('LastPlayed="2024-01-01" Größe="1" Kind="Mp3-Datei " Location="file://localhost/a.mp3"')
    assert found.attributes == {"LastPlayed": "2024-01-01", "Kind": "Mp3-Datei "}
    assert 'LastPlayed="2024-01-01"' in xml_of(CollectionChange(full=True, tracks=[found]))


def test_a_streamed_track_has_no_place_here_and_is_written_again() -> None:
    found = track('Location="file://localhosttidal:tracks:12345"')
    assert found.location == ""
    assert 'Location="file://localhosttidal:tracks:12345"' in xml_of(CollectionChange(full=True, tracks=[found]))


def test_names_that_were_escaped_twice_at_their_source_stay_so() -> None:
    assert track('Name="AC&amp;amp;DC"').values[Field.TITLE] == "AC&amp;DC"


def test_forbidden_characters_are_left_out_and_counted() -> None:
    name = b"a\x01b&#1;c&#x1F;d&#0;e&#xD800;f&#65;&#x1F39B;"
    raw = b'<DJ_PLAYLISTS><COLLECTION><TRACK Name="' + name + b'"/></COLLECTION></DJ_PLAYLISTS>'
    result = parse_collection(BytesIO(raw))
    assert result.change.tracks[0].values[Field.TITLE] == "abcdefA🎛"
    assert result.report.removed_characters == 5


def test_references_across_the_borders_of_chunks_are_seen() -> None:
    class Drops(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(3)

    raw = b'<DJ_PLAYLISTS><COLLECTION><TRACK Name="' + b"x&#1;y&#66;&amp;" * 50 + b'"/></COLLECTION></DJ_PLAYLISTS>'
    assert read_collection(Drops(raw)).tracks[0].values[Field.TITLE] == "xyB&" * 50


def test_things_that_nobody_knows_are_named_in_the_report() -> None:
    result = parsed(
        '<TRACK TrackID="1"><TEMPO Inizio="0" Bpm="120" Swing="3"/><POSITION_MARK Start="1" Mood="dark"/><X/></TRACK>',
        playlists="<EXTRA><TRACK/></EXTRA>",
    )
    assert result.report.unread == {
        "TEMPO@Swing": 1,
        "POSITION_MARK@Mood": 1,
        "TRACK/X": 1,
        "DJ_PLAYLISTS/EXTRA": 1,
        "EXTRA/TRACK": 1,
    }
    assert len(result.change.tracks[0].cues) == 1
    assert "POSITION_MARK@Mood" in result.report.notes()[0]


# --- grids and cues ----------------------------------------------------------------------------------------------


def test_a_dynamic_grid_of_many_anchors_is_read() -> None:
    tempos = "".join(
        f'<TEMPO Inizio="{beat / 2:.3f}" Bpm="{119 + beat % 3}.00" Metro="4/4" Battito="{beat % 4 + 1}"/>'
        for beat in range(856)
    )
    grid = track("", tempos).values[Field.BEAT_GRID]
    assert len(grid.anchors) == 856  # type: ignore[attr-defined]
    assert grid.anchors[-1] == GridAnchor(start_s=427.5, tempo_bpm=119.0, beat_in_bar=4)  # type: ignore[attr-defined]


def test_a_damaged_grid_is_mended_and_the_mending_counted() -> None:
    result = parsed(
        '<TRACK TrackID="1">'
        '<TEMPO Inizio="5.000" Bpm="120.00" Metro="4/4" Battito="1"/>'
        '<TEMPO Inizio="1.000" Bpm="121.00" Metro="4/4" Battito="7"/>'
        '<TEMPO Inizio="5.000" Bpm="122.00" Metro="4/4" Battito="2"/>'
        '<TEMPO Inizio="9.000" Bpm="0.00" Metro="4/4" Battito="1"/>'
        '<TEMPO Inizio="" Bpm="120" Metro="4/4" Battito="1"/>'
        '<TEMPO Inizio="8,5" Bpm="99,5" Metro="four" Battito="x"/>'
        "</TRACK>"
    )
    grid = result.change.tracks[0].values[Field.BEAT_GRID]
    assert [(anchor.start_s, anchor.tempo_bpm, anchor.beat_in_bar) for anchor in grid.anchors] == [  # type: ignore[attr-defined]
        (1.0, 121.0, 3),
        (5.0, 122.0, 2),
        (8.5, 99.5, 1),
    ]
    assert result.report.mended_tempos >= 4


def test_a_grid_without_one_usable_anchor_is_absent() -> None:
    assert Field.BEAT_GRID not in track("", '<TEMPO Inizio="1" Bpm="0"/><TEMPO/>').values


def test_another_metre_is_read() -> None:
    grid = track("", '<TEMPO Inizio="0" Bpm="90" Metro="3/4" Battito="3"/>').values[Field.BEAT_GRID]
    assert grid.beats_per_bar == 3  # type: ignore[attr-defined]


def test_a_metre_that_the_catalogue_can_not_hold_is_counted() -> None:
    assert parsed('<TRACK><TEMPO Inizio="0" Bpm="90" Metro="6/8"/></TRACK>').report.mended_tempos == 1


@pytest.mark.parametrize(
    ("mark", "kind", "pad"),
    [
        ('Type="0" Num="-1"', CueKind.MEMORY, None),
        ('Type="0" Num="0"', CueKind.HOT, 0),
        ('Type="0" Num="15"', CueKind.HOT, 15),
        ('Type="1" Num="-1"', CueKind.FADE_IN, None),
        ('Type="2" Num="-1"', CueKind.FADE_OUT, None),
        ('Type="3" Num="-1"', CueKind.LOAD, None),
        ("", CueKind.MEMORY, None),
    ],
)
def test_every_type_of_mark_is_read(mark: str, kind: CueKind, pad: int | None) -> None:
    result = parsed(f'<TRACK><POSITION_MARK {mark} Start="1.5"/></TRACK>')
    cue = result.change.tracks[0].cues[0]
    assert (cue.kind, cue.pad, cue.start_s, cue.is_loop) == (kind, pad, 1.5, False)
    assert result.report.mended_cues == 0


def test_loops_labels_and_colours_are_read() -> None:
    pink = track("", '<POSITION_MARK Name="x" Type="4" Start="1" End="2" Num="3" Red="255" Green="0" Blue="127"/>')
    cue = pink.cues[0]
    assert (cue.kind, cue.end_s, cue.pad, cue.label) == (CueKind.HOT, 2.0, 3, "x")
    assert cue.colour == Colour(red=255, green=0, blue=127)


def test_the_default_colours_of_rekordbox_mean_that_the_dj_chose_none() -> None:
    marks = (
        '<POSITION_MARK Type="0" Start="1" Num="0" Red="40" Green="226" Blue="20"/>'
        '<POSITION_MARK Type="4" Start="1" End="2" Num="1" Red="255" Green="140" Blue="0"/>'
        '<POSITION_MARK Type="0" Start="1" Num="2" Red="255" Green="140" Blue="0"/>'
    )
    assert [cue.colour is None for cue in track("", marks).cues] == [True, True, False]


@pytest.mark.parametrize(
    ("mark", "kept"),
    [
        ('Type="4" Start="2" End="1" Num="0"', True),
        ('Type="4" Start="2" Num="0"', True),
        ('Type="9" Start="2" Num="-1"', True),
        ('Type="0" Start="2" Num="16"', True),
        ('Type="0" Start="2" Num="-2"', True),
        ('Type="0" Start="2" Num="1.5"', True),
        ('Type="0" Start="-2" Num="0"', True),
        ('Type="0" Start="2" End="3" Num="0"', True),
        ('Type="0" Num="0"', False),
        ('Type="0" Start="soon" Num="0"', False),
        ('Type="0" Start="nan" Num="0"', False),
    ],
)
def test_marks_that_rekordbox_does_not_have_are_mended_or_left_out_and_counted(mark: str, kept: bool) -> None:
    result = parsed(f"<TRACK><POSITION_MARK {mark}/></TRACK>")
    assert result.report.mended_cues == 1
    assert len(result.change.tracks[0].cues) == kept
    assert all(cue.start_s >= 0 and not cue.is_loop for cue in result.change.tracks[0].cues)


# --- ids and playlists -------------------------------------------------------------------------------------------

TREE = """
<PLAYLISTS><NODE Type="0" Name="ROOT" Count="3">
  <NODE Name="A/B" Type="0" Count="1"><NODE Name="x" Type="1" KeyType="0" Entries="2">
    <TRACK Key="1"/><TRACK Key="404"/></NODE></NODE>
  <NODE Name="A" Type="0"><NODE Name="B" Type="1" KeyType="0"/><NODE Name="B" Type="1" KeyType="0"/></NODE>
  <NODE Name="by place" Type="1" KeyType="1" Entries="2">
    <TRACK Key="file://localhost/m/%41.mp3"/><TRACK Key="/nowhere"/></NODE>
</NODE></PLAYLISTS>
"""


def test_playlists_keep_their_tree_their_order_and_an_id_that_lasts() -> None:
    result = parsed('<TRACK TrackID="1" Location="file://localhost/m/A.mp3"/>', playlists=TREE)
    assert result.change.playlists is not None
    assert [(each.id, each.parent_id, each.position, each.kind, each.entries) for each in result.change.playlists] == [
        ("A\\/B", None, 0, PlaylistKind.FOLDER, ()),
        ("A\\/B/x", "A\\/B", 0, PlaylistKind.PLAYLIST, ("1",)),
        ("A", None, 1, PlaylistKind.FOLDER, ()),
        ("A/B", "A", 0, PlaylistKind.PLAYLIST, ()),
        ("A/B\\2", "A", 1, PlaylistKind.PLAYLIST, ()),
        ("by place", None, 2, PlaylistKind.PLAYLIST, ("1",)),
    ]
    assert result.report.unknown_entries == 2


def test_playlists_without_a_root_are_read_all_the_same() -> None:
    nodes = '<PLAYLISTS><NODE Name="a" Type="1"><TRACK Key="1"/></NODE><NODE Name="b" Type="0"/></PLAYLISTS>'
    playlists = parsed('<TRACK TrackID="1"/>', playlists=nodes).change.playlists
    assert playlists is not None
    assert [(each.name, each.parent_id, each.entries) for each in playlists] == [("a", None, ("1",)), ("b", None, ())]


def test_double_track_ids_are_told_apart_and_playlists_mean_the_first() -> None:
    result = parsed(
        '<TRACK TrackID="1" Location="/a"/><TRACK TrackID="1" Location="/b"/><TRACK TrackID="1" Location="/a"/>'
        '<TRACK Location="/c"/><TRACK/><TRACK/>',
        playlists='<PLAYLISTS><NODE Name="p" Type="1"><TRACK Key="1"/></NODE></PLAYLISTS>',
    )
    ids = [each.id for each in result.change.tracks]
    # The third is the first once more.
    assert ids == ["1", "1:/b", "location:/c", "location:track 5", "location:track 6"]
    assert result.report.double_track_ids == 2
    assert result.change.playlists is not None
    assert result.change.playlists[0].entries == ("1",)


def test_fewer_tracks_than_announced_are_reported() -> None:
    text = '<DJ_PLAYLISTS><COLLECTION Entries="3"><TRACK TrackID="1"/></COLLECTION></DJ_PLAYLISTS>'
    assert parse_collection(BytesIO(text.encode())).report.missing_tracks == 2


# --- what is refused ---------------------------------------------------------------------------------------------

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<DJ_PLAYLISTS><COLLECTION><TRACK Name="&b;"/></COLLECTION></DJ_PLAYLISTS>"""
EXTERNAL = b"""<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<DJ_PLAYLISTS><COLLECTION><TRACK Name="x">&a;</TRACK></COLLECTION></DJ_PLAYLISTS>"""
EXTERNAL_DTD = b'<!DOCTYPE DJ_PLAYLISTS SYSTEM "http://127.0.0.1:9/x.dtd"><DJ_PLAYLISTS/>'
PARAMETER = b'<!DOCTYPE x [<!ENTITY % a SYSTEM "file:///etc/passwd"> %a;]><DJ_PLAYLISTS/>'
PLAIN_DTD = b"<!DOCTYPE DJ_PLAYLISTS><DJ_PLAYLISTS/>"


@pytest.mark.parametrize("bomb", [BOMB, EXTERNAL, EXTERNAL_DTD, PARAMETER, PLAIN_DTD])
def test_document_types_and_entities_are_refused_in_one_clear_line(bomb: bytes) -> None:
    with pytest.raises(InvalidInputError, match=r"line \d+: it declares a document type or entities") as caught:
        read_collection(BytesIO(bomb))
    assert not isinstance(caught.value, CorruptFileError)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


def test_an_undefined_entity_is_damage() -> None:
    with pytest.raises(CorruptFileError, match="line 1"):
        read_collection(BytesIO(b"<DJ_PLAYLISTS>&nbsp;</DJ_PLAYLISTS>"))


def test_a_file_that_ends_in_the_middle_names_its_line(tmp_path: Path) -> None:
    whole = xml_of(one_track(values={Field.TITLE: "x"}))
    cut = tmp_path / "cut.xml"
    cut.write_text(whole[: whole.index("Genre")], encoding="utf-8")
    with pytest.raises(CorruptFileError, match=r"cut\.xml, line 6: the file ends in the middle"):
        read_collection(cut)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "is empty"),
        (b"   \n", "is not XML|is empty|ends in the middle"),
        (b"hello", "not XML"),
        (b"\x00\x01\x02\x03" * 100, "not XML|is empty"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x23", "not XML"),
        (b"SQLite format 3\x00", "not XML"),
        (b"<DJ_PLAYLISTS><A></B></DJ_PLAYLISTS>", "damaged XML"),
        (b'<DJ_PLAYLISTS a="1" a="2"/>', "XML"),
        (b'<?xml version="1.0" encoding="klingon"?><DJ_PLAYLISTS/>', "XML"),
        (b'<DJ_PLAYLISTS><COLLECTION><TRACK Name="\xff\xfe"/></COLLECTION></DJ_PLAYLISTS>', "damaged XML"),
    ],
)
def test_what_is_no_xml_is_refused_in_one_clear_line(raw: bytes, message: str) -> None:
    with pytest.raises(CorruptFileError, match=message) as caught:
        read_collection(BytesIO(raw))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("root", ["NML", "html", "plist", "TRACK"])
def test_another_kind_of_xml_is_refused_by_its_name(root: str) -> None:
    with pytest.raises(InvalidInputError, match=f"begins with <{root}>") as caught:
        read_collection(BytesIO(f"<{root}></{root}>".encode()))
    assert not isinstance(caught.value, CorruptFileError)


def test_paths_that_can_not_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        read_collection(tmp_path / "none.xml")
    with pytest.raises(InvalidInputError, match="is a folder"):
        read_collection(tmp_path)
    with pytest.raises(InvalidInputError, match="name of a file"):
        read_collection(tmp_path / "a\0b")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unavailable(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<DJ_PLAYLISTS/>")
    secret.chmod(0)
    with pytest.raises(UnavailableError):
        read_collection(secret)


def test_mutated_files_are_read_or_refused_but_never_break_the_reader() -> None:
    whole = (Path(__file__).parents[2] / "golden" / "rekordbox_7_mac.xml").read_bytes()
    chance = random.Random(7)
    refused: list[str] = []
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randrange(60)]
                case 2:
                    data[at:at] = bytes(chance.randrange(256) for _ in range(4))
                case _:
                    del data[at:]
                    data += b" "
        try:
            xml_of(read_collection(BytesIO(bytes(data))))
        except CratehandError as error:
            refused.append(str(error))
    assert 0 < len(refused) < 300
    assert not [message for message in refused if "\n" in message]


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(CratehandError):
        read_collection(BytesIO(data))


def test_a_tag_without_end_is_refused_soon() -> None:
    endless = b'<DJ_PLAYLISTS>\n<COLLECTION><TRACK Name="' + b"x" * (12 << 20)
    with pytest.raises(CorruptFileError, match="line 2: a tag is longer than 8 MB"):
        read_collection(BytesIO(endless))


def test_the_text_of_a_file_is_never_in_memory() -> None:
    class Endless:
        """A hundred megabytes of an attribute nobody asks for, in a comment."""

        def __init__(self) -> None:
            self.parts = iter([b"<DJ_PLAYLISTS>", *[b"<!--" + b"x" * (1 << 18) + b"-->"] * 100, b"</DJ_PLAYLISTS>"])

        def read(self, size: int = -1) -> bytes:
            return next(self.parts, b"")

    tracemalloc.start()
    try:
        assert read_collection(Endless()).tracks == []  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
