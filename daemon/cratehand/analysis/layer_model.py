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
    0.3545, 0.7969, 0.9099, 0.8426, 0.5171, 0.6643, 0.7389, 0.4625, 0.4802, 0.2312, 0.1202, 0.5529, 0.4132,
    0.4659, 9.218, 9.262, 7.221, 6.036, 0.2144, 0.3675, 0.2019, 0.1868, 0.3968, 0.4088, 0.7172,
)  # fmt: skip
_SPREAD: Final = (
    0.2357, 0.2617, 0.08801, 0.2379, 0.3321, 0.2006, 0.2133, 0.1564, 0.1755, 0.09365, 0.04489, 0.401, 0.3912,
    0.3424, 4.389, 4.326, 2.792, 2.482, 0.09615, 0.07288, 0.04467, 0.07848, 0.1289, 0.1669, 0.2799,
)  # fmt: skip
_WEIGHTS: Final = (
    0.008663, 0.1698, 1.146, 0.04769, 0.1925, 0.9349, 0.1516, -0.9378, -0.3106, 1.104, -0.734, 0.2151, -0.1985,
    -0.8217, 0.02669, -0.005219, 0.03501, 0.006205, -0.3587, -0.103, -0.2392, 0.1548, -0.5208, 0.1173, 0.1746,
)  # fmt: skip
_MEAN: Final = 4.53
