"""What a user wants of the drum generator, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum
from math import isfinite
from typing import Final

from cratehand.domain.drum_pattern import COMMON_TIME, DrumPattern, Metre, check_bars, check_tempo
from cratehand.domain.errors import InvalidInputError

LEAST_SWING: Final = 0.5
MOST_SWING: Final = 0.75
_SEEDS: Final = 2**63


class DrumTask(StrEnum):
    """What becomes of a given pattern."""

    CONTINUE = "continue"
    """New bars that follow it."""
    FILL = "fill"
    """It, with a fill in its last bar."""
    HUMANISE = "humanise"
    """Its hits with new velocities and micro-timing."""
    VARY = "vary"
    """It, with about a third of its cells drawn anew."""
    TAP = "tap"
    """A full pattern on its onsets, whatever voice they were tapped on."""


class GeneratorKind(StrEnum):
    """What writes patterns."""

    MODEL = "model"
    TEMPLATE = "template"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenDrums:
    """A pattern as it was read from a file."""

    pattern: DrumPattern
    other_notes: int = 0
    """Notes that are no drum of ours, and were left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumRequest:
    """One wish. A generator gets its `style` as one of its own, or None: whatever fits the given pattern."""

    style: str | None
    tempo_bpm: float
    bars: int
    seed: int
    metre: Metre = COMMON_TIME
    density: float | None = None
    """0 as sparse as the style gets ... 1 as dense; None: as the style has it."""
    swing_ratio: float | None = None
    """Where the second sixteenth of a pair stands in it: 0.5 straight, 0.667 triplets, up to 0.75."""
    given: DrumPattern | None = None
    task: DrumTask | None = None

    def __post_init__(self) -> None:
        check_tempo(self.tempo_bpm)
        check_bars(self.bars)
        if not 0 <= self.seed < _SEEDS:
            raise InvalidInputError(f"a seed is a whole number from 0 to 2^63 - 1, not {self.seed}")
        if self.density is not None and not (isfinite(self.density) and 0 <= self.density <= 1):
            raise InvalidInputError(f"a density is 0 (sparse) to 1 (dense), not {self.density:g}")
        if self.swing_ratio is not None and not LEAST_SWING <= self.swing_ratio <= MOST_SWING:
            raise InvalidInputError(f"swing is 50 % (straight) to 75 %, not {self.swing_ratio * 100:g} %")
        if (self.given is None) != (self.task is None):
            raise InvalidInputError("a given pattern needs to be told what becomes of it, and the other way round")
        if self.given is not None and self.given.metre != self.metre:
            raise InvalidInputError(f"the given pattern is in {self.given.metre}, not in {self.metre}")

    @property
    def swing_steps(self) -> float | None:
        """How late every second sixteenth is played, in steps."""
        return None if self.swing_ratio is None else 2 * self.swing_ratio - 1

    def silence(self) -> DrumPattern:
        """Return a pattern of the length, metre and tempo that are wanted, without hits."""
        return DrumPattern(hits=(), bars=self.bars, metre=self.metre, tempo_bpm=self.tempo_bpm)


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedDrums:
    """A pattern and where it comes from."""

    pattern: DrumPattern
    generator: GeneratorKind
    model: str | None
    """Name and version; None for a template."""
    style: str | None
    """The one that was used; None where none was wanted."""
    seed: int
    remarks: tuple[str, ...] = ()
    """What a user should know: another generator than wanted, and why."""
