from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from cratehand.audio.decode import FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.stem_file import StemFilePacker
from cratehand.audio.write import FileWriter
from cratehand.domain.audio import Samples
from cratehand.domain.errors import CorruptFileError, InvalidInputError, UnavailableError, UnsupportedError
from cratehand.usecases.stem_separation import StemSeparation, StemTools
from tests.fakes.stems import FourSeparator, KnownSeparator
from tests.unit.audio.test_stem_file import decoded
from tests.unit.usecases.test_plan_faults import files_end_at

RATE = 44_100
ONE_STEP = 2.0**-22
"""Two steps of 24 bits."""


def separation(folder: Path, separator: KnownSeparator) -> StemSeparation:
    tools = StemTools(reader=FileReader(), writer=FileWriter(), digester=AudioDigester(), packer=StemFilePacker())
    return StemSeparation(tools, separator, cache=folder / "cache")


def source(folder: Path, signal: Samples, *, rate: int = RATE) -> Path:
    path = folder / "mix.wav"
    soundfile.write(path, signal.T, rate, subtype="FLOAT")
    return path


def noise(frames: int, *, channels: int = 2) -> Samples:
    return np.random.default_rng(7).uniform(-0.9, 0.9, (channels, frames)).astype(np.float32)


def read(path: str | Path) -> Samples:
    samples, _ = soundfile.read(path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(samples.T)


@pytest.mark.parametrize("frames", [1, 441, 22_500, 30_000, 100_001])
def test_stems_are_aligned_to_the_sample_and_no_window_leaves_a_seam(tmp_path: Path, frames: int) -> None:
    mix = noise(frames)
    vocals, rest = separation(tmp_path, KnownSeparator()).separate(source(tmp_path, mix), out=tmp_path)
    assert [Path(stem.path).name for stem in (vocals, rest)] == ["mix.vocals.flac", "mix.accompaniment.flac"]
    assert read(vocals.path).shape == mix.shape
    assert np.abs(read(vocals.path) - mix).max() < ONE_STEP
    assert np.abs(read(rest.path) + mix / 2).max() < ONE_STEP
    assert vocals.peak == pytest.approx(np.abs(mix).max(), rel=1e-5)
    assert soundfile.info(vocals.path).subtype == "PCM_24"


def test_another_sample_rate_comes_back_as_long_and_in_place(tmp_path: Path) -> None:
    rate, frames = 48_000, 96_011
    mix = np.tile(np.sin(2 * np.pi * 440.0 * np.arange(frames) / rate).astype(np.float32) * 0.5, (2, 1))
    path = source(tmp_path, mix, rate=rate)
    vocals, _ = separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path, ending=".wav")
    back = read(vocals.path)
    assert back.shape == mix.shape
    assert np.abs(back - mix)[:, 500:-500].max() < 1e-4


def test_mono_becomes_two_equal_channels(tmp_path: Path) -> None:
    mix = noise(50_000, channels=1)
    vocals, _ = separation(tmp_path, KnownSeparator()).separate(source(tmp_path, mix), out=tmp_path)
    back = read(vocals.path)
    assert np.array_equal(back[0], back[1])
    assert np.abs(back[0] - mix[0]).max() < ONE_STEP


def test_surround_is_mixed_down_without_its_low_frequencies(tmp_path: Path) -> None:
    mix = np.zeros((6, 50_000), dtype=np.float32)
    mix[2], mix[3] = 0.5, 0.9
    vocals, _ = separation(tmp_path, KnownSeparator()).separate(source(tmp_path, mix), out=tmp_path)
    assert np.abs(read(vocals.path) - 0.5 * 0.5**0.5).max() < 1e-6


