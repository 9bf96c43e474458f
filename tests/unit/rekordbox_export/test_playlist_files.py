"""Playlists out of whole files."""

from pathlib import Path

import pytest

from cratehand.domain.errors import CorruptFileError, InvalidInputError
from cratehand.domain.ids import TrackId
from cratehand.domain.matching import Candidate, CandidateIndex, match_all
from cratehand_rekordbox_export import read_playlists
from cratehand_rekordbox_export.text_file import LARGEST_BYTES

GOLDEN = Path(__file__).parents[2] / "golden" / "rekordbox_7_mac.xml"


def test_xml_gives_every_playlist_with_its_folders_and_tracks() -> None:
    playlists = read_playlists(GOLDEN)
    assert [(each.folders, each.name, len(each.entries)) for each in playlists] == [
        (("Peak & Time", "2024"), "Techno", 3),
        (("Peak & Time",), "D'Angelo / slash \\ back", 1),
        ((), "CUE Analysis Playlist", 0),
        ((), "Twice", 1),
    ]
    lantern = playlists[0].entries[1]
    assert (lantern.artist, lantern.title, lantern.duration_s) == ("Mira Osten", "Lantern Walk", 371.0)
    assert lantern.path == "/Users/dj/Music/Crates/Mira Osten/04 Lantern Walk.aiff"


def test_xml_is_known_by_its_content_too(tmp_path: Path) -> None:
    path = tmp_path / "export.txt"
    path.write_bytes(GOLDEN.read_bytes())
    assert read_playlists(path) == read_playlists(GOLDEN)


def test_a_collection_of_traktor_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "collection.nml"
    path.write_text('<?xml version="1.0"?><NML VERSION="19"></NML>')
    with pytest.raises(InvalidInputError, match="<NML>"):
        read_playlists(path)


def test_audio_and_huge_files_are_refused(tmp_path: Path) -> None:
    song = tmp_path / "song.mp3"
    song.write_bytes(b"ID3\x04\x00\x00" + bytes(200))
    with pytest.raises(CorruptFileError, match="not a text file"):
        read_playlists(song)
    huge = tmp_path / "huge.txt"
    with huge.open("wb") as file:
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(InvalidInputError, match="larger than 64 MB"):
        read_playlists(huge)


def test_a_list_is_matched_with_a_report_of_what_was_not_found(tmp_path: Path) -> None:
    path = tmp_path / "friday.txt"
    path.write_text(
        "# Friday\n01. Mira Osten – Lantern Walk\n02. Mira Osten - Lantern Walk (Dub)\n03. Nobody - Nothing\n"
    )
    (playlist,) = read_playlists(path)
    index = CandidateIndex([Candidate(id=TrackId("1"), artist="Mira Osten", title="Lantern Walk (Original Mix)")])
    answers = match_all(playlist.entries, index)
    assert [(answer.best is not None, answer.nearest is not None, answer.reason) for answer in answers] == [
        (True, False, "same artist and title"),
        (False, True, "another version"),
        (False, False, "not in the catalogue"),
    ]
    assert [answer.wanted.line for answer in answers] == [2, 3, 4]
    assert str(answers[2].wanted) == "Nobody - Nothing"
