from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import soxr

from cratehand_models.manifest import shipped_manifest
from cratehand_models.musicnn import PATCH_FRAMES, SAMPLE_RATE_HZ, TAGS, MusicnnTagger, log_mel
from cratehand_models.providers import choose_provider
from cratehand_models.session import ModelSession
from cratehand_models.sound_description import MusicnnDescriber
from cratehand_models.store import WeightsStore
from tests.fakes.clock import HandWoundClock


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> MusicnnTagger:
    model, store = shipped_manifest()["musicnn"], WeightsStore(tmp_path_factory.mktemp("models"))
    assert store.verify(model) == []
    [path] = store.paths(model).values()
    choice = choose_provider("cpu", [])
    return MusicnnTagger(ModelSession(model, path, choice=choice, clock=HandWoundClock()))


def tone(hz: float, *, frames: int = PATCH_FRAMES) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(frames) / SAMPLE_RATE_HZ).astype(np.float32)[np.newaxis]


def test_a_tone_is_loudest_in_the_band_around_it() -> None:
    for hz in (200.0, 1000.0, 4000.0):
        mel = log_mel(tone(hz))
        assert mel.shape == (187, 96)
        mel_of = hz / (200 / 3) if hz < 1000 else 15 + np.log(hz / 1000) / (np.log(6.4) / 27)
        top = 15 + np.log(8) / (np.log(6.4) / 27)
        assert abs(mel[50].argmax() + 1 - mel_of / top * 97) < 1.0


def test_silence_is_zero_and_a_short_sample_is_repeated() -> None:
    assert not log_mel(np.zeros((1, 100), dtype=np.float32)).any()
    short = tone(500.0, frames=PATCH_FRAMES // 4)
    np.testing.assert_allclose(log_mel(short), log_mel(np.tile(short, 4)), atol=1e-4)


def test_the_batch_changes_nothing(tagger: MusicnnTagger) -> None:
    noise = np.random.default_rng(3).uniform(-0.5, 0.5, (5, 1, PATCH_FRAMES)).astype(np.float32)
    patches = np.stack([log_mel(each) for each in noise])
    tags, embeddings = tagger(patches, batch=16)
    assert tags.shape == (5, len(TAGS))
    assert embeddings.shape == (5, 200)
    assert ((tags >= 0) & (tags <= 1)).all()
    singly = [tagger(patch[np.newaxis], batch=1) for patch in patches]
    np.testing.assert_allclose(tags, np.concatenate([each for each, _ in singly]), atol=1e-5)
    np.testing.assert_allclose(embeddings, np.concatenate([each for _, each in singly]), atol=1e-4)


def test_no_patches_give_no_tags(tagger: MusicnnTagger) -> None:
    tags, embeddings = tagger(np.zeros((0, 187, 96), dtype=np.float32))
    assert tags.shape == (0, 50)
    assert embeddings.shape == (0, 200)


def test_every_file_that_is_shipped_is_in_the_manifest() -> None:
    import cratehand_models

    folder = Path(cratehand_models.__file__).parent / "weights"
    files = [file for model in shipped_manifest().values() for file in model.files]
    shipped = {file.name for file in files if file.sources[0].startswith("package:")}
    assert {path.name for path in folder.iterdir() if not path.name.startswith((".", "__"))} <= shipped


def test_a_track_is_the_mean_of_its_excerpts(tagger: MusicnnTagger) -> None:
    excerpts = np.random.default_rng(4).uniform(-0.5, 0.5, (3, 1, PATCH_FRAMES)).astype(np.float32)
    described = MusicnnDescriber(tagger).describe(list(excerpts), sample_rate_hz=SAMPLE_RATE_HZ)
    assert described is not None
    tags, embeddings = tagger(np.stack([log_mel(each) for each in excerpts]))
    np.testing.assert_allclose(described.probabilities, tags.mean(axis=0), atol=1e-5)
    assert np.linalg.norm(described.embedding) == pytest.approx(1.0, abs=1e-5)
    assert described.embedding @ embeddings.mean(axis=0) == pytest.approx(np.linalg.norm(embeddings.mean(axis=0)), 1e-4)
    assert [each.probability for each in described.tags] == sorted(
        (t.probability for t in described.tags), reverse=True
    )


def test_the_rate_of_the_excerpts_hardly_matters(tagger: MusicnnTagger) -> None:
    chord = sum(tone(hz, frames=PATCH_FRAMES) for hz in (220.0, 277.2, 329.6)) / 4
    faster = soxr.resample(chord[0], SAMPLE_RATE_HZ, 22_050)[np.newaxis].astype(np.float32)
    describer = MusicnnDescriber(tagger)
    one = describer.describe([chord], sample_rate_hz=SAMPLE_RATE_HZ)
    other = describer.describe([faster], sample_rate_hz=22_050)
    assert one is not None
    assert other is not None
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=0.02)


def test_nothing_that_sounds_gives_no_description(tagger: MusicnnTagger) -> None:
    assert MusicnnDescriber(tagger).describe([], sample_rate_hz=22_050) is None


class CountingGraph:
    """Answers with zeros and keeps how many patches it got at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def run(self, _outputs: Sequence[str] | None, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        [patches] = feeds.values()
        self.asked.append(len(patches))
        return [np.zeros((len(patches), width), np.float32) for width in (len(TAGS), 200)]

    def get_inputs(self) -> Sequence[Any]:
        return [SimpleNamespace(name="mel", shape=("patches", 187, 96))]

    def get_providers(self) -> Sequence[str]:
        return ["CPUExecutionProvider"]


def test_patches_are_heard_one_by_one_since_more_at_once_only_costs_memory() -> None:
    graph = CountingGraph()
    session = ModelSession(
        shipped_manifest()["musicnn"],
        Path("unused"),
        choice=choose_provider("cpu", []),
        clock=HandWoundClock(),
        open_with=lambda *_, **__: graph,
    )
    tags, _ = MusicnnTagger(session)(np.zeros((3, 187, 96), dtype=np.float32))
    assert tags.shape == (3, len(TAGS))
    assert graph.asked == [1, 1, 1]
