import numpy as np
import pytest

from tests.bench.truth.statistics import auc, expected_calibration_error, reliability, spearman


def test_auc_is_1_where_positives_stand_above_and_half_where_scores_say_nothing() -> None:
    assert auc([0.1, 0.2, 0.8, 0.9], [False, False, True, True]) == 1.0
    assert auc([0.9, 0.8, 0.2, 0.1], [False, False, True, True]) == 0.0
    assert auc([0.5, 0.5, 0.5, 0.5], [False, True, False, True]) == 0.5


def test_auc_needs_both_kinds() -> None:
    assert auc([0.5, 0.6], [True, True]) is None
    assert auc([], []) is None


def test_spearman_is_about_ranks_alone() -> None:
    assert spearman([1, 2, 3, 4], [1, 10, 100, 1000]) == pytest.approx(1.0)
    assert spearman([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1.0)
    assert spearman([1, 1, 1], [1, 2, 3]) is None


def test_probabilities_that_come_true_have_no_calibration_error() -> None:
    rng = np.random.default_rng(1)
    confidences = rng.uniform(size=50_000)
    right = rng.uniform(size=50_000) < confidences
    error = expected_calibration_error(confidences.tolist(), right.tolist())
    assert error is not None
    assert error < 0.02


def test_certainty_that_is_right_half_the_time_is_off_by_half() -> None:
    assert expected_calibration_error([1.0] * 10, [True, False] * 5) == pytest.approx(0.5)
    assert expected_calibration_error([], []) is None


def test_bins_hold_every_answer_once() -> None:
    bins = reliability([0.0, 0.05, 0.1, 0.99, 1.0], [True, False, True, True, True])
    assert sum(bar.count for bar in bins) == 5
    assert [(bar.low, bar.count) for bar in bins] == [(0.0, 2), (0.1, 1), (0.9, 2)]
    assert bins[0].accuracy == 0.5
