"""M3U playlists."""

from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.collection import CollectionTrack
from cratehand.domain.errors import CorruptFileError, InvalidInputError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.matching import WantedTrack
from cratehand_rekordbox_export import read_playlists, write_m3u8
from cratehand_rekordbox_export.m3u8 import M3uPlaylist, parse_m3u8, resolve_path


def at(path: str, **values: object) -> CollectionTrack:
    return CollectionTrack(
        id=ForeignId(path), location=path, values={Field(name): value for name, value in values.items()}
    )


def written(*tracks: CollectionTrack, **options: str) -> str:
    target = BytesIO()
    write_m3u8(target, tracks, **options)
    return target.getvalue().decode("utf-8")


def parsed(text: str, folder: str = "/lists") -> tuple[WantedTrack, ...]:
    return parse_m3u8(text, folder=folder).entries


def test_a_playlist_is_written_with_line_feeds_and_no_mark() -> None:
    entries = (
        at("/m/Ü.mp3", artist="A", title="T", duration_s=171.6),
        at("/m/b.mp3", title="Only\na title"),
        at("/m/c.mp3"),
    )
    assert written(*entries, name="My\nlist") == (
        "#EXTM3U\n#PLAYLIST:My list\n"
        "#EXTINF:172,A - T\n/m/Ü.mp3\n#EXTINF:-1,Only a title\n/m/b.mp3\n#EXTINF:-1,\n/m/c.mp3\n"
    )


def test_a_track_without_a_place_is_left_out() -> None:
    target = BytesIO()
    assert write_m3u8(target, [at("", title="streamed"), at("/m/a.mp3")]) == 1
    assert target.getvalue() == b"#EXTM3U\n#EXTINF:-1,\n/m/a.mp3\n"


def test_paths_are_relative_where_asked() -> None:
    entries = (
        at("/m/a.mp3"),
        at("/lists/sub/b.mp3"),
        at("/lists/http://x/c.mp3"),
    )
    assert written(*entries, relative_to="/lists").splitlines()[2::2] == ["../m/a.mp3", "sub/b.mp3", "http:/x/c.mp3"]
    windows = (at("C:\\m\\a.mp3"), at("D:\\m\\a.mp3"), at("/m/a.mp3"))
    assert written(*windows, relative_to="C:\\lists").splitlines()[2::2] == ["..\\m\\a.mp3", "D:\\m\\a.mp3", "/m/a.mp3"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/m/new\nline.mp3", "file:///m/new%0Aline.mp3"),
        ("/m/blank at the end ", "file:///m/blank%20at%20the%20end%20"),
        (b"/m/\xe9.mp3".decode("utf-8", "surrogateescape"), "file:///m/%E9.mp3"),
        ("C:\\m\\new\nline.mp3", "file:///C:/m/new%0Aline.mp3"),
    ],
)
def test_a_path_that_no_line_can_hold_becomes_a_uri(path: str, line: str) -> None:
    assert written(at(path)).splitlines()[-1] == line


path_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(path_text.map(lambda name: "/m/" + name))
def test_every_posix_path_comes_back(path: str) -> None:
    entries = parsed(written(at(path, title="t")))
    assert [entry.path for entry in entries] == [path]


@given(st.text(max_size=300))
def test_no_text_breaks_the_reading(text: str) -> None:
    for entry in parsed(text):
        assert entry.path or entry.title


def test_entries_are_read_with_their_labels_and_lines() -> None:
    text = "\ufeff#EXTM3U\r\n#PLAYLIST:Friday\r\n#EXTINF:123,A - T - Dub\r\n/m/a.mp3\r\n\r\n# a remark\r\n/m/b.mp3\r\n"
    assert parse_m3u8(text, folder="/lists") == M3uPlaylist(
        name="Friday",
        entries=(
            WantedTrack(artist="A", title="T - Dub", path="/m/a.mp3", duration_s=123.0, line=4),
            WantedTrack(path="/m/b.mp3", line=7),
        ),
    )


