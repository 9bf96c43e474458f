"""Area under the ROC curve, rank correlation, expected calibration error. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata


def auc(scores: Sequence[float], positive: Sequence[bool]) -> float | None:
    """Return the probability that a positive scores above a negative, ties counting half; None without both kinds."""
    flags = np.asarray(positive, dtype=bool)
    if not flags.any() or flags.all():
        return None
    ranks = rankdata(scores)
    positives = int(flags.sum())
    negatives = flags.size - positives
    return float((ranks[flags].sum() - positives * (positives + 1) / 2.0) / (positives * negatives))


def spearman(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation; None where a side does not vary or has fewer than 3 values."""
    if len(one) < 3 or len(set(one)) < 2 or len(set(other)) < 2:
        return None
    return float(np.corrcoef(rankdata(one), rankdata(other))[0, 1])


@dataclass(frozen=True, kw_only=True)
class Bin:
    """One bar of a reliability plot."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def reliability(confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10) -> list[Bin]:
    """Sort answers into equally wide bins of confidence; empty ones are left out."""
    values, flags = np.clip(np.asarray(confidences, dtype=float), 0.0, 1.0), np.asarray(right, dtype=float)
    numbers = np.minimum((values * bins).astype(int), bins - 1)
    return [
        Bin(
            low=number / bins,
            high=(number + 1) / bins,
            count=int((numbers == number).sum()),
            confidence=float(values[numbers == number].mean()),
            accuracy=float(flags[numbers == number].mean()),
        )
        for number in range(bins)
        if (numbers == number).any()
    ]


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], *, bins: int = 10) -> float | None:
    """Return the mean gap between confidence and accuracy over bins, weighted by their counts (Naeini et al., 2015)."""
    if not len(confidences):
        return None
    table = reliability(confidences, right, bins=bins)
    return sum(bar.count * abs(bar.confidence - bar.accuracy) for bar in table) / len(confidences)


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return a quantile, None of nothing."""
    return float(np.quantile(values, share)) if len(values) else None
