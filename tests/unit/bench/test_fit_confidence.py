"""Fitting recovers chances that are known, and never gives evidence a negative weight."""

import numpy as np

from tests.bench.fit_confidence import Case, fit, source, told
from tests.bench.truth.statistics import expected_calibration_error


def drawn(count: int, seed: int) -> list[Case]:
    """Answers that are right as often as a logistic function of the first quantity says; the second misleads."""
    rng = np.random.default_rng(seed)
    cases = []
    for number in range(count):
        lead, noise = rng.normal(0.5, 1.0), rng.normal()
        right = bool(rng.random() < 1.0 / (1.0 + np.exp(-(2.0 * lead - 0.5))))
        evidence = {"lead": float(lead), "misleading": float(noise - 0.5 * right)}
        cases.append(Case(name=str(number), field="key", evidence=evidence, duration_s=60.0, right=right))
    return cases


def test_the_chances_of_unseen_cases_come_true() -> None:
    scale = fit(drawn(1500, 1), ["lead"])
    assert abs(scale.weights["lead"] - 2.0) < 0.3
    values, flags = told(drawn(1500, 2), scale)
    error = expected_calibration_error(values, flags)
    assert error is not None
    assert error < 0.04


def test_what_speaks_against_gets_no_weight() -> None:
    assert fit(drawn(500, 1), ["lead", "misleading"]).weights["misleading"] == 0.0


def test_constants_are_written_as_python_reads_them() -> None:
    scale = fit(drawn(200, 1), ["lead"])
    from cratehand.analysis.calibration import Calibration

    found: dict[str, object] = {"Final": object, "Calibration": Calibration}
    exec(source("key", scale), found)
    assert found["KEY"] == scale
