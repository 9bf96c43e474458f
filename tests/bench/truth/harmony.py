"""Keys, chord progressions and melodies with one tonal centre."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

TONICS: Final = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
SCALES: Final[Mapping[str, tuple[int, ...]]] = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
PROGRESSIONS: Final[Mapping[str, tuple[tuple[int, ...], ...]]] = {
    "major": ((0, 3, 4, 0), (0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 0, 4), (0, 1, 4, 0), (0, 2, 3, 4), (0, 0, 3, 4)),
    "minor": ((0, 3, 4, 0), (0, 5, 2, 6), (0, 6, 5, 6), (0, 3, 6, 0), (0, 5, 3, 4), (0, 0, 5, 6), (0, 3, 0, 4)),
}
"""Degrees, 0 = tonic, one chord a bar. Each begins on the tonic."""


@dataclass(frozen=True, kw_only=True)
class Harmony:
    """A key with the progression that plays in it."""

    tonic: int
    mode: str
    progression: tuple[int, ...]
    harmonic: bool = False
    """Minor only: the fifth degree is major."""

    @property
    def key(self) -> str:
        """In words: ``A minor``."""
        return f"{TONICS[self.tonic]} {self.mode}"

    def chord(self, bar: int, *, seventh: bool = False) -> tuple[int, ...]:
        """Return the chord of a bar in semitones above C, root first."""
        degree = self.progression[bar % len(self.progression)]
        steps = (0, 2, 4, 6) if seventh else (0, 2, 4)
        notes = [self.tonic + self._semitone(degree + step) for step in steps]
        if self.harmonic and self.mode == "minor" and degree == 4:
            notes[1] += 1
        return tuple(notes)

    def _semitone(self, degree: int) -> int:
        scale = SCALES[self.mode]
        return scale[degree % 7] + 12 * (degree // 7)

    def melody(self, bar: int, steps: int, rng: np.random.Generator) -> list[int]:
        """Return `steps` notes for a bar, in semitones above C: chord notes on the strong ones, scale notes between.

        The last note of every fourth bar is the tonic.
        """
        chord = self.chord(bar)
        notes = []
        degree = int(rng.integers(0, 7))
        for step in range(steps):
            if step % 2 == 0:
                notes.append(int(rng.choice(chord)))
            else:
                degree = int(np.clip(degree + rng.integers(-2, 3), 0, 8))
                notes.append(self.tonic + self._semitone(degree))
        if bar % 4 == 3:
            notes[-1] = self.tonic + 12 * int(rng.integers(0, 2))
        return notes


def random_harmony(rng: np.random.Generator, *, tonic: int | None = None, mode: str | None = None) -> Harmony:
    """Return a key and progression; minor keys are as common as they are in club music, two in three."""
    mode = mode or ("minor" if rng.random() < 0.66 else "major")
    choices = PROGRESSIONS[mode]
    return Harmony(
        tonic=int(rng.integers(0, 12)) if tonic is None else tonic,
        mode=mode,
        progression=choices[int(rng.integers(0, len(choices)))],
        harmonic=bool(rng.random() < 0.4),
    )


def fold(note: int, low: int) -> int:
    """Return the MIDI note of a pitch class in the octave that starts at `low`."""
    return low + (note - low) % 12
