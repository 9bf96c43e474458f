"""Tables and plain lines."""

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.errors import CorruptFileError, CratehandError, InvalidInputError
from cratehand.domain.matching import WantedTrack
from cratehand_rekordbox_export import ImportedPlaylist, read_playlists
from cratehand_rekordbox_export.text_lists import is_table, parse_duration, parse_lines, parse_table


def table(text: str) -> list[WantedTrack]:
    return parse_table(text, name="list.csv", folder="/lists")


def line(text: str) -> WantedTrack | None:
    found = parse_lines(text, folder="/lists")
    return found[0] if found else None


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_columns_are_found_by_name_in_any_order(delimiter: str) -> None:
    rows = [
        ["BPM", "Length", "Title", "Comment", "Artist", "ISRC", "Location"],
        ["128", "6:32", "T", "x", "A", "DEABC1234567", "/m/a.mp3"],
    ]
    assert table("\n".join(delimiter.join(row) for row in rows)) == [
        WantedTrack(artist="A", title="T", path="/m/a.mp3", duration_s=392.0, isrc="DEABC1234567", line=2)
    ]


@pytest.mark.parametrize(
    "header",
    [
        "Track Title\tArtist\tTime",
        "Titel\tInterpret\tDauer",
        "Musiktitel\tKünstler\tZeit",
        "Titre du morceau\tArtiste\tDurée",
        "TRACK NAME\tArtist Name(s)\tDuration",
    ],
)
def test_headers_of_several_languages_are_known(header: str) -> None:
    assert table(f"{header}\nT\tA\t3:00\n") == [WantedTrack(artist="A", title="T", duration_s=180.0, line=2)]


def test_the_text_export_of_rekordbox_is_read(tmp_path: Path) -> None:
    path = tmp_path / "Peak.txt"
    path.write_bytes(
        (
            "#\tArtwork\tTrack Title\tArtist\tAlbum\tGenre\tBPM\tRating\tTime\tKey\tDate Added\r\n"
            '1\t\t"Heroes" (Live)\tBöwe\tX\tRock\t112.00\t*****\t06:07\t8A\t2024-01-02\r\n'
            '2\t\t12" Mix\tBöwe\t\t\t120.00\t\t12:00\t\t2024-01-02\r\n'
            '3\t\t"Open\tBöwe\t\t\t120.00\t\t01:00:00\t\t2024-01-02\r\n'
        ).encode("utf-16")
    )
    assert read_playlists(path) == [
        ImportedPlaylist(
            name="Peak",
            entries=(
                WantedTrack(artist="Böwe", title='"Heroes" (Live)', duration_s=367.0, line=2),
                WantedTrack(artist="Böwe", title='12" Mix', duration_s=720.0, line=3),
                WantedTrack(artist="Böwe", title='"Open', duration_s=3600.0, line=4),
            ),
        )
    ]


def test_quoted_cells_may_hold_delimiters_quotes_and_line_ends() -> None:
    text = 'sep=,\nartist,title\n"A, B","The ""T"""\n"C\nD",E\nF,G\n'
    assert [(each.artist, each.title, each.line) for each in table(text)] == [
        ("A, B", 'The "T"', 3),
        ("C\nD", "E", 4),
        ("F", "G", 6),
    ]


def test_the_version_of_a_column_of_its_own_joins_the_title() -> None:
    text = "artist,title,mix\nA,T,Dub\nA,T (Dub),Dub\nA,T,\n"
    assert [each.title for each in table(text)] == ["T (Dub)", "T (Dub)", "T"]


def test_milliseconds_are_read_as_such() -> None:
    assert [each.duration_s for each in table("title,Duration (ms)\nT,392000\n")] == [392.0]
    assert [each.duration_s for each in table("title,duration\nT,392000\nT,392\nT,x\n")] == [392.0, 392.0, None]


def test_rows_that_name_no_track_are_left_out() -> None:
    assert [each.line for each in table("artist,title\n,\nA,\nA,T\n\nshort\n")] == [4]


def test_a_table_without_a_usable_header_says_what_is_missing() -> None:
    for text in ("A,T\nB,U\n", "", "artist,bpm\nA,120\n"):
        with pytest.raises(InvalidInputError, match="put a line such as artist,title"):
            table(text)


def test_a_quote_that_is_never_closed_is_said() -> None:
    with pytest.raises(CorruptFileError, match="quote"):
        table('artist,title\nA,"' + "x" * 200_000)


