"""SciPy's filters with types: moving means and maxima."""

from typing import Any, cast

import numpy as np
import numpy.typing as npt
from scipy.ndimage import (  # type: ignore[attr-defined]  # SciPy ships no types
    gaussian_filter1d,
    maximum_filter1d,
    uniform_filter1d,
)

Floats = npt.NDArray[np.float64]
FloatsLike = npt.NDArray[np.floating[Any]]


def moving_mean(values: FloatsLike, width: int, *, axis: int = -1) -> Floats:
    """Return the centred mean over `width` values, computed in float64; the ends are continued."""
    return cast("Floats", uniform_filter1d(values, max(width, 1), axis=axis, output=np.float64, mode="nearest"))


def moving_mean32(values: npt.NDArray[np.float32], width: int, *, axis: int = -1) -> npt.NDArray[np.float32]:
    """Return the same in float32, half the memory."""
    filtered = uniform_filter1d(values, max(width, 1), axis=axis, mode="nearest")
    return cast("npt.NDArray[np.float32]", filtered)


def moving_max(values: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    """Return the centred maximum over `width` values."""
    return cast("npt.NDArray[np.float32]", maximum_filter1d(values, max(width, 1)))


def circular_blur(values: Floats, sigma: float) -> Floats:
    """Return the values blurred by a Gaussian around a circle."""
    return cast("Floats", gaussian_filter1d(values, sigma, mode="wrap"))
