"""A ridge regression from the numbers of `cratehand.analysis.layer_windows` to how many parts play at once.

The constants come from ``python -m tests.bench.fit_energy``, which tells what they were fitted on, and how they do on
other draws.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_FURTHEST: Final = 3.0
"""In standard deviations: real music may lie outside of what was learnt from; no one number decides."""


def count_parts(windows: Floats) -> float | None:
    """Return about how many parts play at once, the mean over the windows; None where there are none.

    Args:
        windows: As `cratehand.analysis.layer_windows.describe_layers` returns them, ``(windows, numbers)``.
    """
    return float(parts_of(windows).mean()) if len(windows) else None


def parts_of(windows: Floats) -> Floats:
    """Return about how many parts play in each window, ``(windows,)``."""
    standard = np.clip((windows - np.asarray(_CENTRE)) / np.asarray(_SPREAD), -_FURTHEST, _FURTHEST)
    return np.asarray(standard @ np.asarray(_WEIGHTS) + _MEAN)


# Constants, written by tests/bench/fit_energy.py

_CENTRE: Final = (
    0.3564, 0.7983, 0.9109, 0.85, 0.5193, 0.6682, 0.7446, 0.4641, 0.4775, 0.2304, 0.1197, 0.543, 0.4089, 0.4646,
    9.238, 9.368, 7.08, 5.928, 0.2142, 0.3624, 0.1984, 0.1854, 0.3925, 0.4096, 0.7254,
)  # fmt: skip
_SPREAD: Final = (
    0.2342, 0.2652, 0.08487, 0.2347, 0.3304, 0.1979, 0.2111, 0.1517, 0.169, 0.09331, 0.04334, 0.3766, 0.3813,
    0.3332, 4.491, 4.263, 2.572, 2.403, 0.09848, 0.06813, 0.04259, 0.07878, 0.1256, 0.1715, 0.2792,
)  # fmt: skip
_WEIGHTS: Final = (
    0.01219, 0.4784, 0.8597, -0.119, 0.1424, 1.028, 0.4573, -1.269, -0.1105, 1.888, -0.7923, 0.6909, -0.5101,
    -0.9, 0.03, -0.02321, 0.0203, -0.05515, -0.4518, -0.08295, -0.2606, 0.1999, -0.3529, -0.04947, 0.5794,
)  # fmt: skip
_MEAN: Final = 4.603
