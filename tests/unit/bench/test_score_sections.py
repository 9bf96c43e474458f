import pytest

from tests.bench.truth.score_sections import boundary_f, found, label_agreement

TRUE = [(0.0, 16.0, "intro"), (16.0, 48.0, "verse"), (48.0, 80.0, "drop"), (80.0, 96.0, "outro")]


def test_right_boundaries_have_f_1() -> None:
    assert boundary_f(TRUE, TRUE, window_s=0.5) == 1.0


def test_a_missing_and_a_spare_boundary_cost_alike() -> None:
    missing = [(0.0, 16.0, "intro"), (16.0, 80.0, "drop"), (80.0, 96.0, "outro")]
    assert boundary_f(missing, TRUE, window_s=0.5) == pytest.approx(2 * 2 / 5)
    spare = [*TRUE[:3], (80.0, 88.0, "break"), (88.0, 96.0, "outro")]
    assert boundary_f(spare, TRUE, window_s=0.5) == pytest.approx(2 * 3 / 7)


def test_a_boundary_off_by_more_than_the_window_is_wrong_twice() -> None:
    late = [(0.0, 17.0, "intro"), (17.0, 48.0, "verse"), *TRUE[2:]]
    assert boundary_f(late, TRUE, window_s=0.5) == pytest.approx(2 * 2 / 6)


def test_where_a_layer_enters_a_boundary_is_neither_right_nor_wrong() -> None:
    spare = [TRUE[0], (16.0, 32.0, "verse"), (32.0, 48.0, "build"), *TRUE[2:]]
    assert boundary_f(spare, TRUE, window_s=0.5, neutral_s=[32.0]) == 1.0


def test_the_ends_of_the_track_are_no_boundaries() -> None:
    said = [(0.0, 1.0, "intro"), (1.0, 16.0, "intro"), *TRUE[1:], (96.0, 98.0, "outro")]
    assert boundary_f(said, TRUE, window_s=0.5) == 1.0


def test_nothing_said_has_f_0() -> None:
    assert boundary_f([], TRUE, window_s=0.5) == 0.0


def test_labels_agree_by_time() -> None:
    said = [(0.0, 48.0, "verse"), (48.0, 96.0, "drop")]
    assert label_agreement(said, TRUE) == pytest.approx((32 + 32) / 96)


def test_a_drop_is_found_by_section_or_cue() -> None:
    assert found("drop", TRUE, [], TRUE, window_s=0.5) == (1, 1)
    assert found("drop", [], [(48.2, "drop")], TRUE, window_s=0.5) == (1, 1)
    assert found("drop", [], [(50.0, "drop"), (48.2, "break")], TRUE, window_s=0.5) == (0, 1)
