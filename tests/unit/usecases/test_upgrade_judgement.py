"""Same recording, really better, aligned: claims on small signals in real files."""

from pathlib import Path

import numpy as np
import pytest
import soxr

from cratehand.audio import ChromaprintFingerprinter, FileReader, MutagenTags
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.audio_quality import AudioQuality, QualityFinding, QualityVerdict
from cratehand.domain.errors import CorruptFileError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.upgrade import CopyName, Judgement, Relation, Standing
from cratehand.usecases.upgrade_judgement import JudgementTools, UpgradeJudgement
from tests.audio_files import write_audio
from tests.music import arrangement

RATE_HZ = 44_100


class HonestMeter:
    """Believes that lossless files are genuine, and counts nothing: the verdict itself is tested elsewhere."""

    def __init__(self, declared: AudioFormat) -> None:
        self._declared = declared
        self._frames = 0

    def feed(self, samples: Samples) -> None:
        self._frames += samples.shape[1]

    def finish(self) -> AudioQuality:
        short = (self._declared.duration_s or 0.0) - self._frames / self._declared.sample_rate_hz > 0.5
        return AudioQuality(
            verdict=QualityVerdict.GENUINE if self._declared.lossless else QualityVerdict.LOSSY,
            findings=(QualityFinding.TRUNCATED,) if short else (),
        )


def judge(current: Path, candidate: Path, **names: CopyName) -> Judgement:
    tools = JudgementTools(
        reader=FileReader(), tags=MutagenTags(), fingerprinter=ChromaprintFingerprinter(), quality_meter=HonestMeter
    )
    return UpgradeJudgement(tools).judge(current, candidate, **names)


