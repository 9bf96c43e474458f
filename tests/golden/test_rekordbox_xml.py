"""Whole files: what is read and written again is the same file."""

from io import BytesIO
from pathlib import Path

import pytest

from cratehand_rekordbox_export import Product, parse_collection, write_collection
from tests.golden.xml_shape import differences

HERE = Path(__file__).parent
MAC = HERE / "rekordbox_7_mac.xml"
WINDOWS = HERE / "rekordbox_5_windows.xml"
REKORDBOX_7 = Product(name="rekordbox", version="7.2.8", company="AlphaTheta")


def written_again(source: bytes, *, newline: str = "\n") -> bytes:
    target = BytesIO()
    write_collection(target, parse_collection(BytesIO(source)).change, product=REKORDBOX_7, newline=newline)
    return target.getvalue()


def test_an_export_of_version_7_comes_back_byte_for_byte() -> None:
    assert written_again(MAC.read_bytes()) == MAC.read_bytes()


def test_an_export_with_crlf_comes_back_byte_for_byte() -> None:
    crlf = MAC.read_bytes().replace(b"\n", b"\r\n")
    assert written_again(crlf, newline="\r\n") == crlf


def test_an_export_of_version_5_comes_back_attribute_by_attribute() -> None:
    assert differences(WINDOWS, written_again(WINDOWS.read_bytes())) == []


def test_a_difference_would_be_noticed() -> None:
    changed = MAC.read_bytes().replace(b'Rating="204"', b'Rating="205"').replace(b'Num="2"', b'Num="3"')
    assert differences(MAC, changed) == [
        "TRACK Rating: '204'",
        "TRACK Rating: '205'",
        "POSITION_MARK Num: '2'",
        "POSITION_MARK Num: '3'",
    ]


@pytest.mark.parametrize("path", [MAC, WINDOWS], ids=["mac", "windows"])
def test_nothing_of_a_sound_export_is_mended_or_left_out(path: Path) -> None:
    assert parse_collection(path).report.notes() == ()


def test_reading_what_we_wrote_gives_the_same_collection() -> None:
    for path in (MAC, WINDOWS):
        change = parse_collection(path).change
        again = parse_collection(BytesIO(written_again(path.read_bytes()))).change
        assert [(track.id, track.location, track.values, set(track.cues)) for track in again.tracks] == [
            (track.id, track.location, track.values, set(track.cues)) for track in change.tracks
        ]
        assert again.playlists == (change.playlists or [])
