"""A file is read once; a model that can not listen costs the tags and nothing else."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cratehand.analysis.dna.features import FEATURE_NAMES
from cratehand.app.reading_tools import reading_tools
from cratehand.domain.audio import Samples
from cratehand.domain.embedding import CLAP_SPACE, Vector
from cratehand.domain.errors import CratehandError, NotFoundError, UnavailableError
from cratehand.domain.sound_tags import SoundDescription
from cratehand.usecases.file_reading import read_file
from tests.audio_files import write_audio
from tests.fakes.sound import sound


class Listener:
    """Hears house in everything, and remembers what it was given."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, tuple[int, ...]]] = []

    def describe(self, excerpts: Sequence[Samples], *, sample_rate_hz: int) -> SoundDescription | None:
        self.heard += [(sample_rate_hz, excerpt.shape) for excerpt in excerpts]
        return sound(house=0.9)


class Joiner:
    """Remembers what it joined."""

    def __init__(self, error: CratehandError | None = None) -> None:
        self.joined: list[tuple[int, ...]] = []
        self._error = error

    def fuse(self, features: Vector, sound: SoundDescription) -> Vector:
        if self._error is not None:
            raise self._error
        self.joined.append(features.shape)
        return np.eye(512, dtype=np.float32)[3]


class Deaf:
    def describe(self, excerpts: Sequence[Samples], *, sample_rate_hz: int) -> SoundDescription | None:
        raise UnavailableError("the model fell over")


@pytest.fixture
def song(tmp_path: Path) -> Path:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 16 * 44_100)).astype(np.float32)
    return write_audio(tmp_path / "song.flac", samples)


def test_the_model_hears_excerpts_of_the_one_decoding(song: Path) -> None:
    listener = Listener()
    found = read_file(replace(reading_tools(), describer=listener), song)
    assert listener.heard == [(22_050, (1, 66_150)), (22_050, (1, 66_150))]
    assert found.sound is not None
    assert found.sound.tags[0].tag == "house"


def test_a_model_that_fails_costs_the_tags_only(song: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = read_file(replace(reading_tools(), describer=Deaf()), song)
    assert found.sound is None
    assert found.analysis is not None
    assert found.analysis.loudness is not None
    assert found.errors == ()
    assert "no tags for" in caplog.text
    assert "the model fell over" in caplog.text


def test_without_a_model_everything_else_is_read(song: Path) -> None:
    found = read_file(replace(reading_tools(), describer=None), song)
    assert found.sound is None
    assert found.analysis is not None
    assert found.fingerprint
    assert found.errors == ()


class Placing:
    """Stands where the loudest sample is."""

    space = CLAP_SPACE

    def __init__(self) -> None:
        self.frames = 0

    def feed(self, samples: Samples) -> None:
        self.frames += samples.shape[1]

    def finish(self) -> Vector | None:
        return None if not self.frames else np.full(512, self.frames, dtype=np.float32)


class Lost(Placing):
    def finish(self) -> Vector | None:
        raise NotFoundError("the weights are gone")


def test_a_model_that_places_tracks_is_fed_by_the_one_decoding(song: Path) -> None:
    found = read_file(replace(reading_tools(), describer=None, placings=(lambda _: Placing(),)), song)
    assert found.places.keys() == {CLAP_SPACE}
    assert found.places[CLAP_SPACE][0] == 16 * 44_100


def test_a_place_that_can_not_be_found_costs_this_one_only(song: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = read_file(replace(reading_tools(), describer=None, placings=(lambda _: Lost(),)), song)
    assert found.places == {}
    assert found.analysis is not None
    assert found.errors == ()
    assert "no place in clap" in caplog.text
    assert "the weights are gone" in caplog.text


def test_where_the_sound_is_known_nothing_is_placed_again(song: Path) -> None:
    tools = replace(reading_tools(), describer=None, placings=(lambda _: Placing(),))
    assert read_file(tools, song, known_digest=read_file(tools, song).digest).places == {}


def test_clap_that_is_switched_on_and_not_here_is_told(
    song: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("onnxruntime")
    found = read_file(replace(reading_tools(tmp_path), describer=None), song)
    assert found.places == {}
    assert found.analysis is not None
    assert "tracks are not placed by CLAP: the weights of clap are not here" in caplog.text


def test_the_shipped_model_listens_in_a_worker(song: Path) -> None:
    pytest.importorskip("onnxruntime")
    found = read_file(reading_tools(), song)
    assert found.sound is not None
    assert found.sound.embedding.shape == (200,)
    assert found.dna is not None
    assert found.dna.shape == (512,)


def test_features_and_what_was_heard_are_joined_to_the_dna(song: Path) -> None:
    joiner = Joiner()
    found = read_file(replace(reading_tools(), describer=Listener(), fuser=joiner), song)
    assert joiner.joined == [(len(FEATURE_NAMES),)]
    assert found.dna is not None
    assert found.dna[3] == 1.0


def test_without_a_description_nothing_is_joined(song: Path) -> None:
    joiner = Joiner()
    for tools in (replace(reading_tools(), describer=None, fuser=joiner), replace(reading_tools(), fuser=None)):
        found = read_file(tools, song)
        assert found.dna is None
        assert found.analysis is not None
    assert joiner.joined == []


def test_silence_has_no_dna(tmp_path: Path) -> None:
    silence = write_audio(tmp_path / "silence.flac", np.zeros((2, 5 * 44_100), dtype=np.float32))
    joiner = Joiner()
    found = read_file(replace(reading_tools(), describer=Listener(), fuser=joiner), silence)
    assert found.dna is None
    assert joiner.joined == []


def test_a_model_of_the_dna_that_fails_costs_the_dna_only(song: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        broken = Joiner(UnavailableError("the joiner fell over"))
        found = read_file(replace(reading_tools(), describer=Listener(), fuser=broken), song)
    assert (found.dna, found.errors) == (None, ())
    assert found.sound is not None
    assert found.analysis is not None
    assert "no DNA of" in caplog.text
    assert "the joiner fell over" in caplog.text
