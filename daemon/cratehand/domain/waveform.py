"""The overview waveform: what a player draws of a whole track."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BAND_EDGES_HZ = (200.0, 2000.0)
"""Edges between the low, mid and high band of the overview."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Waveform:
    """Peak and three band levels per step.

    Attributes:
        levels: uint8, shape ``(4, steps)``: rows peak, low, mid, high; 255 is full scale.
        step_s: Seconds one step covers; at most 1,200 steps a track.
    """

    levels: npt.NDArray[np.uint8]
    step_s: float
