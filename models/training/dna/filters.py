"""Which features are kept, on which scale, and how much each group weighs: variance, correlation, use to a DJ."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

DJ_WEIGHTS: Final = {"signal": 0.4, "timbre": 1.0, "rhythm": 1.2, "harmony": 1.1, "energy": 1.0, "structure": 0.5}
"""What counts in a mix counts more: how a track grooves and in which key it is, before how it was mastered."""
LEAST_VARIANCE: Final = 1e-10
"""Relative to the squared mean; what varies less is a constant."""
MOST_CORRELATED: Final = 0.95
LIMIT: Final = 4.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scale:
    """How raw features become inputs: ``clip((x[kept] - mean) / spread, -4, 4) * weight``."""

    kept: npt.NDArray[np.intp]
    mean: Floats
    spread: Floats
    weight: Floats
    varying: int
    """How many features were left by the variance filter alone."""

    def __call__(self, features: Floats) -> Floats:
        """Return the inputs, ``(..., kept)``."""
        standard = np.clip((features[..., self.kept] - self.mean) / self.spread, -LIMIT, LIMIT)
        return np.asarray(standard * self.weight)


def fit_scale(features: Floats, groups: Sequence[str], *, left_out: Sequence[int] = ()) -> Scale:
    """Choose features and fit their scale.

    Args:
        features: ``(rows, features)`` of the training tracks.
        groups: The group of each feature, keys of `DJ_WEIGHTS`.
        left_out: Features that are never chosen.

    Returns:
        The scale; of features that correlate by `MOST_CORRELATED` or more, that of the weightiest group stays, and in
        a group the first.
    """
    mean, variance = features.mean(axis=0), features.var(axis=0)
    varying = np.flatnonzero(variance > LEAST_VARIANCE * np.maximum(mean**2, 1e-6))
    varying = varying[~np.isin(varying, left_out)]
    weights = np.array([DJ_WEIGHTS[group] for group in groups])
    standard = np.clip((features - mean) / np.sqrt(np.maximum(variance, 1e-30)), -LIMIT, LIMIT)
    order = varying[np.argsort(-weights[varying], kind="stable")]
    kept = np.sort(order[uncorrelated(standard[:, order])])
    spread = np.sqrt(variance[kept])
    return Scale(kept=kept, mean=mean[kept], spread=spread, weight=weights[kept], varying=varying.size)


def uncorrelated(columns: Floats, most: float = MOST_CORRELATED) -> npt.NDArray[np.intp]:
    """Return the columns, first come first kept, that correlate with no kept one by `most` or more."""
    off = columns - columns.mean(axis=0)
    unit = off / np.maximum(np.linalg.norm(off, axis=0), 1e-12)
    likeness = np.abs(unit.T @ unit)
    kept: list[int] = []
    for column in range(columns.shape[1]):
        if not kept or likeness[column, kept].max() < most:
            kept.append(column)
    return np.array(kept, dtype=np.intp)
