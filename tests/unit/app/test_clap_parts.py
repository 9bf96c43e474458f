"""CLAP counts as being here once it was made whole; switched on is something else again."""

import json
from pathlib import Path

import numpy as np
import pytest

from cratehand.app.clap_parts import clap_is_here, clap_sound, clap_words
from cratehand.app.clap_switch import check_clap, placed_by_clap, reading_task
from cratehand.app.finding import Health
from cratehand.app.settings import AnalysisSettings
from cratehand.app.text_listening import text_listeners
from cratehand.app.worker import read_file
from cratehand.domain.embedding import CLAP_SPACE
from cratehand.domain.errors import CorruptFileError, NotFoundError

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")

ON, OFF = AnalysisSettings(clap=True), AnalysisSettings()
FILES = ("clap-audio.onnx", "clap-text.onnx", "tokenizer.json")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder in which CLAP was made, of files that hold nothing."""
    folder = tmp_path / "models" / "clap-1"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_bytes(b"nothing")
    files = {name: {"sha256": "0" * 64, "size_bytes": 7} for name in FILES}
    (folder / "made.json").write_text(json.dumps({"of": "a test", "files": files}))
    return tmp_path / "models"


def test_it_is_asked_first_and_behind_it_what_ranks_by_tags(models: Path) -> None:
    assert [listener.name for listener in text_listeners(models)] == ["clap", "tags"]
    assert text_listeners(models)[0].space == CLAP_SPACE


@pytest.mark.parametrize("name", [*FILES, "made.json"])
def test_half_of_it_is_none_of_it(models: Path, name: str) -> None:
    (models / "clap-1" / name).unlink()
    assert not clap_is_here(models)
    assert [listener.name for listener in text_listeners(models)] == ["tags"]
    with pytest.raises(NotFoundError, match=r"models/export/clap\.py"):
        clap_sound(models)


def test_it_is_off_until_somebody_wants_it_and_it_is_here(models: Path, tmp_path: Path) -> None:
    assert placed_by_clap(OFF, models) == ()
    assert placed_by_clap(ON, tmp_path / "empty") == ()
    assert placed_by_clap(ON, models) == (CLAP_SPACE,)
    assert reading_task(OFF, models) is read_file
    assert reading_task(ON, models).keywords == {"clap": str(models)}  # type: ignore[attr-defined]


def test_doctor_says_what_is_missing_where_it_is_wanted(models: Path, tmp_path: Path) -> None:
    assert check_clap(OFF, models) == []
    assert [finding.health for finding in check_clap(ON, models)] == [Health.GOOD]
    [finding] = check_clap(ON, tmp_path / "empty")
    assert finding.health is Health.NOTE
    assert "models show clap" in finding.fix


def test_a_graph_that_is_none_is_told_by_its_path(models: Path) -> None:
    placer = clap_sound(models)
    with pytest.raises(CorruptFileError, match=r"clap-audio.onnx can not be loaded"):
        placer.place([np.zeros((1, 48_000), dtype=np.float32)])
    with pytest.raises(CorruptFileError, match=r"tokenizer.json can not be read"):
        clap_words(models).place(["rhodes"], [])
