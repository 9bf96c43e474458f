"""How far two sources agree on the sections of a track."""

import pytest

from cratehand.domain.structure import Section, SectionLabel, compare_sections


def sections(*starts: tuple[float, SectionLabel], end_s: float = 100.0) -> tuple[Section, ...]:
    edges_s = [*(start_s for start_s, _ in starts), end_s]
    return tuple(
        Section(start_s=start_s, end_s=stop_s, label=label)
        for (start_s, label), stop_s in zip(starts, edges_s[1:], strict=True)
    )


OURS = sections((0.0, SectionLabel.INTRO), (30.0, SectionLabel.DROP), (60.0, SectionLabel.BREAK))


def test_a_source_agrees_with_itself() -> None:
    agreement = compare_sections(OURS, OURS)
    assert agreement is not None
    assert agreement.borders_f == 1.0
    assert agreement.same_label_share == 1.0


def test_borders_half_a_second_apart_are_the_same_and_one_further_off_is_not() -> None:
    theirs = sections((0.0, SectionLabel.INTRO), (30.4, SectionLabel.VERSE), (61.0, SectionLabel.BREAK))
    agreement = compare_sections(OURS, theirs)
    assert agreement is not None
    assert agreement.borders_f == pytest.approx(0.5)
    # The intro up to 30 s and the break from 61 s on.
    assert agreement.same_label_share == pytest.approx(0.69)


def test_one_border_is_met_by_one_other_only() -> None:
    theirs = sections((0.0, SectionLabel.INTRO), (29.8, SectionLabel.DROP), (30.2, SectionLabel.DROP))
    agreement = compare_sections(OURS, theirs)
    assert agreement is not None
    assert agreement.borders_f == pytest.approx(0.5)


def test_one_section_each_has_no_borders_to_disagree_on() -> None:
    whole = sections((0.0, SectionLabel.VERSE))
    agreement = compare_sections(whole, whole)
    assert agreement is not None
    assert agreement.borders_f == 1.0


def test_nothing_is_compared_with_a_source_that_says_nothing() -> None:
    assert compare_sections(OURS, ()) is None
    assert compare_sections((), OURS) is None
