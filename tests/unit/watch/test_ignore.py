from pathlib import Path

import pytest

from cratehand.watch.ignore import STEMS_MARKER, IgnoreRules, is_audio_name
from cratehand.watch.patterns import PathPatterns


@pytest.mark.parametrize(
    "suffix", ["mp3", "flac", "wav", "wave", "aif", "aiff", "aifc", "m4a", "aac", "alac", "ogg", "oga", "opus", "FlAc"]
)
def test_audio_is_known_by_its_ending_in_any_case(suffix: str) -> None:
    assert is_audio_name(f"a track.{suffix}")


@pytest.mark.parametrize(
    "name",
    ["cover.jpg", "mp3", ".mp3", "._track.mp3", ".hidden.mp3", "a.mp3.part", "a.mp3.crdownload", "a.mp3.tmp", "a.mp3~",
     "a.temp.m4a", "a.part.mp3", "clip.mp4", "a.mp3.asd", ""],
)  # fmt: skip
def test_no_audio_by_its_name(name: str) -> None:
    assert not is_audio_name(name)


@pytest.mark.parametrize(
    "folder",
    ["PIONEER", "pioneer/rekordbox", ".git", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "x/.Trashes/501",
     "track.stems", "Track.mp3.download", "#recycle"],
)  # fmt: skip
def test_folders_that_are_never_music(tmp_path: Path, folder: str) -> None:
    rules = IgnoreRules()
    assert rules.ignores_name(str(tmp_path / folder / "a.mp3"), str(tmp_path), is_folder=False)
    assert rules.ignores(str(tmp_path / folder), str(tmp_path), is_folder=True)


def test_a_hidden_watched_folder_is_taken_since_a_person_named_it(tmp_path: Path) -> None:
    root = tmp_path / ".music"
    assert not IgnoreRules().ignores(str(root / "a.mp3"), str(root), is_folder=False)


def test_own_folders_are_ignored_with_all_below_also_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    rules = IgnoreRules(own_folders=[tmp_path / "link"])
    assert rules.ignores(str(tmp_path / "data" / "trash" / "a.mp3"), str(tmp_path), is_folder=False)
    assert rules.ignores(str(tmp_path / "link"), str(tmp_path), is_folder=True)
    assert not rules.ignores(str(tmp_path / "database" / "a.mp3"), str(tmp_path), is_folder=False)


def test_a_live_project_needs_both_its_name_and_its_content(tmp_path: Path) -> None:
    rules = IgnoreRules()
    project, crate = tmp_path / "Set Project", tmp_path / "Side Project"
    (project / "Samples").mkdir(parents=True)
    (project / "Set.als").touch()
    crate.mkdir()
    assert rules.ignores(str(project / "Samples" / "kick.wav"), str(tmp_path), is_folder=False)
    assert not rules.ignores(str(crate / "tune.mp3"), str(tmp_path), is_folder=False)
    (crate / "Ableton Project Info").mkdir()
    assert rules.ignores(str(crate / "tune.mp3"), str(tmp_path), is_folder=False)


def test_a_marked_folder_is_our_own_output(tmp_path: Path) -> None:
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / STEMS_MARKER).touch()
    assert IgnoreRules().ignores(str(tmp_path / "out" / "deep" / "vocals.wav"), str(tmp_path), is_folder=False)


@pytest.mark.parametrize(
    ("pattern", "path", "is_folder", "ignored"),
    [
        ("Samples", "Samples", True, True),
        ("Samples", "a/b/samples", True, True),
        ("Samples/", "a/Samples", True, True),
        ("Samples/", "a/Samples.mp3", False, False),
        ("*.ogg", "a/b.ogg", False, True),
        ("*.ogg", "a/b.mp3", False, False),
        ("b?d", "bad", True, True),
        ("/a/*.mp3", "a/x.mp3", False, True),
        ("/a/*.mp3", "a/b/x.mp3", False, False),
        ("a/**/x.mp3", "a/b/c/x.mp3", False, True),
        ("a/**/x.mp3", "a/x.mp3", False, True),
        ("a/**", "a/b/c.mp3", False, True),
        ("[ab].mp3", "b.mp3", False, True),
        ("[!ab].mp3", "b.mp3", False, False),
        ("[z-a].mp3", "[z-a].mp3", False, True),
        ("[.mp3", "[.mp3", False, True),
        ("Gemütlich*", "gemu\u0308tlich.mp3", False, True),
        ("new\nline*", "new\nline.mp3", False, True),
        ("# comment", "# comment", True, False),
        ("", "x", False, False),
        ("!", "x", False, False),
    ],
)
def test_patterns_are_read_like_a_gitignore(pattern: str, path: str, is_folder: bool, ignored: bool) -> None:
    assert PathPatterns([pattern]).match(path, f"/music/{path}", is_folder=is_folder) is ignored


def test_a_pattern_can_be_an_absolute_path_or_begin_at_home() -> None:
    assert PathPatterns(["/music/loops"]).match("loops", "/music/loops", is_folder=True)
    home = Path.home() / "Loops"
    assert PathPatterns(["~/Loops/"]).match("Loops", str(home), is_folder=True)


def test_the_last_pattern_that_matches_decides() -> None:
    patterns = PathPatterns(["*.wav", "!keep.wav"])
    assert patterns.match("a.wav", "/m/a.wav", is_folder=False)
    assert not patterns.match("keep.wav", "/m/keep.wav", is_folder=False)


def test_what_lies_in_a_named_folder_is_ignored_too(tmp_path: Path) -> None:
    rules = IgnoreRules(["Samples/"])
    assert rules.ignores_name(str(tmp_path / "a" / "Samples" / "b" / "x.mp3"), str(tmp_path), is_folder=False)
