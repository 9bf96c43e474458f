"""What a codec rounded away is in the master and in nothing that was made from the coded file."""

from pathlib import Path

import numpy as np
import pytest

from cratehand.analysis.codec_rounding import RoundingEvidence, leaves_traces, rounding_evidence
from cratehand.audio import FileReader
from cratehand.domain.audio import Samples
from cratehand.usecases.second_listening import aligned_stretches
from tests.audio_files import write_audio
from tests.music import arrangement

RATE_HZ = 44_100
NAMES = {"mp3": "mp3", "m4a": "aac", "ogg": "vorbis", "opus": "opus"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rounding")


@pytest.fixture(scope="module")
def song() -> Samples:
    """Ten seconds of music with treble that differs between the sides."""
    mono = arrangement(tempo_bpm=126.0).samples[0, 12 * RATE_HZ : 22 * RATE_HZ]
    rng = np.random.default_rng(7)
    bright = np.diff(rng.standard_normal((2, mono.size + 1)), axis=1) * (0.2 + np.abs(mono))
    return (0.5 * mono / np.abs(mono).max() + 0.03 * bright).astype(np.float32)


@pytest.fixture(scope="module")
def coded(folder: Path, song: Samples) -> dict[str, Path]:
    return {codec: write_audio(folder / f"current.{codec}", song, codec=codec) for codec in NAMES}


def evidence(current: Path, candidate: Path, codec: str, *, offset_s: float = 0.0) -> RoundingEvidence:
    pairs = aligned_stretches(FileReader(), current, candidate, offset_s=offset_s, sounding_start_s=0.0)
    found = rounding_evidence(pairs, NAMES[codec])
    assert found is not None
    return found


def decoded(path: Path) -> Samples:
    blocks = np.concatenate(list(FileReader().blocks(path)), axis=1)
    rate_hz = FileReader().probe(path).sample_rate_hz
    assert rate_hz in (RATE_HZ, 48_000)
    return blocks


@pytest.mark.parametrize("codec", NAMES)
def test_the_master_holds_what_the_codec_rounded_away(
    folder: Path, song: Samples, coded: dict[str, Path], codec: str
) -> None:
    lead = np.zeros((2, 3_333), np.float32)
    master = write_audio(folder / f"master of {codec}.flac", np.concatenate([lead, 0.8 * song], axis=1))
    found = evidence(coded[codec], master, codec, offset_s=3_333 / RATE_HZ + 0.00003)
    assert found.holds_more
    assert not found.keeps_zeros


@pytest.mark.parametrize("codec", NAMES)
@pytest.mark.parametrize("again", ["mp3v2", "m4a", "ogg"])
def test_what_was_made_from_the_coded_file_holds_nothing_of_it(
    folder: Path, coded: dict[str, Path], codec: str, again: str
) -> None:
    rate_hz = FileReader().probe(coded[codec]).sample_rate_hz
    child = write_audio(folder / f"{codec} {again}.bin", decoded(coded[codec]), rate_hz, codec=again)
    fake = write_audio(folder / f"{codec} {again}.flac", decoded(child), rate_hz)
    found = evidence(coded[codec], fake, codec)
    assert not found.holds_more
    assert found.keeps_zeros == (again.removesuffix("v2") == codec)


def test_a_short_or_unknown_sound_gives_no_evidence(song: Samples) -> None:
    assert rounding_evidence([], "mp3") is None
    assert rounding_evidence([(song[:, :16_384], song[:, :16_384])], "wmav2") is None
    assert [leaves_traces(codec) for codec in ("mp3", "aac", "vorbis", "opus", "wmav2")] == [True] * 4 + [False]
