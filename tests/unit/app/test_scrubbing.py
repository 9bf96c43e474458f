"""Nothing that names a person or their music leaves the computer."""

from pathlib import Path

import pytest

from cratehand.app.scrubbing import Scrubber


def scrubber(**given: object) -> Scrubber:
    return Scrubber(home=Path("/home/robin"), user="robin", **given)  # type: ignore[arg-type]


def test_a_path_becomes_a_stand_in_that_is_always_the_same() -> None:
    clean = scrubber()
    first = clean.scrub("/home/robin/Music/Artist - Title.mp3: damaged")
    assert first == "<path-1>/file-1.mp3: damaged"
    assert clean.scrub("again /home/robin/Music/Artist - Title.mp3") == "again <path-1>/file-1.mp3"
    assert clean.scrub("and '/home/robin/Music/Other.flac'") == "and '<path-1>/file-2.flac'"


@pytest.mark.parametrize(
    "text",
    [
        "/home/robin/My Music/New Crate/Some Track.wav is gone",
        "C:\\Users\\robin\\Music\\New Crate\\Some Track.wav is gone",
        "moved '/Volumes/Robin USB/New Crate' to \"/home/robin/x\"",
        "~/New Crate/Some Track.aiff",
        "Some Track.flac: no audio",
        "/home/robin/New Crate/list.m3u8",
        "/Volumes/Crate",
        "robin has it",
        "error at /usr/bin/x while reading /home/robin/New Crate/Some Track.mp3",
    ],
)
def test_neither_folders_nor_files_nor_the_user_are_left(text: str) -> None:
    clean = scrubber().scrub(text)
    assert not any(name in clean for name in ("Crate", "Some", "Track", "Robin", "robin", "Users"))


def test_known_names_are_taken_out_longest_first() -> None:
    clean = scrubber(names=["Nightcall", "Nightcall (Remix)", "One"])
    assert (
        clean.scrub("analysed Nightcall (Remix) and Nightcall; One error")
        == "analysed <name-1> and <name-2>; One error"
    )


def test_the_sense_of_a_log_line_stays() -> None:
    text = "2027-01-02 10:11:12,123 INFO cratehand.usecases.queue: analysed 0a1b2c3d in 1.3 s, gRPC 127.0.0.1:50551"
    assert scrubber().scrub(text) == text
    assert scrubber().scrub("read/write and http://127.0.0.1:9280") == "read/write and http://127.0.0.1:9280"


def test_our_own_folder_and_code_are_told_under_plain_names() -> None:
    clean = scrubber(kept={Path("/home/robin/.local/share/cratehand"): "/cratehand/data"})
    assert clean.scrub("/home/robin/.local/share/cratehand/catalogue.db") == "/cratehand/data/catalogue.db"
    line = '  File "/home/robin/venv/lib/python3.12/site-packages/cratehand/app/logs.py", line 3'
    assert clean.scrub(line) == '  File "<code>/app/logs.py", line 3'


def test_many_names_and_long_logs_take_no_time() -> None:
    names = [f"Title number {index} of many" for index in range(100_000)]
    text = "INFO cratehand.x: something happened to /home/robin/Music/a b/c d.mp3\n" * 10_000
    clean = scrubber(names=names).scrub(text)
    assert "Music" not in clean


def test_a_line_without_an_end_takes_no_time() -> None:
    for text in ("x" * 300_000, "/" * 20_000, "a/" * 20_000, "'/" * 20_000, "/a b " * 20_000):
        scrubber().scrub(text)
