"""Rows over time, told in a few numbers for each column."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

STATISTICS: Final = ("mean", "spread", "low", "middle", "high", "skew", "change", "memory")
"""What `summarise` says of a column:

mean, spread       and standard deviation over time
low, middle, high  10, 50 and 90 % of the time are under it
skew               third standardised moment, -8 ... 8
change             mean step from row to row, without its sign
memory             correlation of each row with the next, -1 ... 1
"""
_STILL: Final = 1e-9
_MOST_SKEWED: Final = 8.0


def summary_names(columns: Sequence[str], statistics: Sequence[str] = STATISTICS) -> tuple[str, ...]:
    """Return the names of what `summarise` returns: all columns of the first statistic first."""
    return tuple(f"{column} {statistic}" for statistic in statistics for column in columns)


def summarise(rows: npt.NDArray[np.floating], statistics: Sequence[str] = STATISTICS) -> Floats:
    """Return the statistics of each column.

    Args:
        rows: ``(rows, columns)``, finite.
        statistics: Of `STATISTICS`.

    Returns:
        float64 ``(len(statistics) * columns,)``, as `summary_names` names them; zeros where there is no row.
    """
    if len(rows) == 0:
        return np.zeros(len(statistics) * rows.shape[1])
    exact = np.asarray(rows, dtype=np.float64)
    mean = exact.mean(axis=0)
    off = exact - mean
    squares = off * off
    spread = np.sqrt(squares.mean(axis=0))
    steady = np.maximum(spread, _STILL)
    steps = np.diff(exact, axis=0)
    few = len(exact) < 2
    found = {"mean": mean, "spread": spread}
    if not {"low", "middle", "high"}.isdisjoint(statistics):
        found |= zip(("low", "middle", "high"), _quantiles(exact), strict=True)
    moving = spread > _STILL
    found["skew"] = np.clip((squares * off).mean(axis=0) / steady**3, -_MOST_SKEWED, _MOST_SKEWED) * moving
    found["change"] = np.zeros_like(mean) if few else np.abs(steps).mean(axis=0)
    found["memory"] = np.zeros_like(mean) if few else (off[1:] * off[:-1]).mean(axis=0) / steady**2 * moving
    return np.concatenate([found[statistic] for statistic in statistics])


def _quantiles(rows: Floats) -> list[Floats]:
    """Return 10, 50 and 90 % of each column: the values at those places, not between two of them."""
    places = [round(share * (len(rows) - 1)) for share in (0.1, 0.5, 0.9)]
    # Columns that lie in one piece of memory are sorted several times faster.
    ordered = np.partition(np.ascontiguousarray(rows.T), sorted(set(places)), axis=1)
    return [ordered[:, place] for place in places]


def pair_names(columns: Sequence[str]) -> tuple[str, ...]:
    """Return the names of what `correlations` returns."""
    count = len(columns)
    return tuple(f"{columns[one]} with {columns[other]}" for one in range(count) for other in range(one + 1, count))


def correlations(rows: npt.NDArray[np.floating]) -> Floats:
    """Return how each pair of columns moves together, -1 ... 1; 0 where one of them stands still."""
    columns = rows.shape[1]
    upper = np.triu_indices(columns, 1)
    if len(rows) < 2:
        return np.zeros(upper[0].size)
    off = np.asarray(rows, dtype=np.float64)
    off = off - off.mean(axis=0)
    spread = off.std(axis=0)
    together = off.T @ off / len(off) / np.maximum(np.outer(spread, spread), _STILL)
    return np.asarray(np.clip(together[upper], -1.0, 1.0))
