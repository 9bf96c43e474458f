"""Builds are cut off the breaks before them, and not in two."""

import numpy as np

from cratehand.analysis.builds import join_builds, split_builds, swell

RISE = 0.5 + np.linspace(0.0, 1.0, 8) ** 1.3
FLAT = np.tile((0.5, 0.6, 0.55, 0.5), 2)
FULL, AWAY = np.full(8, 0.9), np.full(8, 0.1)


def bars(*edges: int) -> np.ndarray:
    return np.array(edges, dtype=np.intp)


def test_a_build_is_cut_off_the_break_before_it() -> None:
    treble, low = np.concatenate([FLAT + 0.5, FLAT, RISE, FLAT + 0.5]), np.concatenate([FULL, AWAY, AWAY, FULL])
    assert split_builds(bars(0, 8, 24, 32), treble, low).tolist() == [0, 8, 16, 24, 32]


def test_a_break_that_does_not_swell_stays_whole() -> None:
    treble, low = np.concatenate([FLAT + 0.5, FLAT, FLAT, FLAT + 0.5]), np.concatenate([FULL, AWAY, AWAY, FULL])
    assert split_builds(bars(0, 8, 24, 32), treble, low).tolist() == [0, 8, 24, 32]


def test_a_build_as_long_as_its_stretch_is_not_cut() -> None:
    treble, low = np.concatenate([FLAT, RISE, FLAT]), np.concatenate([FULL, AWAY, FULL])
    assert split_builds(bars(0, 8, 16, 24), treble, low).tolist() == [0, 8, 16, 24]


def test_what_swells_while_kick_and_bass_play_is_no_build() -> None:
    treble, low = np.concatenate([FLAT, FLAT, RISE, FLAT]), np.concatenate([FULL, FULL, FULL, FULL])
    assert split_builds(bars(0, 8, 24, 32), treble, low).tolist() == [0, 8, 24, 32]


def test_the_two_halves_of_a_build_are_joined() -> None:
    treble, low = np.concatenate([FLAT, RISE, FLAT]), np.concatenate([FULL, AWAY, FULL])
    assert join_builds(bars(0, 8, 12, 16, 24), treble, low).tolist() == [0, 8, 16, 24]


def test_a_break_and_its_build_are_not_joined() -> None:
    treble = np.concatenate([FLAT, FLAT[:4], RISE[::2], FLAT])
    low = np.concatenate([FULL, AWAY, FULL])
    assert join_builds(bars(0, 8, 12, 16, 24), treble, low).tolist() == [0, 8, 12, 16, 24]


def test_a_swell_is_told_by_ratio_and_silence_does_not_swell() -> None:
    assert swell(RISE) == swell(7.0 * RISE) > 0.2
    assert swell(np.zeros(8)) == 0.0


def test_stretches_of_one_bar_are_no_builds() -> None:
    treble, low = np.array([1.0, 2.0, 1.0, 2.0]), np.array([0.9, 0.1, 0.1, 0.9])
    with np.errstate(all="raise"):
        assert join_builds(bars(0, 1, 2, 3, 4), treble, low).size <= 5
