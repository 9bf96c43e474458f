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
    0.3569, 0.8015, 0.9113, 0.8431, 0.5189, 0.6653, 0.7389, 0.4634, 0.4805, 0.2305, 0.1209, 0.5516, 0.4115,
    0.4638, 9.287, 9.275, 7.144, 5.987, 0.2152, 0.3661, 0.202, 0.1878, 0.3971, 0.4111, 0.7194,
)  # fmt: skip
_SPREAD: Final = (
    0.2344, 0.261, 0.08723, 0.2396, 0.333, 0.2016, 0.2144, 0.1562, 0.172, 0.09281, 0.04486, 0.4057, 0.3948, 0.335,
    4.389, 4.292, 2.74, 2.447, 0.09555, 0.07128, 0.04498, 0.07964, 0.129, 0.1666, 0.2809,
)  # fmt: skip
_WEIGHTS: Final = (
    0.03978, 0.1947, 1.192, 0.05498, 0.2505, 0.8252, 0.1859, -0.9759, -0.2693, 1.37, -0.713, 0.3661, -0.3496,
    -0.7584, 0.04104, 0.02315, 0.04538, 0.01089, -0.4336, -0.08623, -0.2372, 0.08911, -0.5274, 0.1124, 0.2387,
)  # fmt: skip
_MEAN: Final = 4.573
