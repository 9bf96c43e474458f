"""A drum pattern as arrays: what the drum model reads and writes."""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from cratehand.domain.drum_pattern import DrumHit, DrumPattern, DrumVoice, arranged

Floats = NDArray[np.float32]
VOICES: Final = tuple(DrumVoice)
VELOCITY_BINS: Final = 16
"""Of eight velocities each."""
OFFSET_BINS: Final = 24
"""Of a 24th of a step each: 5 ms at 120 BPM."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrumGrid:
    """Three float32 arrays of shape ``(steps, 9)``, the voices in the order of `DrumVoice`."""

    hits: Floats
    """0 or 1."""
    velocities: Floats
    """0 ... 1 (velocity / 127), 0 where there is no hit."""
    offsets: Floats
    """-0.5 ... 0.5 steps, 0 where there is no hit."""

    @classmethod
    def empty(cls, steps: int) -> Self:
        """Return so many silent steps."""
        return cls(**{name: np.zeros((steps, len(VOICES)), np.float32) for name in ("hits", "velocities", "offsets")})

    @classmethod
    def of(cls, pattern: DrumPattern) -> Self:
        """Return the arrays of a pattern."""
        grid = cls.empty(pattern.steps)
        for hit in pattern.hits:
            place = hit.step, VOICES.index(hit.voice)
            grid.hits[place], grid.velocities[place], grid.offsets[place] = 1.0, hit.velocity / 127, hit.offset_steps
        return grid

    def features(self) -> Floats:
        """Return one row a step, float32 ``(steps, 27)``: hits, velocities, twice the offsets (so all within ±1)."""
        return np.concatenate([self.hits, self.velocities, 2 * self.offsets], axis=1)

    def pattern(self, like: DrumPattern) -> DrumPattern:
        """Return the hits as a pattern with the length, metre and tempo of another."""
        found = [
            DrumHit(
                step=int(step),
                voice=VOICES[voice],
                velocity=int(np.clip(round(float(self.velocities[step, voice]) * 127), 1, 127)),
                offset_steps=float(np.clip(self.offsets[step, voice], -0.5, 0.5)),
            )
            for step, voice in np.argwhere(self.hits > 0.5)
        ]
        return replace(like, hits=arranged(found))


def velocity_bins(velocities: Floats) -> NDArray[np.int64]:
    """Return the bin 0 ... 15 of every velocity in 0 ... 1."""
    found: NDArray[np.int64] = np.clip(velocities * 127 // 8, 0, VELOCITY_BINS - 1).astype(np.int64)
    return found


def offset_bins(offsets: Floats) -> NDArray[np.int64]:
    """Return the bin 0 ... 23 of every offset in -0.5 ... 0.5 steps."""
    found: NDArray[np.int64] = np.clip((offsets + 0.5) * OFFSET_BINS, 0, OFFSET_BINS - 1).astype(np.int64)
    return found
