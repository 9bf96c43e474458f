"""Logs: what is written where, and that secrets are not."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cratehand.app.logs import COMMAND_LOG, close_logs, keep_trace, log_to_file, log_to_terminal, without_secrets


@pytest.fixture(autouse=True)
def handlers_taken_off() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    close_logs()
    logging.getLogger().setLevel(level)


def test_records_of_the_level_and_above_reach_the_file(tmp_path: Path) -> None:
    path = log_to_file(tmp_path / "logs", "warning")
    logging.getLogger("cratehand.x").warning("track %s vanished", "ü\udcff")
    logging.getLogger("cratehand.x").info("not this")
    close_logs()
    text = path.read_text(encoding="utf-8")
    assert "cratehand.x: track ü\\udcff vanished" in text
    assert "not this" not in text


def test_the_terminal_gets_plain_lines_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_terminal("info")
    logging.getLogger("cratehand.y").info("ready")
    captured = capsys.readouterr()
    assert captured.err == "INFO cratehand.y: ready\n"
    assert captured.out == ""


def test_a_secret_is_in_no_record_and_no_trace(tmp_path: Path) -> None:
    path = log_to_file(tmp_path, "debug", secrets=["s3cr3t-token"])
    try:
        raise ValueError("refused s3cr3t-token")
    except ValueError:
        logging.getLogger("a").exception("asked with %s", "s3cr3t-token")
    logging.getLogger("a").info("to postgresql://dj:hunter2@nas/x with Bearer abcdefghijkl")
    close_logs()
    text = path.read_text()
    assert "ValueError" in text
    assert not any(secret in text for secret in ("s3cr3t", "hunter2", "abcdefghijkl"))


def test_logs_are_rotated_and_bounded(tmp_path: Path) -> None:
    log_to_file(tmp_path, "info", max_bytes=4000)
    logger = logging.getLogger("b")
    for _ in range(100):
        logger.info("x" * 1000)
    close_logs()
    files = list(tmp_path.iterdir())
    assert len(files) == 6
    assert all(file.stat().st_size <= 4000 for file in files)


def test_a_very_long_record_takes_no_time(tmp_path: Path) -> None:
    log_to_file(tmp_path, "info")
    logging.getLogger("b").info("%s", "token" * 100_000)


def test_a_folder_that_can_not_be_written_costs_the_file_and_not_the_work(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("x")
    log_to_file(tmp_path / "logs", "info")
    logging.getLogger("c").info("goes on")


def test_the_trace_of_an_unforeseen_error_is_kept_and_stays_off_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["cratehand", "tracks"])
    try:
        raise KeyError("what")
    except KeyError as error:
        path = keep_trace(tmp_path, error)
    assert path == tmp_path / COMMAND_LOG
    assert "command failed: tracks" in path.read_text()
    assert "raise KeyError" in path.read_text()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("token: abcdefgh1234", "token: ***"),
        ("http://user:pass@host/", "http://user:***@host/"),
        ("authorization Bearer abc.def-ghi_jkl", "authorization Bearer ***"),
        ("no token file", "no token file"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, clean: str) -> None:
    assert without_secrets(text) == clean
