"""From evidence to confidence: how often an answer with this evidence was right.

Every field has its quantities of evidence and a logistic function of them; no weight is negative, so more of any
evidence never lowers a confidence. The constants come from ``python -m tests.bench.fit_confidence --write``, which
tells what they were fitted on and how far from the truth they are on sound that was not used.

One thing is not fitted but certain: what lasts less than ten seconds has shown little, and its confidence shrinks with
its length.
"""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

_ENOUGH_S: Final = 10.0
_FURTHEST: Final = 5.0
"""Bound of a logit: nothing heard is surer than 99.3 %."""

Evidence = Mapping[str, float]
"""Quantities by name, each growing with certainty."""


class Calibration(NamedTuple):
    """Logistic function of named quantities."""

    weights: dict[str, float]
    bias: float


def confidence(scale: Calibration, evidence: Evidence, *, duration_s: float) -> float:
    """Return the chance 0 ... 1 that an answer with this evidence is right, to three decimals.

    Args:
        scale: One of the constants of this module.
        evidence: Must have every quantity of the scale; others are ignored.
        duration_s: Of the sound that was heard.
    """
    logit = scale.bias + sum(weight * evidence[name] for name, weight in scale.weights.items())
    chance = 1.0 / (1.0 + math.exp(-min(max(logit, -_FURTHEST), _FURTHEST)))
    return round(chance * min(duration_s / _ENOUGH_S, 1.0), 3)


def log_odds(share: float) -> float:
    """Return the logarithm of the odds of a share 0 ... 1, at most 5 away from 0."""
    bounded = min(max(share, 1e-6), 1.0 - 1e-6)
    return min(max(math.log(bounded / (1.0 - bounded)), -_FURTHEST), _FURTHEST)


# Constants, written by tests/bench/fit_confidence.py

TEMPO: Final = Calibration({"pulse": 0.725, "fit": 6.878, "octave": 2.766}, -5.614)
GRID: Final = Calibration({"pulse": 3.132, "fit": 0.712, "phase": 5.956, "bars": 2.335}, -8.095)
KEY: Final = Calibration({"lead": 1.059, "fits": 0.0, "length": 0.981}, -0.645)
SECTIONS: Final = Calibration({"gain": 16.042, "grid": 0.0, "bars": 6.093}, -17.627)