@pytest.mark.parametrize("dies_at", [0, 1, 2, 4])
def test_what_was_killed_goes_on_from_its_last_window_to_the_same_stems(tmp_path: Path, dies_at: int) -> None:
    path = source(tmp_path, noise(120_000))
    (tmp_path / "whole").mkdir()
    whole = KnownSeparator()
    expected, _ = separation(tmp_path / "whole", whole).separate(path, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        separation(tmp_path, KnownSeparator(dies_at=dies_at)).separate(path, out=tmp_path)
    assert not list(tmp_path.glob("mix.*.flac"))
    second = KnownSeparator()
    vocals, _ = separation(tmp_path, second).separate(path, out=tmp_path)
    assert np.array_equal(read(vocals.path), read(expected.path))
    assert second.calls == whole.calls - max(0, dies_at - 1)


def test_a_half_written_window_is_separated_again(tmp_path: Path) -> None:
    mix = noise(120_000)
    path = source(tmp_path, mix)
    with pytest.raises(KeyboardInterrupt):
        separation(tmp_path, KnownSeparator(dies_at=3)).separate(path, out=tmp_path)
    [settled] = (tmp_path / "cache").rglob("settled.f32")
    settled.write_bytes(settled.read_bytes()[:-777])
    vocals, _ = separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path)
    assert np.abs(read(vocals.path) - mix).max() < ONE_STEP


def test_what_was_separated_once_is_delivered_from_the_cache_under_any_name(tmp_path: Path) -> None:
    path = source(tmp_path, noise(60_000))
    first, _ = separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path)
    renamed, second = path.rename(tmp_path / "renamed.wav"), KnownSeparator()
    again, _ = separation(tmp_path, second).separate(renamed, out=tmp_path, ending=".wav")
    assert second.calls == 0
    assert Path(again.path).name == "renamed.vocals.wav"
    assert np.array_equal(read(again.path), read(first.path))
    assert again.peak == first.peak
    assert not list((tmp_path / "cache").rglob("settled.f32"))


def test_silence_gives_silent_stems(tmp_path: Path) -> None:
    path = source(tmp_path, np.zeros((2, 40_000), dtype=np.float32))
    stems = separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path)
    assert [stem.peak for stem in stems] == [0.0, 0.0]


def test_louder_than_full_scale_is_clipped_and_told(tmp_path: Path) -> None:
    path = source(tmp_path, noise(40_000) * 2)
    vocals, _ = separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path)
    assert vocals.peak > 1.5
    assert read(vocals.path).max() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize(("rate", "channels"), [(192_000, 2), (96_000, 6), (44_100, 1), (8_000, 1)])
@pytest.mark.parametrize("length_s", [1.0, 0.01])
def test_a_second_or_less_at_any_rate_comes_back_as_long(
    tmp_path: Path, rate: int, channels: int, length_s: float
) -> None:
    frames = round(rate * length_s) + 1
    path = source(tmp_path, noise(frames, channels=channels) * 0.3, rate=rate)
    vocals, _ = separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path)
    found = soundfile.info(vocals.path)
    assert (found.frames, found.samplerate, found.channels) == (frames, rate, 2)


@pytest.mark.parametrize("room", [100_000, 900_000])
def test_a_disk_that_is_full_in_the_middle_is_told_and_with_room_it_goes_on(tmp_path: Path, room: int) -> None:
    """First while windows are settled, then while the stems are written; each file may be so long and no longer."""
    mix = noise(120_000) * 0.5
    path = source(tmp_path, mix)
    with files_end_at(room), pytest.raises(UnavailableError, match="can not be written"):
        separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path)
    assert not list(tmp_path.glob("mix.*.flac"))
    assert not list(tmp_path.rglob("*.part"))
    vocals, _ = separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path)
    assert np.abs(read(vocals.path) - mix).max() < ONE_STEP


def test_memory_that_runs_out_is_told_and_what_was_done_is_kept(tmp_path: Path) -> None:
    path, whole = source(tmp_path, noise(120_000)), KnownSeparator()
    short = KnownSeparator(dies_at=3, dies_of=UnavailableError("the memory does not suffice for known-1"))
    with pytest.raises(UnavailableError, match="memory"):
        separation(tmp_path, short).separate(path, out=tmp_path)
    (tmp_path / "other").mkdir()
    separation(tmp_path / "other", whole).separate(path, out=tmp_path / "other")
    second = KnownSeparator()
    separation(tmp_path, second).separate(path, out=tmp_path)
    assert second.calls == whole.calls - 2


