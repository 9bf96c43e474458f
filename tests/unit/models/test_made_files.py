"""A model that everybody makes for themselves: known by the list beside it, brought from a studio's mirror only."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cratehand.domain.errors import CorruptFileError, NotFoundError
from cratehand.domain.model import Model
from cratehand_models.fetching import WeightsFetcher
from cratehand_models.store import WeightsStore
from tests.unit.models.weights import CONTENT, WeightsServer, model, weights_server

DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def wanted() -> Model:
    fetched = model("made:models/export/tiny.py")
    return replace(fetched, files=tuple(replace(file, sha256=None, size_bytes=None) for file in fetched.files))


@pytest.fixture
def store(tmp_path: Path) -> WeightsStore:
    return WeightsStore(tmp_path / "models")


def make(folder: Path, *, digest: str = DIGEST) -> None:
    folder.mkdir(parents=True)
    (folder / "tiny.onnx").write_bytes(CONTENT)
    made = {"of": "a checkpoint", "files": {"tiny.onnx": {"sha256": digest, "size_bytes": len(CONTENT)}}}
    (folder / "made.json").write_text(json.dumps(made))


def test_what_was_made_is_here_and_is_what_it_was(store: WeightsStore, wanted: Model, tmp_path: Path) -> None:
    assert not store.is_present(wanted)
    make(tmp_path / "models" / "tiny-1")
    assert store.is_present(wanted)
    assert store.verify(wanted) == []
    assert store.known(wanted).size_bytes == len(CONTENT)
    assert WeightsFetcher(store).fetch(wanted) == []


def test_what_changed_since_is_told_with_how_to_make_it(store: WeightsStore, wanted: Model, tmp_path: Path) -> None:
    make(tmp_path / "models" / "tiny-1", digest="0" * 64)
    [fault] = store.verify(wanted)
    assert "checksum" in fault
    assert "models/export/tiny.py" in fault


def test_a_file_without_the_list_is_not_trusted(store: WeightsStore, wanted: Model, tmp_path: Path) -> None:
    make(tmp_path / "models" / "tiny-1")
    (tmp_path / "models" / "tiny-1" / "made.json").unlink()
    assert not store.is_present(wanted)
    [fault] = store.verify(wanted)
    assert "is not in made.json" in fault
    with pytest.raises(NotFoundError, match=r"made on your own computer by models/export/tiny.py, see models/cards"):
        store.paths(wanted)


@pytest.mark.parametrize("text", ["<html>", "[]", '{"files": {"tiny.onnx": {}}}', '{"files": 3}'])
def test_a_list_that_is_none_is_told_and_the_model_is_not_here(
    store: WeightsStore, wanted: Model, tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path / "models" / "tiny-1")
    (tmp_path / "models" / "tiny-1" / "made.json").write_text(text)
    assert not store.is_present(wanted)
    assert "made.json can not be read" in caplog.text
    assert "make the model anew" in caplog.text
    assert store.verify(wanted) != []


def test_without_a_mirror_fetching_says_how_to_make_it(store: WeightsStore, wanted: Model) -> None:
    with pytest.raises(NotFoundError, match=r"models/export/tiny.py.*\[models\] mirror"):
        WeightsFetcher(store).fetch(wanted)


def test_a_studio_gives_its_own_to_all_its_computers(store: WeightsStore, wanted: Model, tmp_path: Path) -> None:
    make(tmp_path / "mirror" / "tiny")
    fetcher = WeightsFetcher(store, mirror=str(tmp_path / "mirror"))
    [path] = fetcher.fetch(wanted)
    assert path.read_bytes() == CONTENT
    assert store.is_present(wanted)
    assert store.verify(wanted) == []
    assert fetcher.fetch(wanted) == []


def test_a_mirror_whose_file_is_not_what_its_list_says_is_refused(
    store: WeightsStore, wanted: Model, tmp_path: Path
) -> None:
    make(tmp_path / "mirror" / "tiny", digest="0" * 64)
    with pytest.raises(CorruptFileError, match="checksum"):
        WeightsFetcher(store, mirror=str(tmp_path / "mirror")).fetch(wanted)
    assert not store.is_present(wanted)


@pytest.fixture
def server() -> Iterator[WeightsServer]:
    with weights_server() as server:
        yield server


def test_a_mirror_on_the_web_that_has_none_says_so(store: WeightsStore, wanted: Model, server: WeightsServer) -> None:
    with pytest.raises(CorruptFileError, match="can not be read"):
        WeightsFetcher(store, mirror=server.url("/mirror")).fetch(wanted)
