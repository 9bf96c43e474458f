"""Tempo, grid and downbeats against music whose beats are known."""

import tracemalloc

import numpy as np
import pytest

from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.domain.track_analysis import TrackAnalysis
from tests import music
from tests.unit.analysis.feeding import analyse, club_track, worst_grid_error_ms


@pytest.mark.parametrize(
    ("style", "tempo_bpm"),
    [("house", 125.37), ("trance", 138.0), ("breakbeat", 131.0), ("dnb", 174.0), ("hiphop", 90.0), ("halftime", 140.0)],
)
def test_a_drum_loop_gets_its_tempo_and_every_beat(style: str, tempo_bpm: float) -> None:
    song = music.drum_loop(tempo_bpm=tempo_bpm, bars=16, style=style, start_s=0.137)
    found = analyse(song.samples)
    assert found.tempo_bpm == pytest.approx(tempo_bpm, abs=0.02)
    assert found.beat_grid is not None
    assert found.beat_grid.is_constant
    assert worst_grid_error_ms(found, song) < 5.0
    assert found.tempo_confidence > 0.5


def test_the_grid_of_a_whole_track_still_fits_in_its_last_bar() -> None:
    song, found = club_track()
    assert found.tempo_bpm == 126.0
    assert worst_grid_error_ms(found, song) < 3.0
    assert found.beat_grid_confidence > 0.7


def test_the_first_downbeat_is_a_true_one() -> None:
    song, found = club_track()
    assert found.beat_grid is not None
    downbeats_s = [time_s for time_s, beat in found.beat_grid.beats(until_s=song.duration_s - 0.5) if beat == 1]
    assert max(np.abs(song.downbeats_s - time_s).min() for time_s in downbeats_s) < 0.005


def test_swung_sixteenths_do_not_move_the_beat() -> None:
    song = music.drum_loop(tempo_bpm=124.0, bars=16, swing=0.62)
    found = analyse(song.samples)
    assert found.tempo_bpm == 124.0
    assert worst_grid_error_ms(found, song) < 5.0


def test_a_jump_of_tempo_gets_a_second_anchor_and_both_parts_fit() -> None:
    song = music.tempo_jumps([(120.0, 16), (128.0, 16)])
    found = analyse(song.samples)
    assert found.beat_grid is not None
    assert [round(anchor.tempo_bpm, 1) for anchor in found.beat_grid.anchors] == [120.0, 128.0]
    assert worst_grid_error_ms(found, song) < 10.0


def test_a_small_jump_of_tempo_is_no_constant_tempo() -> None:
    song = music.tempo_jumps([(126.0, 16), (127.5, 16)])
    found = analyse(song.samples)
    assert found.beat_grid is not None
    assert 2 <= len(found.beat_grid.anchors) <= 4
    assert worst_grid_error_ms(found, song) < 15.0


def test_an_inverted_channel_does_not_silence_the_beat() -> None:
    song = music.drum_loop(tempo_bpm=128.0, bars=12)
    inverted = song.samples * np.array([[1.0], [-1.0]], dtype=np.float32)
    assert analyse(inverted).tempo_bpm == 128.0


@pytest.mark.parametrize(("sample_rate_hz", "written_bpm"), [(22_050, 252.0), (48_000, 115.0), (96_000, 58.0)])
def test_the_grid_fits_at_every_sample_rate(sample_rate_hz: int, written_bpm: float) -> None:
    song = music.drum_loop(tempo_bpm=written_bpm, bars=12)
    # The same samples at another rate are the same music, slower or faster.
    stretch = 44_100 / sample_rate_hz
    found = analyse(song.samples, sample_rate_hz=sample_rate_hz)
    assert found.tempo_bpm == pytest.approx(written_bpm / stretch, abs=0.02)
    assert found.beat_grid is not None
    beats_s = np.array([time_s for time_s, _ in found.beat_grid.beats(until_s=float(song.beats_s[-1]) * stretch)])
    assert np.abs(beats_s[:, np.newaxis] - song.beats_s * stretch).min(axis=1).max() < 0.006


def test_music_that_slowly_speeds_up_is_followed_in_pieces() -> None:
    tempos_bpm = np.linspace(120.0, 126.0, 32)
    bars_s = np.concatenate([[0.0], np.cumsum(4 * 60.0 / tempos_bpm)])
    song = music.drums_over(bars_s, style="house")
    found = analyse(song.samples)
    assert found.beat_grid is not None
    assert 2 <= len(found.beat_grid.anchors) <= 12
    assert worst_grid_error_ms(found, song) < 11.0


