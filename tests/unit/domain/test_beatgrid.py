"""The beat grid."""

import math
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.errors import InvalidInputError

tempos = st.floats(min_value=40.0, max_value=220.0)


def constant(tempo_bpm: float, *, start_s: float = 0.0, beat_in_bar: int = 1) -> BeatGrid:
    return BeatGrid(anchors=(GridAnchor(start_s=start_s, tempo_bpm=tempo_bpm, beat_in_bar=beat_in_bar),))


def beats(grid: BeatGrid) -> set[float]:
    return {round(time_s, 4) for time_s, _ in grid.beats(until_s=20.0)}


def downbeats(grid: BeatGrid) -> set[float]:
    return {round(time_s, 4) for time_s, beat in grid.beats(until_s=20.0) if beat == 1}


def test_a_constant_grid_counts_beats_and_bars_from_its_anchor() -> None:
    found = list(constant(120.0).beats(until_s=2.6))
    assert found == [(0.0, 1), (0.5, 2), (1.0, 3), (1.5, 4), (2.0, 1), (2.5, 2)]


def test_the_first_tempo_is_carried_back_to_the_start() -> None:
    found = list(constant(120.0, start_s=1.25).beats(until_s=2.0))
    assert found == [(0.25, 3), (0.75, 4), (1.25, 1), (1.75, 2)]


@given(tempo_bpm=tempos, steps=st.integers(min_value=0, max_value=400))
def test_an_anchor_whole_beats_after_the_start_has_a_beat_at_zero(tempo_bpm: float, steps: int) -> None:
    anchor = GridAnchor(start_s=steps * 60.0 / tempo_bpm, tempo_bpm=tempo_bpm)
    time_s, beat_in_bar = next(BeatGrid(anchors=(anchor,)).beats(until_s=1000.0))
    assert time_s == pytest.approx(0.0, abs=1e-6)
    assert beat_in_bar == (-steps) % 4 + 1


@given(tempo_bpm=tempos, start_s=st.floats(min_value=-30.0, max_value=30.0), until_s=st.floats(0.0, 120.0))
def test_beats_of_a_constant_grid_fill_the_whole_time_without_a_gap(
    tempo_bpm: float, start_s: float, until_s: float
) -> None:
    beats = [time_s for time_s, _ in constant(tempo_bpm, start_s=start_s).beats(until_s=until_s)]
    beat_s = 60.0 / tempo_bpm
    assert all(0.0 <= time_s < until_s for time_s in beats)
    assert all(later - earlier == pytest.approx(beat_s, abs=1e-6) for earlier, later in pairwise(beats))
    if until_s > beat_s:
        assert beats[0] < beat_s + 1e-6
        assert until_s - beats[-1] <= beat_s + 1e-6


def test_the_last_beat_before_the_end_is_not_lost() -> None:
    # 0.004 s before the end: less than a hundredth of a beat.
    assert [time_s for time_s, _ in constant(120.0).beats(until_s=1.004)] == [0.0, 0.5, 1.0]


def test_a_beat_just_before_the_next_anchor_is_that_anchors_own() -> None:
    grid = BeatGrid(anchors=(GridAnchor(start_s=0.0, tempo_bpm=120.0), GridAnchor(start_s=2.001, tempo_bpm=60.0)))
    assert [time_s for time_s, _ in grid.beats(until_s=4.5)] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.001, 3.001, 4.001])


def test_no_beat_lies_before_the_start_even_where_several_anchors_do() -> None:
    grid = BeatGrid(
        anchors=(GridAnchor(start_s=-3.0, tempo_bpm=120.0), GridAnchor(start_s=-1.0, tempo_bpm=60.0, beat_in_bar=2))
    )
    assert list(grid.beats(until_s=2.5)) == [(0.0, 3), (1.0, 4), (2.0, 1)]


def test_beats_are_made_one_after_another() -> None:
    assert len(list(islice(constant(120.0).beats(until_s=math.inf), 10))) == 10


def test_the_anchor_before_a_time_rules_it() -> None:
    grid = BeatGrid(anchors=(GridAnchor(start_s=1.0, tempo_bpm=120.0), GridAnchor(start_s=9.0, tempo_bpm=124.0)))
    assert [grid.anchor_at(time_s).tempo_bpm for time_s in (0.0, 1.0, 8.99, 9.0, 99.0)] == [120, 120, 120, 124, 124]


def test_the_main_tempo_is_that_of_the_longest_bounded_piece() -> None:
    grid = BeatGrid(
        anchors=(
            GridAnchor(start_s=0.0, tempo_bpm=120.0),
            GridAnchor(start_s=10.0, tempo_bpm=128.0),
            GridAnchor(start_s=200.0, tempo_bpm=90.0),
        )
    )
    assert grid.main_tempo_bpm == 128.0
    assert not grid.is_constant
    assert constant(99.0).main_tempo_bpm == 99.0


@given(offset_s=st.floats(-5.0, 5.0), tempo_bpm=tempos)
def test_shifting_there_and_back_is_the_same_grid(offset_s: float, tempo_bpm: float) -> None:
    grid = constant(tempo_bpm, start_s=10.0)
    back = grid.shifted(offset_s).shifted(-offset_s)
    assert back.anchors[0].start_s == pytest.approx(10.0)
    assert back.beats_per_bar == grid.beats_per_bar


def test_doubling_and_halving_keep_the_downbeats() -> None:
    slow = constant(87.0, start_s=0.5, beat_in_bar=3)
    doubled = slow.scaled(2.0)
    assert doubled.anchors == (GridAnchor(start_s=0.5, tempo_bpm=174.0, beat_in_bar=1),)
    assert downbeats(slow) <= downbeats(doubled)
    fast = constant(174.0, start_s=0.5, beat_in_bar=2)
    halved = fast.scaled(0.5)
    assert halved.anchors[0].tempo_bpm == 87.0
    assert downbeats(halved) <= downbeats(fast)
    assert beats(halved) <= beats(fast)


def test_a_grid_is_doubled_or_halved_and_nothing_else() -> None:
    with pytest.raises(InvalidInputError, match="doubled or halved"):
        constant(120.0, start_s=0.0).scaled(1.5)


@pytest.mark.parametrize("tempo_bpm", [0.0, -1.0, math.nan, math.inf])
def test_a_tempo_that_is_none_is_refused(tempo_bpm: float) -> None:
    with pytest.raises(InvalidInputError, match="tempo"):
        GridAnchor(start_s=0.0, tempo_bpm=tempo_bpm)


@pytest.mark.parametrize("start_s", [math.nan, math.inf, -math.inf])
def test_an_anchor_without_a_time_is_refused(start_s: float) -> None:
    with pytest.raises(InvalidInputError, match="time"):
        GridAnchor(start_s=start_s, tempo_bpm=120.0)


def test_grids_that_are_none_are_refused() -> None:
    anchor = GridAnchor(start_s=1.0, tempo_bpm=120.0)
    with pytest.raises(InvalidInputError, match="at least one anchor"):
        BeatGrid(anchors=())
    with pytest.raises(InvalidInputError, match="ascend"):
        BeatGrid(anchors=(anchor, anchor))
    with pytest.raises(InvalidInputError, match="at least one beat"):
        BeatGrid(anchors=(anchor,), beats_per_bar=0)
    with pytest.raises(InvalidInputError, match="counted from 1"):
        GridAnchor(start_s=0.0, tempo_bpm=120.0, beat_in_bar=0)
