"""Output: JSON that is JSON, text that any terminal takes."""

import json

import pytest

from cratehand.app.cli.output import Column, clean, minutes, print_table, write_json


def test_json_has_no_numbers_that_are_none_and_gives_paths_back(capsys: pytest.CaptureFixture[str]) -> None:
    write_json({"nan": float("nan"), "path": "ü/\udcff.mp3", "list": (1, None)})
    text = capsys.readouterr().out
    assert json.loads(text) == {"nan": None, "path": "ü/\udcff.mp3", "list": [1, None]}
    text.encode("utf-8")


def test_control_characters_of_a_tag_do_not_reach_the_terminal() -> None:
    assert clean("a\x1b[31mb\udcffc") == "a\\x1b[31mb\\udcffc"


def test_a_table_into_a_pipe_keeps_every_row_on_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    title = "a very long title " * 10
    print_table((Column(title="t", flexible=True), Column(title="n", justify="right")), [(title, "1"), ("x\ny", "22")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert title.strip() in lines[1]
    assert "x\\ny" in lines[2]


def test_a_narrow_terminal_breaks_long_cells_and_loses_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    print_table((Column(title="id"), Column(title="title", flexible=True)), [("0a1b2c3d", "wordy " * 20)])
    text = capsys.readouterr().out
    assert all(len(line) <= 40 for line in text.splitlines())
    assert text.count("wordy") == 20
    assert "…" not in text


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0:00"), (187, "3:07"), (3765, "1:02:45")])
def test_lengths_are_shown_as_on_a_deck(seconds: float, text: str) -> None:
    assert minutes(seconds) == text
