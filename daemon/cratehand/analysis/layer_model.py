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
    0.3497, 0.794, 0.9087, 0.8451, 0.5164, 0.6643, 0.7378, 0.4608, 0.4761, 0.233, 0.1215, 0.5436, 0.4154, 0.4673,
    9.372, 9.478, 7.106, 6.009, 0.2147, 0.3624, 0.1992, 0.1894, 0.3931, 0.4051, 0.719,
)  # fmt: skip
_SPREAD: Final = (
    0.2409, 0.2639, 0.08996, 0.2394, 0.3323, 0.2001, 0.2107, 0.1502, 0.1644, 0.09579, 0.04413, 0.3774, 0.3857,
    0.3269, 4.692, 4.345, 2.632, 2.384, 0.09851, 0.06741, 0.04419, 0.08186, 0.1309, 0.1742, 0.2754,
)  # fmt: skip
_WEIGHTS: Final = (
    -0.09153, 0.5422, 0.9143, -0.2664, 0.3096, 0.7705, 0.5959, -1.364, -0.09649, 1.869, -0.833, 0.69, -0.4901,
    -0.9367, 0.03578, 0.02314, -0.004265, -0.03125, -0.4682, -0.07798, -0.3278, 0.1956, -0.2619, -0.1161, 0.6328,
)  # fmt: skip
_MEAN: Final = 4.487