@pytest.fixture(scope="module")
def song() -> Samples:
    """Music of 24 s that sounds from its first moment to its last, and no bar like another."""
    mono = arrangement(tempo_bpm=126.0).samples[0, 12 * RATE_HZ : 36 * RATE_HZ]
    rng = np.random.default_rng(5)
    noise = np.cumsum(rng.standard_normal((2, mono.size)), axis=1)
    noise -= soxr.resample(soxr.resample(noise.T, RATE_HZ, 100), 100, RATE_HZ).T[:, : mono.size]
    wide = mono * 0.7 + 0.05 * (noise / noise.std()) + 0.01 * rng.standard_normal((2, mono.size))
    return (0.9 * wide / np.abs(wide).max()).astype(np.float32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("copies")


@pytest.fixture(scope="module")
def mp3(folder: Path, song: Samples) -> Path:
    return write_audio(folder / "current.mp3", song)


@pytest.mark.parametrize(
    ("codec", "late_s"), [("mp3", 0.0), ("mp3plain", 1105 / RATE_HZ), ("m4a", 0.0), ("ogg", 0.0), ("opus", 0.0)]
)
def test_a_lossless_copy_is_accepted_over_every_codec_at_its_very_place(
    folder: Path, song: Samples, codec: str, late_s: float
) -> None:
    lead = np.zeros((2, 33_333), np.float32)
    current = write_audio(folder / f"{codec}.bin", song, codec=codec)
    found = judge(current, write_audio(folder / "lead.flac", np.concatenate([lead, song], axis=1)))
    assert (found.relation, found.better, found.accepted) == (Relation.SAME, Standing.BETTER, True)
    assert found.offset_s == pytest.approx(33_333 / RATE_HZ - late_s, abs=5e-5)
    assert found.alignment is not None
    assert found.alignment.start_offset_s == pytest.approx(found.alignment.end_offset_s, abs=5e-5)
    assert found.candidate_verdict is QualityVerdict.GENUINE


def test_ten_seconds_of_silence_another_rate_and_level_are_no_obstacle(folder: Path, song: Samples, mp3: Path) -> None:
    lead = np.zeros((480_000, 2), np.float32)
    moved = np.concatenate([lead, soxr.resample(0.3 * song.T, RATE_HZ, 48_000, quality="VHQ")]).T
    found = judge(mp3, write_audio(folder / "moved.wav", moved, 48_000))
    assert found.accepted
    assert found.offset_s == pytest.approx(10.0, abs=5e-5)
    assert found.alignment is not None
    assert found.alignment.gain_db == pytest.approx(-10.5, abs=0.3)


def test_a_candidate_may_begin_earlier(folder: Path, song: Samples) -> None:
    lead = np.concatenate([np.zeros((2, 20_000), np.float32), song], axis=1)
    found = judge(write_audio(folder / "late.mp3", lead), write_audio(folder / "early.flac", song))
    assert found.accepted
    assert found.offset_s == pytest.approx(-20_000 / RATE_HZ, abs=5e-5)


def test_inverted_polarity_is_the_same_recording_and_is_told(folder: Path, song: Samples, mp3: Path) -> None:
    found = judge(mp3, write_audio(folder / "inverted.flac", -song))
    assert found.accepted
    assert found.alignment is not None
    assert found.alignment.inverted
    assert "polarity" in found.reason


def test_the_identical_file_is_no_better(folder: Path, song: Samples) -> None:
    wav = write_audio(folder / "same.wav", song)
    found = judge(wav, write_audio(folder / "same.flac", song))
    assert (found.relation, found.better, found.accepted) == (Relation.SAME, Standing.EQUAL, False)


def test_a_flac_of_the_current_file_is_never_better(folder: Path, mp3: Path) -> None:
    decoded = np.concatenate(list(FileReader().blocks(mp3)), axis=1)
    found = judge(mp3, write_audio(folder / "fake.flac", decoded))
    assert (found.relation, found.better, found.accepted) == (Relation.SAME, Standing.EQUAL, False)
    assert found.alignment is not None
    assert found.alignment.residual_db < -60.0


def test_a_lossy_file_is_worse_than_the_master(folder: Path, song: Samples, mp3: Path) -> None:
    found = judge(write_audio(folder / "master.flac", song), mp3)
    assert (found.relation, found.better, found.accepted) == (Relation.SAME, Standing.WORSE, False)


@pytest.mark.parametrize("factor", [1.003, 0.997, 1.03])
def test_another_speed_is_never_taken(folder: Path, song: Samples, mp3: Path, factor: float) -> None:
    found = judge(mp3, write_audio(folder / "speed.flac", soxr.resample(song.T, RATE_HZ * factor, RATE_HZ).T))
    assert not found.accepted
    assert found.relation is not Relation.SAME


def test_a_missing_voice_makes_it_related_only(folder: Path, song: Samples) -> None:
    time_s = np.arange(song.shape[1]) / RATE_HZ
    voice = np.sign(np.sin(2 * np.pi * 440.0 * time_s + 3.0 * np.sin(2 * np.pi * 5.0 * time_s))) * (time_s % 8 < 3)
    mixed = (song + 0.05 * voice).astype(np.float32) * np.float32(0.9)
    found = judge(write_audio(folder / "sung.mp3", mixed), write_audio(folder / "instrumental.flac", song))
    assert (found.relation, found.accepted) == (Relation.RELATED, False)


def test_an_equalised_copy_is_related_only(folder: Path, song: Samples, mp3: Path) -> None:
    brighter = song - 0.5 * np.concatenate([np.zeros((2, 1), np.float32), song[:, :-1]], axis=1)
    found = judge(mp3, write_audio(folder / "brighter.flac", brighter))
    assert (found.relation, found.accepted) == (Relation.RELATED, False)


@pytest.mark.parametrize(("lost", "words"), [("end", "lacks the last"), ("start", "lacks the first")])
def test_a_copy_without_its_start_or_end_is_refused(
    folder: Path, song: Samples, mp3: Path, lost: str, words: str
) -> None:
    kept = song[:, : -2 * RATE_HZ] if lost == "end" else song[:, 2 * RATE_HZ :]
    found = judge(mp3, write_audio(folder / "cut.flac", kept))
    assert not found.accepted
    assert words in found.reason


def test_an_edit_in_the_middle_is_refused(folder: Path, song: Samples, mp3: Path) -> None:
    edited = np.concatenate([song[:, : 8 * RATE_HZ], song[:, 12 * RATE_HZ :]], axis=1)
    found = judge(mp3, write_audio(folder / "edit.flac", edited))
    assert (found.relation, found.accepted) == (Relation.RELATED, False)


def test_other_music_is_different(folder: Path, mp3: Path) -> None:
    other = arrangement(tempo_bpm=126.0, tonic=4).samples[:, 40 * RATE_HZ : 64 * RATE_HZ]
    found = judge(mp3, write_audio(folder / "other.flac", other))
    assert (found.relation, found.accepted) == (Relation.DIFFERENT, False)


def test_the_names_of_two_versions_forbid_the_swap(folder: Path, song: Samples, mp3: Path) -> None:
    flac = write_audio(folder / "named.flac", song)
    plain = CopyName(title="Strings", artist="Somebody")
    dub = CopyName(title="Strings (Dub)", artist="Somebody")
    found = judge(mp3, flac, current_name=plain, candidate_name=dub)
    assert (found.relation, found.accepted) == (Relation.RELATED, False)
    assert "dub" in found.reason
    original = CopyName(title="Strings (Original Mix)", artist="Somebody")
    assert judge(mp3, flac, current_name=plain, candidate_name=original).accepted


def test_tags_name_the_version_where_nobody_says_it(folder: Path, song: Samples) -> None:
    tagged = write_audio(folder / "tagged.mp3", song, tags={Field.TITLE: "Strings (Extended Mix)"})
    dub = write_audio(folder / "tagged dub.flac", song, tags={Field.TITLE: "Strings (Instrumental)"})
    assert judge(tagged, dub).relation is Relation.RELATED


def test_mono_is_the_same_recording_but_no_better(folder: Path, song: Samples, mp3: Path) -> None:
    found = judge(mp3, write_audio(folder / "mono.flac", song.mean(axis=0, keepdims=True)))
    assert not found.accepted


def test_six_channels_are_not_taken_for_two(folder: Path, song: Samples, mp3: Path) -> None:
    found = judge(mp3, write_audio(folder / "six.flac", np.repeat(song.mean(axis=0, keepdims=True), 6, axis=0)))
    assert not found.accepted


@pytest.mark.parametrize("length_s", [0.2, 1.0])
def test_a_short_file_is_told_as_such(folder: Path, song: Samples, mp3: Path, length_s: float) -> None:
    found = judge(mp3, write_audio(folder / "short.flac", song[:, : round(length_s * RATE_HZ)]))
    assert (found.relation, found.accepted) == (Relation.DIFFERENT, False)
    assert "short.flac" in found.reason


def test_silence_is_told_as_such(folder: Path, song: Samples, mp3: Path) -> None:
    found = judge(mp3, write_audio(folder / "silence.flac", np.zeros_like(song)))
    assert (found.relation, found.accepted) == (Relation.DIFFERENT, False)
    assert "silence.flac" in found.reason


def test_a_damaged_candidate_is_one_clear_error(folder: Path, mp3: Path) -> None:
    damaged = folder / "damaged.flac"
    damaged.write_bytes(b"fLaC" + bytes(2_000))
    with pytest.raises(CorruptFileError, match=r"damaged\.flac"):
        judge(mp3, damaged)


def test_a_missing_candidate_is_one_clear_error(folder: Path, mp3: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.flac"):
        judge(mp3, folder / "gone.flac")