def test_without_a_folder_the_stems_stay_in_the_cache(tmp_path: Path) -> None:
    mix = noise(30_000)
    vocals, rest = separation(tmp_path, KnownSeparator()).separate(source(tmp_path, mix), out=None)
    assert {Path(stem.path).parent.name for stem in (vocals, rest)} == {"known-1"}
    assert np.abs(read(vocals.path) - mix).max() < ONE_STEP
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["mix.wav"]


def test_two_processes_do_not_separate_one_file_at_once(tmp_path: Path) -> None:
    path = source(tmp_path, noise(60_000))

    def held(place: Path) -> AbstractContextManager[object]:
        raise UnavailableError(f"another one works at {place.parent.name}")

    tools = StemTools(
        reader=FileReader(), writer=FileWriter(), digester=AudioDigester(), packer=StemFilePacker(), lock=held
    )
    with pytest.raises(UnavailableError, match="another one works at known-1"):
        StemSeparation(tools, KnownSeparator(), cache=tmp_path / "cache").separate(path, out=tmp_path)
    separation(tmp_path, KnownSeparator()).separate(path, out=None)
    # What is whole is only read.
    assert StemSeparation(tools, KnownSeparator(), cache=tmp_path / "cache").separate(path, out=tmp_path)


def test_one_stem_file_holds_the_mix_and_the_stems_aligned_to_the_sample(tmp_path: Path) -> None:
    mix = noise(70_001, channels=1) * 0.9
    using = separation(tmp_path, FourSeparator())
    path = source(tmp_path, mix)
    assert using.planned(path, out=tmp_path, ending=".stem.mp4") == [tmp_path / "mix.stem.mp4"]
    stems = using.separate(path, out=tmp_path, ending=".stem.mp4")
    assert [stem.kind.value for stem in stems] == ["drums", "bass", "other", "vocals"]
    assert {stem.path for stem in stems} == {str(tmp_path / "mix.stem.mp4")}
    for track, factor in enumerate((1.0, *FourSeparator.factors)):
        back = decoded(tmp_path / "mix.stem.mp4", track).T / 2.0**31
        assert back.shape == (2, 70_001)
        assert np.abs(back - mix * np.float32(factor)).max() < ONE_STEP
    assert not list((tmp_path / "cache").rglob("mix*"))


def test_a_model_of_two_stems_makes_no_stem_file_and_says_what_does(tmp_path: Path) -> None:
    path, model = source(tmp_path, noise(40_000)), KnownSeparator()
    with pytest.raises(InvalidInputError, match=r"holds four stems, known-1 makes 2: .*fetch htdemucs"):
        separation(tmp_path, model).separate(path, out=tmp_path, ending=".stem.mp4")
    assert model.calls == 0


def test_progress_goes_up_to_the_length(tmp_path: Path) -> None:
    told: list[tuple[float, float | None]] = []
    path = source(tmp_path, noise(120_000))
    separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path, on_progress=lambda *both: told.append(both))
    done = [seconds for seconds, _ in told]
    assert done == sorted(done)
    assert told[-1] == (pytest.approx(120_000 / RATE), pytest.approx(120_000 / RATE))


def test_bad_input_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    broken = tmp_path / "mix.mp3"
    broken.write_bytes(b"no audio at all" * 100)
    with pytest.raises(CorruptFileError):
        separation(tmp_path, KnownSeparator()).separate(broken, out=tmp_path)
    with pytest.raises(InvalidInputError, match="no folder"):
        separation(tmp_path, KnownSeparator()).separate(broken, out=tmp_path / "nowhere")
    path = source(tmp_path, noise(40_000))
    with pytest.raises(UnsupportedError, match=r"flac or \.wav"):
        separation(tmp_path, KnownSeparator()).separate(path, out=tmp_path, ending=".mp3")
    assert not list(tmp_path.glob("mix.vocals*"))
