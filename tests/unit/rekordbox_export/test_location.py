"""The Location codec."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand_rekordbox_export.location import PREFIX, decode, encode
from tests.unit.rekordbox_export.crates import paths


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/Users/dj/Music/a b.mp3", "file://localhost/Users/dj/Music/a%20b.mp3"),
        ("/Volumes/USB 1/x.wav", "file://localhost/Volumes/USB%201/x.wav"),
        ("C:/Music/x.mp3", "file://localhost/C:/Music/x.mp3"),
        ("C:/", "file://localhost/C:/"),
        ("//nas/share/x.mp3", "file://localhost//nas/share/x.mp3"),
        ("/m/it's & [that] {x}.mp3", "file://localhost/m/it%27s%20%26%20%5bthat%5d%20%7bx%7d.mp3"),
        ("/m/100%.mp3", "file://localhost/m/100%25.mp3"),
        ("/m/a#b;c?d.mp3", "file://localhost/m/a#b;c%3fd.mp3"),
        ("/m/-_.~:()!,;#$@+=", "file://localhost/m/-_.~:()!,;#$@+="),
        ("/m/Ü.mp3", "file://localhost/m/%c3%9c.mp3"),
        (unicodedata.normalize("NFD", "/m/Ü.mp3"), "file://localhost/m/U%cc%88.mp3"),
        ("/m/日本 🎛.mp3", "file://localhost/m/%e6%97%a5%e6%9c%ac%20%f0%9f%8e%9b.mp3"),
        ("/m/new\nline\ttab.mp3", "file://localhost/m/new%0aline%09tab.mp3"),
        ("/m/back\\slash.mp3", "file://localhost/m/back%5cslash.mp3"),
        ("/m/%20 literally.mp3", "file://localhost/m/%2520%20literally.mp3"),
        ("tidal:tracks:123", "file://localhosttidal:tracks:123"),
        ("", ""),
    ],
)
def test_paths_are_written_as_rekordbox_does_and_read_back(path: str, location: str) -> None:
    assert encode(path) == location
    assert decode(location) == path


@given(paths)
def test_every_path_comes_back(path: str) -> None:
    assert decode(encode(path)) == path


@given(st.text(st.characters(codec="utf-8"), max_size=30).map(lambda text: "/m/" + text.replace("\0", "")))
def test_every_character_of_a_posix_path_comes_back(path: str) -> None:
    location = encode(path)
    assert decode(location) == path
    assert encode(decode(location)) == location
    assert location.isascii()
    assert location.isprintable()


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("C:\\Music\\a b.mp3", "file://localhost/C:/Music/a%20b.mp3"),
        ("\\\\nas\\share\\x.mp3", "file://localhost//nas/share/x.mp3"),
    ],
)
def test_backslashes_of_windows_become_slashes(path: str, location: str) -> None:
    assert encode(path) == location


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("file://localhost/C:/Music/100% Pure & Ü.mp3", "C:/Music/100% Pure & Ü.mp3"),
        ("file://localhost/m/a b%20c.mp3", "/m/a b%20c.mp3"),
        ("file://localhost/m/Ü%20x.mp3", "/m/Ü x.mp3"),
        ("file://localhost/m/%C3%9C.mp3", "/m/Ü.mp3"),
        ("file:///Users/dj/a%20b.mp3", "/Users/dj/a b.mp3"),
        ("file:///C:/a.mp3", "C:/a.mp3"),
        ("file:/Users/dj/a.mp3", "/Users/dj/a.mp3"),
        ("FILE://LOCALHOST/m/a.mp3", "/m/a.mp3"),
        ("file://nas/share/a.mp3", "//nas/share/a.mp3"),
        ("file://localhost//Users/dj/a.mp3", "/Users/dj/a.mp3"),
        ("/Users/dj/100%.mp3", "/Users/dj/100%.mp3"),
        ("C:\\Music\\a.mp3", "C:\\Music\\a.mp3"),
        ("file://localhost/m/%e9.mp3", "/m/%e9.mp3"),
        ("file://localhost/m/%00.mp3", "/m/%00.mp3"),
        ("file://localhost/m/%zz%2.mp3", "/m/%zz%2.mp3"),
        ("file://localhost", ""),
        ("", ""),
    ],
)
def test_what_other_programs_write_is_read(location: str, path: str) -> None:
    assert decode(location) == path


def test_a_name_that_is_not_utf8_goes_out_as_its_own_bytes() -> None:
    assert encode(b"/m/\xe9.mp3".decode("utf-8", "surrogateescape")) == PREFIX + "/m/%e9.mp3"
    assert encode("/m/\ud800.mp3") == PREFIX + "/m/%3f.mp3"


@given(st.text())
def test_no_location_breaks_the_reading(text: str) -> None:
    decode(text)
    decode(PREFIX + text)
