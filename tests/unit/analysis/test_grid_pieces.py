"""Straight pieces over beat times: as few as stay within 10 ms."""

import itertools

import numpy as np
import pytest

from cratehand.analysis.grid_pieces import Floats, Piece, fit_pieces


def after_each(tempos_bpm: Floats) -> Floats:
    return np.concatenate([[0.0], np.cumsum(60.0 / tempos_bpm)])


def farthest_ms(pieces: tuple[Piece, ...], beats_s: Floats) -> float:
    lines = [piece.start_s + piece.beat_s * np.arange(piece.beats) for piece in pieces]
    return float(np.abs(np.concatenate(lines) - beats_s).max() * 1000.0)


def measured(beats_s: Floats, *, error_s: float = 0.001) -> Floats:
    return np.asarray(
        beats_s + np.clip(error_s * np.random.default_rng(3).standard_normal(beats_s.size), -0.003, 0.003)
    )


def test_one_tempo_is_one_piece() -> None:
    pieces = fit_pieces(measured(after_each(np.full(600, 127.3))))
    assert len(pieces) == 1
    assert 60.0 / pieces[0].beat_s == pytest.approx(127.3, abs=0.003)


def test_a_ramp_gets_few_pieces_within_ten_milliseconds() -> None:
    beats_s = after_each(np.linspace(120.0, 130.0, 240))
    pieces = fit_pieces(measured(beats_s))
    # A parabola of this bend stays within 6.8 ms of a line for about 25 beats.
    assert 7 <= len(pieces) <= 14
    assert farthest_ms(pieces, beats_s) < 10.0


@pytest.mark.parametrize("second_bpm", [122.0, 126.0, 140.0, 98.0])
def test_a_jump_is_found_within_one_beat(second_bpm: float) -> None:
    beats_s = after_each(np.concatenate([np.full(112, 120.0), np.full(96, second_bpm)]))
    pieces = fit_pieces(measured(beats_s))
    assert len(pieces) == 2
    assert abs(pieces[1].first_beat - 112) <= 1
    assert farthest_ms(pieces, beats_s) < 5.0


def test_pieces_meet_where_one_ends_and_the_next_begins() -> None:
    pieces = fit_pieces(measured(after_each(np.linspace(90.0, 97.0, 160))))
    for piece, following in itertools.pairwise(pieces):
        assert piece.start_s + piece.beats * piece.beat_s == pytest.approx(following.start_s, abs=1e-9)


def test_an_edit_that_leaps_breaks_the_line() -> None:
    steady = after_each(np.full(200, 125.0))
    steady[100:] += 0.2
    pieces = fit_pieces(steady)
    assert [piece.first_beat for piece in pieces] == [0, 100]
    assert [60.0 / piece.beat_s for piece in pieces] == pytest.approx([125.0, 125.0])


def test_beats_that_are_not_sure_bend_nothing() -> None:
    beats_s = after_each(np.full(200, 118.0))
    heard = beats_s.copy()
    heard[[20, 90, 91, 150]] += 0.015
    sure = heard == beats_s
    assert len(fit_pieces(heard, sure)) == 1
    assert farthest_ms(fit_pieces(heard, sure), beats_s) < 1.0


@pytest.mark.parametrize("beats", [2, 3, 5, 9])
def test_a_handful_of_beats_is_laid_too(beats: int) -> None:
    pieces = fit_pieces(after_each(np.full(beats - 1, 100.0)))
    assert sum(piece.beats for piece in pieces) == beats
