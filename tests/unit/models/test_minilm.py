"""Words are compared with the names of tags; what is missing or damaged is told."""

import json
from pathlib import Path

import numpy as np
import pytest

from cratehand.app.text_listening import text_listeners
from cratehand.domain.errors import CorruptFileError
from cratehand.domain.sound_tags import TAG_NAMES
from cratehand.usecases.sound_words import TagWords
from cratehand_models.manifest import shipped_manifest
from cratehand_models.minilm import MiniLmTagWords
from cratehand_models.providers import ProviderChoice
from cratehand_models.session import ModelSession
from cratehand_models.store import shipped_file
from tests.fakes.clock import HandWoundClock

pytest.importorskip("tokenizers")
onnxruntime = pytest.importorskip("onnxruntime")

CPU = ProviderChoice(name="cpu", reason="test")
MODEL = shipped_manifest()["minilm"]
HEAD = 11_409
"""What stands in the file before the numbers."""
SIZE = next(file.size_bytes for file in MODEL.files if file.name == "model.safetensors")


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped graph over small random numbers, and a tokenizer of single words."""
    folder = tmp_path_factory.mktemp("minilm")
    graph = folder / "minilm.onnx"
    graph.write_bytes(shipped_file("package:minilm.onnx").read_bytes())
    numbers = np.random.default_rng(1).uniform(-0.5, 0.5, (SIZE - HEAD) // 2).astype(np.float16)
    (folder / "model.safetensors").write_bytes(bytes(HEAD) + numbers.tobytes())
    words = ["[PAD]", "[UNK]", "music", *dict.fromkeys(word for tag in TAG_NAMES for word in tag.split())]
    model = {"type": "WordLevel", "vocab": {word: number for number, word in enumerate(words)}, "unk_token": "[UNK]"}
    (folder / "tokenizer.json").write_text(
        json.dumps({"version": "1.0", "added_tokens": [], "pre_tokenizer": {"type": "WhitespaceSplit"}, "model": model})
    )
    return folder


def listener(folder: Path) -> MiniLmTagWords:
    session = ModelSession(MODEL, folder / "minilm.onnx", choice=CPU, clock=HandWoundClock())
    return MiniLmTagWords(session, folder / "tokenizer.json")


def test_the_shipped_graph_gives_one_vector_of_unit_length_a_text(random_weights: Path) -> None:
    vectors = listener(random_weights).embed(["house music", "sad"])
    assert vectors.shape == (2, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_padding_changes_nothing(random_weights: Path) -> None:
    words = listener(random_weights)
    together = words.embed(["house", "female vocalists music"])
    np.testing.assert_allclose(together[0], words.embed(["house"])[0], atol=1e-5)


def test_a_tag_by_its_own_name_weighs_most_and_unwanted_least(random_weights: Path) -> None:
    words = listener(random_weights)
    wanted, away = words.place(["metal"], []), words.place([], ["jazz"])
    assert wanted is not None
    assert away is not None
    assert TAG_NAMES[int(wanted.argmax())] == "metal"
    assert TAG_NAMES[int(away.argmin())] == "jazz"
    assert words.place([], []) is None


def test_a_tokenizer_that_is_none_is_told_with_what_to_do(random_weights: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("<html>")
    session = ModelSession(MODEL, random_weights / "minilm.onnx", choice=CPU, clock=HandWoundClock())
    with pytest.raises(CorruptFileError, match="models fetch minilm"):
        MiniLmTagWords(session, tmp_path / "tokenizer.json").place(["x"], [])


def test_without_its_weights_the_words_themselves_rank(tmp_path: Path) -> None:
    assert [each.name for each in text_listeners(tmp_path / "models")] == [TagWords.name]
    (tmp_path / "models" / "minilm-1").mkdir(parents=True)
    assert [each.name for each in text_listeners(tmp_path / "models")] == [TagWords.name]
