"""The demo crate: music that analysis can make sense of, and the same at every time."""

from dataclasses import replace
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile

from cratehand.app.demo import DEMO_TRACKS, make_demo_crate
from cratehand.app.demo_music import FOUR_TO_THE_FLOOR, SAMPLE_RATE_HZ, Score, render
from cratehand.domain.errors import UnavailableError

SHORT = Score(tempo_bpm=120.0, tonic=9, minor=True, groove=FOUR_TO_THE_FLOOR, bars=8, seed=3)


@pytest.fixture(scope="module")
def crate(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_demo_crate(tmp_path_factory.mktemp("demo"))


def test_a_render_has_the_length_of_its_bars_and_never_clips() -> None:
    sound = render(SHORT)
    assert sound.dtype == np.float32
    assert sound.shape == (2, 8 * 2 * SAMPLE_RATE_HZ)
    assert 0.8 < float(np.abs(sound).max()) <= 0.9
    assert not np.array_equal(sound[0], sound[1])


def test_the_same_score_gives_the_same_samples_and_another_seed_others() -> None:
    assert np.array_equal(render(SHORT), render(SHORT))
    assert not np.array_equal(render(SHORT), render(replace(SHORT, seed=4)))


def test_kicks_stand_on_the_beats() -> None:
    mono = render(SHORT).mean(axis=0)
    beat = SAMPLE_RATE_HZ // 2
    bar = slice(0, 4 * beat)  # the intro: kick and hat alone
    energy = np.square(mono[bar]).reshape(-1, beat // 9).sum(axis=1)
    assert set(np.argsort(energy)[-4:] % 9) == {0}


def test_the_drop_is_louder_than_the_break() -> None:
    sections = np.array_split(np.square(render(SHORT).mean(axis=0)), 8)
    assert sections[2].mean() > 2 * sections[4].mean()


def test_the_crate_holds_every_track_with_tags_in_several_formats(crate: list[Path]) -> None:
    assert [path.name for path in crate] == [track.file_name for track in DEMO_TRACKS]
    assert {path.suffix for path in crate} == {".flac", ".mp3", ".m4a"}
    for path, track in zip(crate, DEMO_TRACKS, strict=True):
        file = mutagen.File(path, easy=True)
        assert (file["artist"], file["title"]) == ([track.artist], [track.title])
        assert 40 <= file.info.length <= 90
    tempi = [track.score.tempo_bpm for track in DEMO_TRACKS]
    assert (min(tempi), max(tempi)) == (87.0, 174.0)
    assert len(DEMO_TRACKS) in range(6, 9)
    assert not [path for path in crate[0].parent.iterdir() if path.name.startswith(".")]


def test_a_second_call_leaves_what_is_there_and_adds_what_is_missing(crate: list[Path]) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in crate}
    gone = crate[0]
    before, _ = soundfile.read(gone)
    gone.unlink()
    assert make_demo_crate(gone.parent) == crate
    assert all(path.stat().st_mtime_ns == stamps[path] for path in crate[1:])
    after, _ = soundfile.read(gone)
    assert np.array_equal(before, after)


def test_a_folder_that_can_not_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("x")
    with pytest.raises(UnavailableError, match="demo crate"):
        make_demo_crate(tmp_path / "demo")
