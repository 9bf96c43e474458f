"""A file is read once; a model that can not listen costs the tags and nothing else."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cratehand.app.reading_tools import reading_tools
from cratehand.domain.audio import Samples
from cratehand.domain.errors import UnavailableError
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


def test_the_shipped_model_listens_in_a_worker(song: Path) -> None:
    pytest.importorskip("onnxruntime")
    found = read_file(reading_tools(), song)
    assert found.sound is not None
    assert found.sound.embedding.shape == (200,)
