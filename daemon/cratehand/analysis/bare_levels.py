"""Levels as they would be without the floor that keeps hiss from counting as an onset.

`cratehand.analysis.onsets` adds a floor of -90 dB to each band before it takes the fourth root, and takes its root off
again: at -60 dB that costs a fifth of the level. For ratios that must not depend on gain, this is undone here.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from cratehand.analysis.hop_store import Features, HopStore
from cratehand.analysis.onsets import FLOOR_POWER

_FLOOR_ROOT: Final = np.float32(FLOOR_POWER**0.25)


def bare(levels: Features) -> Features:
    """Return the fourth root of the power for rows of `OnsetStream.levels`, float32 of the same shape."""
    raised = levels + _FLOOR_ROOT
    raised *= raised
    raised *= raised
    raised -= np.float32(FLOOR_POWER)
    np.maximum(raised, 0.0, out=raised)
    return np.asarray(np.sqrt(np.sqrt(raised)))


def bare_blocks(levels: HopStore) -> Iterator[Features]:
    """Yield all rows in blocks of up to 16,384, each as `bare` does."""
    return map(bare, levels.blocks())