@pytest.mark.parametrize(
    ("text", "artist", "title"),
    [
        ("Artist - Title", "Artist", "Title"),
        ("Artist – Title (Remix)", "Artist", "Title (Remix)"),
        ("Artist — Title", "Artist", "Title"),
        ("Artist–Title", "Artist", "Title"),
        ("Artist\tTitle", "Artist", "Title"),
        ("01. Artist - Title", "Artist", "Title"),
        ("1) Artist - Title", "Artist", "Title"),
        ("12: Artist - Title", "Artist", "Title"),
        ("[03] Artist - Title", "Artist", "Title"),
        ("04 - Artist - Title", "Artist", "Title"),
        ("[12:34] Artist - Title", "Artist", "Title"),
        ("(1:02:03) Artist - Title", "Artist", "Title"),
        ("00:12:34 Artist - Title", "Artist", "Title"),
        ("12:34 - Artist - Title", "Artist", "Title"),
        ("01. [12:34] Artist - Title", "Artist", "Title"),
        ("[12:34] 01. Artist - Title", "Artist", "Title"),
        ("w/ Artist - Title", "Artist", "Title"),
        ("Artist - Title - Extended Mix", "Artist", "Title - Extended Mix"),
        ("A-Ha - Take On Me", "A-Ha", "Take On Me"),
        ("50 Cent - In Da Club", "50 Cent", "In Da Club"),
        ("808 State - Pacific", "808 State", "Pacific"),
        ("2 Unlimited - No Limit", "2 Unlimited", "No Limit"),
        ("1. 2 Unlimited - No Limit", "2 Unlimited", "No Limit"),
        ("Just a title", None, "Just a title"),
        ("\ufeff  Artist - Title  ", "Artist", "Title"),
        ("坂本龍一 - 戦場のメリークリスマス", "坂本龍一", "戦場のメリークリスマス"),
    ],
)
def test_lines_of_every_usual_form_are_read(text: str, artist: str | None, title: str) -> None:
    found = line(text)
    assert found is not None
    assert (found.artist, found.title, found.duration_s) == (artist, title, None)


@pytest.mark.parametrize("text", ["", "   ", "# comment", "// comment", "---", "***", "[12:34]", "01."])
def test_lines_that_name_no_track_are_left_out(text: str) -> None:
    assert line(text) is None


def test_a_length_behind_a_line_is_read() -> None:
    assert line("Artist - Title (Dub) [6:32]") == WantedTrack(
        artist="Artist", title="Title (Dub)", duration_s=392.0, line=1
    )


@pytest.mark.parametrize("path", ["/m/a b.mp3", "C:\\m\\a.flac", "\\\\nas\\x\\a.wav", "file:///m/a%20b.mp3"])
def test_lines_that_are_paths_are_paths(path: str) -> None:
    found = line(path)
    assert found is not None
    assert found.title is None
    assert found.path == ("/m/a b.mp3" if path.startswith("file:") else path)


def test_lines_are_counted_as_an_editor_does() -> None:
    assert [each.line for each in parse_lines("# x\r\n\r\nA - B\rC - D\nE - F", folder="/")] == [3, 4, 5]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("6:32", 392.0), ("06:32", 392.0), ("1:02:03", 3723.0), ("90:00", 5400.0), ("392", 392.0), ("392.5", 392.5),
        ("392,5", 392.5), ("392000", 392.0), ("0:00", None), ("0", None), ("-5", None), ("", None), ("long", None),
        ("nan", None), ("1:2:3:4", None),
    ],
)  # fmt: skip
def test_lengths_of_every_form_are_read(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_a_text_file_is_a_table_only_when_its_first_line_is_a_header() -> None:
    assert is_table("Artist\tTitle\nA\tT\n")
    assert not is_table("Artist - Title\nA - T\n")
    assert not is_table("Title\nA - T\n")
    assert not is_table("")


def test_plain_text_files_are_read_whatever_their_suffix(tmp_path: Path) -> None:
    for name in ("set.txt", "set.list", "set"):
        path = tmp_path / name
        path.write_bytes("A - Tür\r\n".encode("cp1252"))
        (playlist,) = read_playlists(path)
        assert playlist == ImportedPlaylist(name="set", entries=(WantedTrack(artist="A", title="Tür", line=1),))


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    for found in parse_lines(text, folder="/"):
        assert found.title or found.path
    for whole in (text, "artist,title\n" + text):
        with contextlib.suppress(CratehandError):
            table(whole)


@pytest.mark.parametrize(
    "nasty", [" " * 200_000, "- " * 100_000, "1." * 100_000, "1:" * 50_000, "\t" * 100_000, "(" * 9999]
)
def test_nasty_lines_are_read_at_once(nasty: str) -> None:
    started = time.process_time()
    parse_lines(nasty + "\n" + nasty, folder="/")
    is_table(nasty)
    assert time.process_time() - started < 1.0