@pytest.mark.parametrize(
    ("line", "folder", "path"),
    [
        ("/m/a.mp3", "/lists", "/m/a.mp3"),
        ("a b.mp3", "/lists", "/lists/a b.mp3"),
        ("../m/./a.mp3", "/lists", "/m/a.mp3"),
        ("sub\\a.mp3", "/lists", "/lists/sub/a.mp3"),
        ("sub/back\\slash.mp3", "/lists", "/lists/sub/back\\slash.mp3"),
        ("C:\\Music\\a.mp3", "/lists", "C:\\Music\\a.mp3"),
        ("C:/Music/a.mp3", "/lists", "C:/Music/a.mp3"),
        ("\\\\nas\\share\\a.mp3", "/lists", "\\\\nas\\share\\a.mp3"),
        ("a.mp3", "C:\\lists", "C:\\lists\\a.mp3"),
        ("..\\m\\a.mp3", "C:\\lists", "C:\\m\\a.mp3"),
        ("file:///m/a%20b.mp3", "/lists", "/m/a b.mp3"),
        ("file://localhost/C:/m/a.mp3", "/lists", "C:/m/a.mp3"),
        ("file://nas/share/a.mp3", "/lists", "//nas/share/a.mp3"),
        ("https://radio.example/stream", "/lists", None),
        ("spotify:track:123", "/lists", None),
        ("Foo: Bar.mp3", "/lists", "/lists/Foo: Bar.mp3"),
    ],
)
def test_every_notation_of_a_path_is_understood(line: str, folder: str, path: str | None) -> None:
    assert resolve_path(line, folder=folder) == path


@pytest.mark.parametrize(
    ("info", "duration_s", "artist", "title"),
    [
        ("#EXTINF:-1,Artist - Title", None, "Artist", "Title"),
        ("#EXTINF:0,Title", None, None, "Title"),
        ("#EXTINF:,x - y", None, "x", "y"),
        ("#EXTINF:12.5,x - y", 12.5, "x", "y"),
        ('#EXTINF:200 tvg-id="1" group="g",x - y', 200.0, "x", "y"),
        ("#extinf: 200 , x - y ", 200.0, "x", "y"),
        ("#EXTINF:200", None, None, None),
        ("#EXTINF:9999999999999999999,x", None, None, "x"),
    ],
)
def test_every_spelling_of_an_info_line_is_understood(
    info: str, duration_s: float | None, artist: str | None, title: str | None
) -> None:
    (entry,) = parsed(f"{info}\n/m/a.mp3\n")
    assert (entry.duration_s, entry.artist, entry.title) == (duration_s, artist, title)


def test_streams_keep_their_names_and_nameless_ones_are_left_out() -> None:
    text = "#EXTINF:1,A - B\nhttps://x.example/1\nhttps://x.example/2\n"
    assert parsed(text) == (WantedTrack(artist="A", title="B", duration_s=1.0, line=2),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
def test_files_of_every_usual_encoding_are_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "list.m3u"
    path.write_bytes("#EXTM3U\r\n#EXTINF:1,Jörg - Tür\r\nJörg.mp3\r\n".encode(encoding))
    (playlist,) = read_playlists(path)
    assert playlist.name == "list"
    (entry,) = playlist.entries
    assert (entry.artist, entry.title, entry.path) == ("Jörg", "Tür", str(tmp_path / "Jörg.mp3"))


def test_files_that_are_no_playlist_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "song.m3u8"
    binary.write_bytes(bytes(range(256)) * 10)
    with pytest.raises(CorruptFileError, match="is not a text file"):
        read_playlists(binary)
    with pytest.raises(NotFoundError):
        read_playlists(tmp_path / "none.m3u8")
    folder = tmp_path / "folder.m3u8"
    folder.mkdir()
    with pytest.raises(InvalidInputError, match="folder"):
        read_playlists(folder)


def test_an_empty_playlist_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.m3u8"
    path.write_bytes(b"")
    assert read_playlists(path)[0].entries == ()
