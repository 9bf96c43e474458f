"""Swing as it was asked for: every second sixteenth late by the same amount on average."""

import numpy as np

from cratehand.domain.drum_pattern import DrumPattern
from cratehand_models.drum_grid import DrumGrid


def with_swing(pattern: DrumPattern, swing_steps: float | None) -> DrumPattern:
    """Return the pattern with its second sixteenths moved together, so that their mean lateness is `swing_steps`.

    Their micro-timing about that mean stays, as far as a hit may lie half a step from its step.
    """
    if swing_steps is None:
        return pattern
    grid = DrumGrid.of(pattern)
    odd = grid.hits[1::2] > 0
    if not odd.any():
        return pattern
    offsets = grid.offsets.copy()
    late = offsets[1::2]
    for _ in range(4):  # what the limits cut off is given to the others
        late[odd] = np.clip(late[odd] + (swing_steps - late[odd].mean()), -0.5, 0.5)
    return DrumGrid(hits=grid.hits, velocities=grid.velocities, offsets=offsets).pattern(pattern)
