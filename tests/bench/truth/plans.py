"""Plans of tracks: sections of 4, 8 or 16 bars with the layers that a density allows."""

from typing import Final

import numpy as np

from tests.bench.truth.arrangement import Part

_ORDER: Final = {
    "intro": ("kick", "hats", "percussion", "snare", "arp"),
    "verse": ("kick", "bass", "snare", "hats", "chords", "percussion"),
    "build": ("pad", "arp", "hats", "lead"),
    "drop": ("kick", "bass", "snare", "hats", "lead", "chords", "percussion", "pad", "arp"),
    "break": ("pad", "lead", "chords", "arp"),
    "outro": ("kick", "hats", "snare", "percussion", "bass"),
}
_SPAN: Final = {
    "intro": (1, 4), "verse": (3, 6), "build": (1, 4), "drop": (5, 9), "break": (1, 3), "outro": (1, 4),
}  # fmt: skip
"""Fewest and most layers, for density 0 and 1."""

CLUB: Final = (
    (("intro", 8), ("verse", 16), ("break", 8), ("build", 8), ("drop", 16), ("break", 8), ("build", 8), ("drop", 16),
     ("outro", 8)),
    (("intro", 16), ("verse", 16), ("build", 8), ("drop", 16), ("verse", 8), ("break", 16), ("build", 8), ("drop", 16),
     ("outro", 16)),
    (("intro", 16), ("build", 8), ("drop", 32), ("break", 16), ("build", 8), ("drop", 16), ("outro", 16)),
    (("intro", 8), ("verse", 16), ("drop", 16), ("break", 8), ("verse", 8), ("drop", 16), ("outro", 8)),
    (("intro", 16), ("verse", 16), ("break", 16), ("build", 4), ("drop", 16), ("outro", 16)),
)  # fmt: skip
SONG: Final = (
    (("intro", 4), ("verse", 16), ("drop", 8), ("verse", 16), ("drop", 8), ("break", 8), ("drop", 16), ("outro", 4)),
    (("intro", 8), ("verse", 8), ("build", 4), ("drop", 8), ("verse", 8), ("build", 4), ("drop", 8), ("break", 8),
     ("drop", 8), ("outro", 8)),
)  # fmt: skip


def layers_of(label: str, density: float) -> frozenset[str]:
    """Return the layers of a section: the first ones of its order, more with density (0..1)."""
    low, high = _SPAN[label]
    return frozenset(_ORDER[label][: round(low + density * (high - low))])


def random_plan(rng: np.random.Generator, *, density: float, club: bool, most_bars: int = 1_000) -> list[Part]:
    """Return a plan whose neighbours differ in at least one layer; in some long sections a layer enters half-way."""
    choices = [plan for plan in (CLUB if club else SONG) if sum(bars for _, bars in plan) <= most_bars]
    choices = choices or [min(CLUB if club else SONG, key=lambda plan: sum(bars for _, bars in plan))]
    plan = choices[int(rng.integers(0, len(choices)))]
    parts = []
    for label, bars in plan:
        layers = layers_of(label, density)
        rest = [layer for layer in _ORDER[label] if layer not in layers]
        enters = bars >= 16 and label in ("intro", "verse", "outro") and bool(rest) and rng.random() < 0.5
        parts.append(Part(label=label, bars=bars, layers=layers, entering=frozenset(rest[:1] if enters else ())))
    return parts
