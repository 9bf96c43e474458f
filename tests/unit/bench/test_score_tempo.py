import numpy as np
import pytest

from tests.bench.truth.score_tempo import (
    beat_readings,
    f_measure,
    grid_errors_ms,
    tempo_exact,
    tempo_octave_free,
    tempo_within,
)


def beats(tempo_bpm: float, count: int, *, start_s: float = 0.0) -> list[float]:
    return (start_s + np.arange(count) * 60.0 / tempo_bpm).tolist()


def test_a_tempo_is_exact_up_to_a_twentieth_of_a_bpm() -> None:
    assert tempo_exact(127.48, 127.43)
    assert not tempo_exact(127.49, 127.43)
    assert not tempo_exact(None, 127.43)


def test_a_second_right_octave_counts_as_exact_and_others_do_not() -> None:
    assert tempo_exact(87.0, 174.0, 87.0)
    assert not tempo_exact(87.0, 174.0)


@pytest.mark.parametrize("said", [64.0, 128.0, 256.0, 32.01])
def test_octaves_are_free(said: float) -> None:
    assert tempo_octave_free(said, 128.0)


@pytest.mark.parametrize("said", [85.33, 96.0, 128.06, 0.0, None])
def test_thirds_and_near_misses_are_no_octaves(said: float | None) -> None:
    assert not tempo_octave_free(said, 128.0)


def test_within_is_a_share_of_the_tempo() -> None:
    assert tempo_within(124.0, 128.0, None)
    assert not tempo_within(122.0, 128.0, None)
    assert tempo_within(61.5, 128.0, 64.0)


def test_right_beats_have_f_1_and_none_have_0() -> None:
    true = beats(120.0, 100)
    assert f_measure(true, true) == 1.0
    assert f_measure([], true) == 0.0
    assert f_measure([], []) == 1.0


def test_half_of_the_beats_have_f_two_thirds() -> None:
    true = beats(120.0, 100)
    assert f_measure(true[::2], true) == pytest.approx(2 / 3)


def test_beats_off_by_more_than_the_window_are_misses() -> None:
    true = beats(120.0, 100, start_s=1.0)
    assert f_measure([at + 0.069 for at in true], true) > 0.99
    assert f_measure([at + 0.09 for at in true], true) == 0.0


def test_a_beat_matches_one_other_at_most() -> None:
    assert f_measure([1.0, 1.01, 1.02], [1.01]) == pytest.approx(2 * 1 / 4)


def test_a_grid_in_the_silence_before_and_after_costs_nothing() -> None:
    true = beats(120.0, 100, start_s=10.0)
    assert f_measure(beats(120.0, 200), true) == 1.0


def test_a_track_of_two_right_octaves_has_readings_of_both() -> None:
    true, downbeats = beats(140.0, 64), beats(35.0, 16)
    halved = [reading for reading, _ in beat_readings(true, downbeats, 0.5)]
    assert true in halved
    assert true[::2] in halved
    doubled = beat_readings(true, downbeats, 2.0)[1][0]
    assert f_measure(beats(280.0, 127), doubled) == 1.0
    assert beat_readings(true, downbeats, None) == [(true, downbeats)]


def test_a_grid_that_drifts_is_right_in_the_first_minute_and_wrong_in_the_last() -> None:
    true = beats(128.0, 640, start_s=0.4)
    errors = grid_errors_ms(beats(128.02, 640, start_s=0.4), true)
    assert errors is not None
    assert errors[0] < 10.0 < errors[1]


def test_a_grid_at_half_or_double_tempo_in_phase_has_no_error() -> None:
    true = beats(128.0, 400)
    for said in (beats(64.0, 200), beats(256.0, 799)):
        errors = grid_errors_ms(said, true)
        assert errors is not None
        assert max(errors) < 0.01


def test_a_grid_on_the_offbeat_is_wrong_by_half_a_beat() -> None:
    errors = grid_errors_ms(beats(120.0, 399, start_s=0.25), beats(120.0, 400))
    assert errors is not None
    assert errors[0] == pytest.approx(250.0)


def test_hardly_any_beats_have_no_grid_error() -> None:
    assert grid_errors_ms([1.0, 2.0], beats(120.0, 100)) is None
    assert grid_errors_ms(beats(120.0, 30), beats(120.0, 400)) is None
