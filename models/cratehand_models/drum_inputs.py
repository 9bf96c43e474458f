"""What the drum model is told at each step: shared by the runner and the training."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
METRES: Final = ("4/4", "3/4", "6/8", "5/4", "5/8")
"""The metres of the data."""
PHRASE_BARS: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumConditions:
    """What the pattern shall be like; None: as the model likes."""

    style: int | None
    metre: int
    tempo_bpm: float
    density: float | None = None
    """Hits per step."""
    swing_steps: float | None = None
    """How late every second sixteenth is played, in steps."""


def conditions_scalars(conditions: DrumConditions) -> Floats:
    """Return tempo; density and whether it is known; swing and whether it is known: float32 ``(5,)``, about ±1."""
    density, swing = conditions.density, conditions.swing_steps
    return np.array(
        [
            (conditions.tempo_bpm - 110) / 40,
            0.0 if density is None else (density - 1.1) / 0.5,
            0.0 if density is None else 1.0,
            0.0 if swing is None else swing * 4,
            0.0 if swing is None else 1.0,
        ],
        np.float32,
    )


def ago_rows(rows: Floats, per_bar: int) -> Floats:
    """Return for each step the features one bar and two bars ago, each followed by whether there was such a step.

    Args:
        rows: float32 ``(steps, 27)``.
        per_bar: Steps in a bar.

    Returns:
        float32 ``(steps, 56)``.
    """
    steps, width = rows.shape
    found = np.zeros((steps, 2, width + 1), np.float32)
    for place, lag in enumerate((per_bar, 2 * per_bar)):
        if lag < steps:
            found[lag:, place, :width] = rows[:-lag]
            found[lag:, place, width] = 1.0
    return found.reshape(steps, 2 * (width + 1))
