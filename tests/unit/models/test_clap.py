"""What CLAP hears is what its training heard; words and sounds land in its space and nowhere else."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cratehand.domain.audio import Samples
from cratehand.domain.embedding import CLAP_SPACE
from cratehand.domain.errors import CorruptFileError, InvalidInputError
from cratehand_models.clap import HEARS, READS, SAMPLE_RATE_HZ, WINDOW_FRAMES, ClapSound, ClapWords, log_mel, tower
from cratehand_models.manifest import shipped_manifest
from cratehand_models.providers import ProviderChoice
from cratehand_models.session import ModelSession
from tests.fakes.clock import HandWoundClock

MODEL = shipped_manifest()["clap"]
CPU = ProviderChoice(name="cpu", reason="test")


def sweep(frames: int = WINDOW_FRAMES) -> Samples:
    """A tone that rises from 100 Hz by 1,200 Hz a second."""
    time_s = np.arange(frames) / SAMPLE_RATE_HZ
    return (0.5 * np.sin(2 * np.pi * (100 * time_s + 600 * time_s**2))).astype(np.float32)[np.newaxis]


class Tower:
    """A graph that answers with what it is told; remembers what it was given."""

    def __init__(self, inputs: Mapping[str, Sequence[object]], *, width: int = 512) -> None:
        self.inputs, self.width = inputs, width
        self.given: list[dict[str, Any]] = []

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Any]) -> list[Any]:
        self.given.append(dict(feeds))
        first = next(iter(feeds.values()))
        vectors = np.random.default_rng(len(self.given)).normal(size=(len(first), self.width)).astype(np.float32)
        return [vectors / np.linalg.norm(vectors, axis=1, keepdims=True)]

    def get_inputs(self) -> Sequence[Any]:
        return [SimpleNamespace(name=name, shape=shape) for name, shape in self.inputs.items()]

    def get_providers(self) -> Sequence[str]:
        return CPU.order

    def get_modelmeta(self) -> Any:
        raise NotImplementedError


def hearing(graph: Tower) -> ClapSound:
    return ClapSound(session(graph, HEARS))


def session(graph: Tower, inputs: Sequence[str]) -> ModelSession:
    def opened(path: Path, *, providers: Sequence[str], threads: int) -> Tower:
        return graph

    return ModelSession(tower(MODEL, inputs), Path("clap.onnx"), choice=CPU, clock=HandWoundClock(), open_with=opened)


@pytest.mark.parametrize(
    ("frames", "places", "expected"),
    [
        (
            WINDOW_FRAMES,
            ((0, 1), (100, 21), (250, 37), (500, 49), (777, 57), (1000, 61), (250, 0), (500, 60), (0, 63)),
            (18.30605, 23.06241, 20.7678, 18.18656, 16.16131, 13.70334, -100.0, -100.0, -61.69249),
        ),
        (
            100_001,
            ((0, 1), (208, 34), (300, 20), (500, 18), (700, 17), (833, 34), (208, 63), (840, 0)),
            (18.30605, 19.76824, 23.7374, 23.9711, 23.25581, 19.79658, -41.37074, -100.0),
        ),
    ],
)
def test_numbers_of_the_reference_implementation(
    frames: int, places: tuple[tuple[int, int], ...], expected: tuple[float, ...]
) -> None:
    """From `ClapFeatureExtractor(truncation="rand_trunc", frequency_min=50)` of transformers 5.24.0."""
    found = log_mel(sweep()[:, :frames])
    assert found.shape == (1001, 64)
    assert found.dtype == np.float32
    np.testing.assert_allclose([found[place] for place in places], expected, atol=1e-4)


@pytest.mark.parametrize("frames", [1, 700, 100_001, WINDOW_FRAMES])
def test_the_spectrum_is_that_of_transformers_where_it_is_installed(frames: int) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch")
    extractor = transformers.ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad", frequency_min=50)
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, frames).astype(np.float32)
    theirs = extractor(noise, sampling_rate=SAMPLE_RATE_HZ)["input_features"][0][0]
    np.testing.assert_allclose(log_mel(noise[np.newaxis]), theirs, atol=1e-4)


def test_of_a_long_window_the_first_ten_seconds_are_heard() -> None:
    longer = np.concatenate([sweep(), np.ones((1, 5000), dtype=np.float32)], axis=1)
    np.testing.assert_array_equal(log_mel(longer), log_mel(sweep()))


def test_silence_lies_at_the_floor_and_nothing_is_no_window() -> None:
    assert (log_mel(np.zeros((1, 4800), dtype=np.float32)) == -100.0).all()
    with pytest.raises(InvalidInputError, match="at least one frame"):
        log_mel(np.zeros((1, 0), dtype=np.float32))


def test_a_track_lies_at_the_mean_of_its_windows() -> None:
    graph = Tower({"mel": ("clips", 1, 1001, 64)})
    sound = hearing(graph)
    windows = [sweep(), sweep(96_000)]
    found = sound.place(windows)
    assert found is not None
    assert found.shape == (CLAP_SPACE.dimension,)
    assert np.linalg.norm(found) == pytest.approx(1.0, abs=1e-6)
    assert [each["mel"].shape for each in graph.given] == [(1, 1, 1001, 64)] * 2
    np.testing.assert_array_equal(graph.given[1]["mel"][0, 0], log_mel(windows[1]))


def test_a_track_without_a_window_lies_nowhere() -> None:
    sound = hearing(Tower({"mel": ("clips", 1, 1001, 64)}))
    assert sound.place([]) is None
    assert sound.embed([]).shape == (0, 512)


@pytest.mark.parametrize(
    "graph",
    [Tower({"mel": ("clips", 1, 998, 64)}), Tower({"mel": (1, 4, 1001, 64)}), Tower({"waveform": ("n", 480_000)})],
)
def test_a_graph_that_takes_something_else_is_refused(graph: Tower) -> None:
    with pytest.raises(CorruptFileError, match="it is another model"):
        hearing(graph).place([sweep()])
    assert graph.given == []


def test_a_graph_that_gives_another_length_is_refused() -> None:
    with pytest.raises(CorruptFileError, match=r"gives \[1, 768\], not \[any, 512\]"):
        hearing(Tower({"mel": ("clips", 1, 1001, 64)}, width=768)).place([sweep()])


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    """RoBERTa's way with words, on a vocabulary of a few: a space belongs to the word behind it."""
    pytest.importorskip("tokenizers")
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {
        word: number for number, word in enumerate(["<s>", "<pad>", "</s>", "<unk>", *letters, "Ġm", "us", "Ġmus"])
    }
    built = Tokenizer(models.BPE(vocab=vocab, merges=[("Ġ", "m"), ("u", "s"), ("Ġm", "us")], unk_token="<unk>"))
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    built.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    built.add_special_tokens([AddedToken(each, special=True) for each in ("<s>", "<pad>", "</s>", "<unk>")])
    built.save(str(tmp_path / "tokenizer.json"))
    return tmp_path / "tokenizer.json"