def bars_of(pattern: list[tuple[str, ...]], *, beat_s: float, bars: int) -> np.ndarray:
    """Play bars whose beats are named hits; hats on every half beat, unless it is a bare click."""
    track = np.zeros(round((bars * len(pattern) * beat_s + 1.0) * 44_100))
    for beat in range(bars * len(pattern)):
        for hit in pattern[beat % len(pattern)]:
            music.place(track, music.one_shot(hit), beat * beat_s, 0.3 if hit in ("hat", "tick") else 0.7)
    return np.tile((0.8 * track / np.abs(track).max()).astype(np.float32), (2, 1))


def downbeats_of(found: TrackAnalysis) -> list[float]:
    assert found.beat_grid is not None
    return [time_s for time_s, beat in found.beat_grid.beats(until_s=found.duration_s - 1.1) if beat == 1]


def test_a_waltz_has_bars_of_three() -> None:
    beat_s = 60.0 / 132.0
    found = analyse(bars_of([("kick", "hat"), ("snare", "hat"), ("snare", "hat")], beat_s=beat_s, bars=24))
    assert found.beat_grid is not None
    assert found.beat_grid.beats_per_bar == 3
    assert downbeats_of(found) == pytest.approx([3 * bar * beat_s for bar in range(24)], abs=0.01)


def test_bars_of_seven_are_found_and_trusted_less() -> None:
    pattern = [
        ("kick", "hat"),
        ("hat",),
        ("snare", "hat"),
        ("kick", "hat"),
        ("hat",),
        ("snare", "hat"),
        ("snare", "hat"),
    ]
    found = analyse(bars_of(pattern, beat_s=60.0 / 140.0, bars=16))
    assert found.beat_grid is not None
    assert found.beat_grid.beats_per_bar == 7
    assert found.beat_grid_confidence <= 0.5


@pytest.mark.parametrize("style", ["house", "breakbeat", "dnb", "hiphop", "halftime"])
def test_four_beats_make_a_bar_where_nothing_else_is_clear(style: str) -> None:
    found = analyse(music.drum_loop(tempo_bpm=128.0, bars=16, style=style).samples)
    assert found.beat_grid is not None
    assert found.beat_grid.beats_per_bar == 4


def test_the_bell_of_a_metronome_begins_its_bars() -> None:
    beat_s = 0.5
    found = analyse(bars_of([("tick",), ("tick",), ("snare",), ("tick",)], beat_s=beat_s, bars=16))
    assert downbeats_of(found)[:3] == pytest.approx([2 * beat_s, 6 * beat_s, 10 * beat_s], abs=0.01)


@pytest.mark.parametrize("tempo_bpm", [70.62, 90.47, 177.21])
def test_every_tick_of_a_metronome_is_a_beat_at_any_tempo(tempo_bpm: float) -> None:
    found = analyse(bars_of([("hat",), ("tick",), ("tick",), ("tick",)], beat_s=60.0 / tempo_bpm, bars=24))
    assert found.tempo_bpm == pytest.approx(tempo_bpm, abs=0.02)


def test_a_snare_on_every_fourth_fast_beat_is_counted_at_half_the_tempo() -> None:
    pattern = [("kick", "hat"), ("hat",), ("snare", "hat"), ("hat",)]
    found = analyse(bars_of(pattern, beat_s=60.0 / 172.0, bars=32))
    assert found.tempo_bpm == pytest.approx(86.0, abs=0.02)


def test_without_the_music_the_memory_of_a_minute_is_small() -> None:
    samples = music.drum_loop(tempo_bpm=128.0, bars=16).samples
    analyser = TrackAnalyser(44_100, 2)
    tracemalloc.start()
    try:
        analyser.feed(samples)
        after_one = tracemalloc.get_traced_memory()[0]
        for _ in range(8):
            analyser.feed(samples)
        grown = tracemalloc.get_traced_memory()[0] - after_one
    finally:
        tracemalloc.stop()
    # 30 s each; the stores grow in chunks of a few hundred kilobytes.
    assert grown < 4 * 1_000_000 * samples.shape[1] * 8 / 44_100 / 60
