"""Everything with a place in time moves; nothing begins before the file does."""

import pytest

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.structure import Section, SectionLabel
from cratehand.domain.time_shift import shifted_time_s, shifted_value


def grid(*anchors: tuple[float, float, int]) -> BeatGrid:
    return BeatGrid(anchors=tuple(GridAnchor(start_s=s, tempo_bpm=t, beat_in_bar=b) for s, t, b in anchors))


def test_a_grid_moves_with_its_beats() -> None:
    before = grid((0.5, 120.0, 1))
    assert shifted_value(before, 0.25) == grid((0.75, 120.0, 1))


def test_an_anchor_before_the_file_goes_on_to_its_first_beat_inside() -> None:
    moved = shifted_value(grid((0.1, 120.0, 1), (60.0, 128.0, 1)), -0.2)
    assert isinstance(moved, BeatGrid)
    assert moved.anchors[0].start_s == pytest.approx(0.4)
    assert moved.anchors[0].beat_in_bar == 2
    assert moved.anchors[1].start_s == pytest.approx(59.8)


def test_sections_move_and_one_that_is_cut_away_is_gone() -> None:
    sections = (
        Section(start_s=0.0, end_s=0.1, label=SectionLabel.INTRO),
        Section(start_s=0.1, end_s=9.0, label=SectionLabel.DROP),
    )
    assert shifted_value(sections, -0.5) == (Section(start_s=0.0, end_s=8.5, label=SectionLabel.DROP),)


def test_a_time_never_goes_below_the_beginning() -> None:
    assert shifted_time_s(0.01, -0.5) == 0.0
    assert shifted_time_s(1.0, 0.5) == 1.5