def reading(graph: Tower, tokenizer: Path) -> ClapWords:
    return ClapWords(session(graph, READS), tokenizer)


def words_tower(**options: int) -> Tower:
    return Tower({"input_ids": ("texts", "tokens"), "attention_mask": ("texts", "tokens")}, **options)


def test_texts_are_framed_and_the_shorter_is_padded(tokenizer: Path) -> None:
    graph = words_tower()
    reading(graph, tokenizer).embed(["ab mus", "c"])
    [given] = graph.given
    table = json.loads(tokenizer.read_text())["model"]["vocab"]
    assert given["input_ids"].tolist() == [[0, table["a"], table["b"], table["Ġmus"], 2], [0, table["c"], 2, 1, 1]]
    assert given["attention_mask"].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]
    assert given["input_ids"].dtype == np.int64


def test_a_text_of_a_thousand_words_is_read_as_far_as_the_training_did(tokenizer: Path) -> None:
    graph = words_tower()
    reading(graph, tokenizer).embed(["x" * 1000])
    assert graph.given[0]["input_ids"].shape == (1, 77)
    assert graph.given[0]["input_ids"][0, -1] == 2


def test_words_lie_in_the_space_of_the_sounds_away_from_what_is_not_wanted(tokenizer: Path) -> None:
    words = reading(words_tower(), tokenizer)
    wanted, both, away = words.place(["a"], []), words.place(["a"], ["b"]), words.place([], ["b"])
    assert words.space == CLAP_SPACE
    assert wanted is not None
    assert both is not None
    assert away is not None
    for vector in (wanted, both, away):
        assert vector.shape == (512,)
        assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)
    assert words.place([], []) is None


def test_what_is_not_wanted_counts_half(tokenizer: Path) -> None:
    both = reading(words_tower(), tokenizer).place(["a"], ["b"])
    wanted, unwanted = Tower.run(words_tower(), None, {"input_ids": np.zeros((2, 3))})[0]
    expected = wanted - 0.5 * unwanted
    np.testing.assert_allclose(both, expected / np.linalg.norm(expected), atol=1e-6)


@pytest.mark.parametrize(("text", "said"), [("<html>", "can not be read"), (None, "has no <pad>")])
def test_a_tokenizer_that_is_none_is_told_with_what_to_do(tmp_path: Path, text: str | None, said: str) -> None:
    pytest.importorskip("tokenizers")
    other = {"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(other) if text is None else text)
    with pytest.raises(CorruptFileError, match=said):
        reading(words_tower(), tmp_path / "tokenizer.json").place(["a"], [])


def test_a_text_tower_of_another_length_is_refused(tokenizer: Path) -> None:
    with pytest.raises(CorruptFileError, match="make it anew"):
        reading(words_tower(width=384), tokenizer).place(["a"], [])
