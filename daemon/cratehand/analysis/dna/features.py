"""All features of a track in one vector, with their names and the groups that they belong to.

The order and meaning of the numbers are fixed by `FEATURE_VERSION`: a model of the DNA is trained on one version.
Everything is finite for any sound; what can not be known is 0, and columns called ``... known`` say so.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from cratehand.analysis.dna import energy, harmony, rhythm, signal, structure, timbre
from cratehand.analysis.dna.courses import Floats
from cratehand.analysis.dna.material import TrackMaterial
from cratehand.domain.embedding import Vector

FEATURE_VERSION: Final = "1"
_Measure = Callable[[TrackMaterial], Floats]
_GROUPS: Final[Mapping[str, tuple[tuple[str, ...], _Measure]]] = {
    "signal": (signal.NAMES, signal.measure_signal),
    "timbre": (timbre.NAMES, timbre.measure_timbre),
    "rhythm": (rhythm.NAMES, rhythm.measure_rhythm),
    "harmony": (harmony.NAMES, harmony.measure_harmony),
    "energy": (energy.NAMES, energy.measure_energy),
    "structure": (structure.NAMES, structure.measure_structure),
}
FEATURE_NAMES: Final = tuple(f"{group}: {name}" for group, (names, _) in _GROUPS.items() for name in names)
"""``group: name`` of each number, in order."""
FEATURE_GROUPS: Final = {group: len(names) for group, (names, _) in _GROUPS.items()}
"""How many numbers each group has, in order."""
_LARGEST: Final = 1e6
LONGEST_S: Final = 1800.0
"""Of half an hour on it is a mix of many tracks: no one vector says what it is, and its rows would take memory."""


def measure_features(material: TrackMaterial) -> Vector:
    """Return the numbers of `FEATURE_NAMES`, float32 ``(len(FEATURE_NAMES),)``, finite, read-only."""
    found = np.concatenate([measure(material) for _, measure in _GROUPS.values()])
    features: Vector = np.clip(found, -_LARGEST, _LARGEST).astype(np.float32)
    assert features.shape == (len(FEATURE_NAMES),)
    features.setflags(write=False)
    return features
