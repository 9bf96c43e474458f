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
_EMPTY: Final = 20.0
_FULL: Final = 80.0
"""Percentiles: what plays in the emptier and in the fuller parts of a track says more than the mean alone."""


def count_parts(windows: Floats) -> float | None:
    """Return about how many parts play at once, over the whole time; None where there are no windows.

    Args:
        windows: As `cratehand.analysis.layer_windows.describe_layers` returns them, ``(windows, numbers)``.
    """
    if not len(windows):
        return None
    standard = np.clip((pool(windows) - np.asarray(_CENTRE)) / np.asarray(_SPREAD), -_FURTHEST, _FURTHEST)
    return float(standard @ np.asarray(_WEIGHTS) + _MEAN)


def pool(windows: Floats) -> Floats:
    """Return what the model sees of the windows: mean, empty and full ones of each number, ``(3 x numbers,)``."""
    return np.concatenate([windows.mean(axis=0), *np.percentile(windows, (_EMPTY, _FULL), axis=0)])


# Constants, written by tests/bench/fit_energy.py

_CENTRE: Final = (
    0.3564, 0.7983, 0.9118, 0.8411, 0.5116, 0.6618, 0.7339, 0.4563, 0.4758, 0.2322, 0.1216, 0.5688, 0.4271,
    0.4768, 9.268, 9.189, 7.138, 6.057, 0.2182, 0.369, 0.2031, 0.1892, 0.4003, 0.4097, 0.7083, 0.1922, 0.6223,
    0.8693, 0.6832, 0.1957, 0.4888, 0.5447, 0.3378, 0.3663, 0.1568, 0.1007, 0.3174, 0.1795, 0.3043, 6.357, 5.875,
    5.289, 4.904, 0.1413, 0.3247, 0.1756, 0.1455, 0.3097, 0.3043, 0.4985, 0.52, 0.958, 0.9573, 0.9927, 0.8212,
    0.8341, 0.9226, 0.5609, 0.5744, 0.2961, 0.152, 0.815, 0.6828, 0.638, 12.17, 12.34, 8.724, 7.186, 0.2822,
    0.413, 0.2328, 0.2429, 0.4894, 0.5089, 0.8756,
)  # fmt: skip
_SPREAD: Final = (
    0.1202, 0.1597, 0.05279, 0.101, 0.1282, 0.08124, 0.0695, 0.07879, 0.1014, 0.04711, 0.02119, 0.1892, 0.1918,
    0.1975, 1.961, 1.675, 1.289, 1.489, 0.04804, 0.04436, 0.02474, 0.03221, 0.07257, 0.09016, 0.1114, 0.1093,
    0.278, 0.08893, 0.2482, 0.1744, 0.138, 0.1355, 0.1328, 0.1572, 0.05557, 0.02356, 0.1677, 0.07974, 0.1205,
    2.427, 2.199, 1.363, 1.693, 0.06494, 0.04179, 0.02602, 0.02706, 0.09215, 0.09706, 0.2043, 0.1864, 0.09462,
    0.02841, 0.02342, 0.1507, 0.07406, 0.06388, 0.07153, 0.09577, 0.07514, 0.03323, 0.3737, 0.3945, 0.3801, 3.213,
    2.331, 1.754, 1.673, 0.0707, 0.06021, 0.03197, 0.06028, 0.08552, 0.1308, 0.1268,
)  # fmt: skip
_WEIGHTS: Final = (
    0.1656, 0.07247, 0.4866, 0.1646, -0.001279, 0.3002, -0.02135, -0.3537, -0.1071, 0.4157, -0.2531, -0.1187,
    -0.05061, -0.3292, 0.02564, -0.0004513, 0.04074, -0.00643, -0.1771, 0.06959, -0.03375, 0.08425, -0.2142,
    0.02672, 0.1748, -0.09666, 0.146, 0.04878, -0.03406, -0.0157, -0.06995, 0.2071, -0.2328, 0.1729, -0.1645,
    -0.03335, 0.1155, -0.1242, 0.1074, 0.0002508, 0.01602, -0.01612, 0.007563, 0.1571, -0.002774, -0.0938,
    -0.0003599, -0.007429, 0.06481, 0.01411, -0.06621, -0.08495, 0.04508, -0.07934, -0.01278, 0.1815, 0.04593,
    -0.02852, 0.005168, 0.1719, -0.02715, 0.1039, 0.08179, -0.01397, -0.01542, -0.009364, -0.0023, -0.008552,
    -0.04524, -0.1174, 0.01751, 0.05047, 0.03556, -0.04071, -0.08182,
)  # fmt: skip
_MEAN: Final = 4.444
