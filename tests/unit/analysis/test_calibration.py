"""Confidences follow from evidence, never fall with more of it, and shrink with what is short."""

import itertools

import pytest

from cratehand.analysis import calibration
from cratehand.analysis.calibration import Calibration, confidence, log_odds

SHIPPED = {name: getattr(calibration, name) for name in ("TEMPO", "GRID", "KEY", "SECTIONS")}
COIN = Calibration({"seen": 1.0}, 0.0)


def test_no_evidence_either_way_is_an_even_chance() -> None:
    assert confidence(COIN, {"seen": 0.0}, duration_s=60.0) == 0.5
    assert confidence(COIN, {"seen": 2.0}, duration_s=60.0) == pytest.approx(0.881)


def test_nothing_is_certain() -> None:
    assert confidence(COIN, {"seen": 1e6}, duration_s=60.0) < 1.0
    assert confidence(COIN, {"seen": -1e6}, duration_s=60.0) > 0.0


def test_what_is_short_has_shown_little() -> None:
    assert confidence(COIN, {"seen": 9.0}, duration_s=1.0) < 0.1
    assert confidence(COIN, {"seen": 9.0}, duration_s=0.0) == 0.0


@pytest.mark.parametrize("name", SHIPPED)
def test_more_evidence_never_lowers_a_confidence(name: str) -> None:
    scale = SHIPPED[name]
    for low in itertools.product((0.0, 0.5), repeat=len(scale.weights)):
        evidence = dict(zip(scale.weights, low, strict=True))
        before = confidence(scale, evidence, duration_s=60.0)
        for quantity in evidence:
            assert confidence(scale, {**evidence, quantity: 1.0}, duration_s=60.0) >= before


def test_missing_evidence_is_an_error_and_no_guess() -> None:
    with pytest.raises(KeyError, match="seen"):
        confidence(COIN, {}, duration_s=60.0)


def test_log_odds_are_bounded() -> None:
    assert log_odds(0.5) == 0.0
    assert log_odds(1.0) == -log_odds(0.0) == 5.0
