"""The model of the DNA: unit vectors of 512 numbers, halves of one track nearer than other tracks, clear errors."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cratehand.analysis.dna.features import FEATURE_NAMES
from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.app.reading_tools import sound_describer
from cratehand.domain.audio import Samples
from cratehand.domain.embedding import DNA_SPACE, Vector
from cratehand.domain.errors import CorruptFileError, InvalidInputError, UnavailableError
from cratehand.domain.key import Mode
from cratehand.domain.sound_tags import SoundDescription
from cratehand_models.dna import FEATURES, DnaModel
from cratehand_models.manifest import shipped_manifest
from cratehand_models.providers import choose_provider
from cratehand_models.session import ModelSession
from cratehand_models.store import WeightsStore
from tests import music
from tests.fakes.clock import HandWoundClock
from tests.fakes.sound import sound

RATE_HZ = 44_100


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> DnaModel:
    pytest.importorskip("onnxruntime")
    entry, store = shipped_manifest()["dna"], WeightsStore(tmp_path_factory.mktemp("models"))
    assert store.verify(entry) == []
    [path] = store.paths(entry).values()
    return DnaModel(ModelSession(entry, path, choice=choose_provider("cpu", []), clock=HandWoundClock()))


@cache
def halves(tempo_bpm: float, tonic: int, style: str) -> tuple[tuple[Vector, SoundDescription], ...]:
    if style == "pads":
        bars_s = music.bar_times(tempo_bpm, 16)
        mono = np.zeros(round(bars_s[-1] * RATE_HZ))
        music.harmony(mono, bars_s, key=music.MusicalKey(tonic=tonic, mode=Mode.MAJOR), parts=("pad",))
        samples = np.stack([mono, mono]).astype(np.float32)
    else:
        samples = music.groove(tempo_bpm=tempo_bpm, bars=24, tonic=tonic, style=style).samples
    middle = samples.shape[1] // 2
    return heard(samples[:, :middle]), heard(samples[:, middle:])


def heard(samples: Samples) -> tuple[Vector, SoundDescription]:
    analyser = TrackAnalyser(RATE_HZ, 2)
    analyser.feed(samples)
    analyser.finish()
    rate_hz, excerpts = analyser.excerpts()
    describer, features = sound_describer(), analyser.dna_features()
    assert describer is not None
    assert features is not None
    description = describer.describe(excerpts, sample_rate_hz=rate_hz)
    assert description is not None
    return features, description


def test_the_graph_takes_the_features_of_the_analysis() -> None:
    entry = shipped_manifest()["dna"]
    assert {tensor.name: tensor.shape for tensor in entry.inputs}["features"] == ("tracks", len(FEATURE_NAMES))
    assert len(FEATURE_NAMES) == FEATURES
    assert entry.outputs[0].shape == ("tracks", DNA_SPACE.dimension)
    assert (entry.name, entry.version) == (DNA_SPACE.model, DNA_SPACE.version)
    assert sum(file.size_bytes for file in entry.files) < 20_000_000


def test_a_track_gets_a_vector_of_unit_length_the_same_each_time(model: DnaModel) -> None:
    one, _ = halves(126.0, 9, "house")
    found = model.fuse(*one)
    assert (found.shape, found.dtype) == ((DNA_SPACE.dimension,), np.float32)
    assert float(np.linalg.norm(found)) == pytest.approx(1.0, abs=1e-5)
    assert not found.flags.writeable
    np.testing.assert_array_equal(found, model.fuse(*one))


def test_halves_of_one_track_are_nearer_than_other_tracks(model: DnaModel) -> None:
    tracks = [halves(126.0, 9, "house"), halves(174.0, 2, "dnb"), halves(80.0, 5, "pads")]
    first, second = (np.stack([model.fuse(*track[half]) for track in tracks]) for half in (0, 1))
    assert (first @ second.T).argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("features", [np.zeros(FEATURES - 1), np.zeros((1, FEATURES)), np.zeros(96)])
def test_features_of_another_analysis_are_refused(model: DnaModel, features: np.ndarray) -> None:
    with pytest.raises(InvalidInputError, match=r"takes \d+ features.*analyse the track anew"):
        model.fuse(features.astype(np.float32), sound())


def test_what_is_no_number_is_refused(model: DnaModel) -> None:
    features = np.zeros(FEATURES, dtype=np.float32)
    features[7] = np.nan
    with pytest.raises(InvalidInputError, match="finite features"):
        model.fuse(features, sound())


def test_another_graph_is_refused(tmp_path: Path) -> None:
    entry = shipped_manifest()["dna"]

    def session(graph: Any) -> ModelSession:
        return ModelSession(
            entry, tmp_path, choice=choose_provider("cpu", []), clock=HandWoundClock(), open_with=lambda *_, **__: graph
        )

    features = np.zeros(FEATURES, dtype=np.float32)
    with pytest.raises(CorruptFileError, match="it is another model"):
        DnaModel(session(Graph(FEATURES - 1))).fuse(features, sound())
    with pytest.raises(CorruptFileError, match="no vector of unit length"):
        DnaModel(session(Graph(FEATURES, length=0.5))).fuse(features, sound())
    with pytest.raises(UnavailableError, match="fell over"):
        DnaModel(session(Graph(FEATURES, fails=True))).fuse(features, sound())


class Graph:
    """Answers with a vector of this length."""

    def __init__(self, features: int, *, length: float = 1.0, fails: bool = False) -> None:
        self._widths = {"features": features, "embedding": 200, "tags": 50}
        self._length = length
        self._fails = fails

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        if self._fails:
            raise RuntimeError("the graph fell over")
        answer = np.zeros((1, DNA_SPACE.dimension), dtype=np.float32)
        answer[0, 0] = self._length
        return [answer]

    def get_inputs(self) -> Sequence[Any]:
        return [SimpleNamespace(name=name, shape=["tracks", width]) for name, width in self._widths.items()]

    def get_providers(self) -> Sequence[str]:
        return ["CPUExecutionProvider"]

    def get_modelmeta(self) -> Any:
        return SimpleNamespace(custom_metadata_map={})
