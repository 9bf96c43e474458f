"""A drum pattern: hits on a grid of sixteenths with velocity and micro-timing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from math import isfinite
from typing import Final

from cratehand.domain.errors import InvalidInputError

MIN_TEMPO_BPM: Final = 30.0
MAX_TEMPO_BPM: Final = 300.0
MAX_BARS: Final = 64
STEPS_PER_QUARTER: Final = 4
"""A step is a sixteenth."""


class DrumVoice(StrEnum):
    """The nine voices of a drum pattern, from the bottom of the kit to its top."""

    KICK = "kick"
    SNARE = "snare"
    CLOSED_HAT = "closed_hat"
    OPEN_HAT = "open_hat"
    LOW_TOM = "low_tom"
    MID_TOM = "mid_tom"
    HIGH_TOM = "high_tom"
    CRASH = "crash"
    RIDE = "ride"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metre:
    """Beats of a bar, and the note value of one of them; prints as ``4/4``."""

    beats: int = 4
    unit: int = 4

    def __post_init__(self) -> None:
        if self.unit not in (2, 4, 8, 16):
            raise InvalidInputError(f"the lower number of a metre is 2, 4, 8 or 16, not {self.unit}")
        if not 1 <= self.beats <= 32 or not 2 <= self.steps_per_bar <= 64:
            raise InvalidInputError(f"{self} is no metre for drums: a bar holds 2 to 64 sixteenths, as 4/4 or 7/8 do")

    @property
    def steps_per_bar(self) -> int:
        """Sixteenths in one bar: 16 in 4/4, 12 in 3/4 and in 6/8."""
        return self.beats * 16 // self.unit

    @classmethod
    def parse(cls, text: str) -> "Metre":
        """Read ``4/4`` or ``6-8``.

        Raises:
            InvalidInputError: It is no metre.
        """
        parts = text.replace("-", "/").split("/")
        if len(parts) != 2 or not all(part.strip().isdecimal() for part in parts):
            raise InvalidInputError(f"{text!r} is no metre: write it like 4/4, 3/4 or 6/8")
        return cls(beats=int(parts[0]), unit=int(parts[1]))

    def __str__(self) -> str:
        return f"{self.beats}/{self.unit}"


COMMON_TIME: Final = Metre()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumHit:
    """One stroke."""

    step: int
    """Sixteenth since the start of the pattern, from 0."""
    voice: DrumVoice
    velocity: int = 96
    """1 ... 127."""
    offset_steps: float = 0.0
    """How late it is played, in steps, -0.5 up to 0.5; negative is early."""

    def __post_init__(self) -> None:
        if self.step < 0:
            raise InvalidInputError(f"steps are counted from 0, not {self.step}")
        if not 1 <= self.velocity <= 127:
            raise InvalidInputError(f"a velocity is 1 to 127, not {self.velocity}")
        if not -0.5 <= self.offset_steps <= 0.5:
            raise InvalidInputError(f"a hit lies within half a step of its step, not {self.offset_steps} steps off")


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumPattern:
    """Hits of some bars, ordered by step and voice; at most one of each voice on a step."""

    hits: tuple[DrumHit, ...]
    bars: int
    metre: Metre = COMMON_TIME
    tempo_bpm: float = 120.0
    """Quarters per minute, as MIDI counts, whatever the unit of the metre."""

    def __post_init__(self) -> None:
        check_tempo(self.tempo_bpm)
        if self.bars < 1:
            raise InvalidInputError(f"a drum pattern has at least one bar, not {self.bars}")
        order = [(hit.step, _PLACES[hit.voice]) for hit in self.hits]
        if any(later <= earlier for earlier, later in pairwise(order)):
            raise InvalidInputError("the hits of a drum pattern ascend by step and voice, one of each voice on a step")
        if self.hits and self.hits[-1].step >= self.steps:
            raise InvalidInputError(f"a hit on step {self.hits[-1].step} lies behind the end of {self.bars} bars")

    @property
    def steps(self) -> int:
        """Length in sixteenths."""
        return self.bars * self.metre.steps_per_bar

    @property
    def step_s(self) -> float:
        """Length of one step in seconds."""
        return 60.0 / self.tempo_bpm / STEPS_PER_QUARTER

    @property
    def duration_s(self) -> float:
        """Length in seconds, to the last bar line."""
        return self.steps * self.step_s

    def onsets_s(self) -> Iterator[float]:
        """Yield the time of every hit, in the order of `hits`; never before 0."""
        for hit in self.hits:
            yield max(hit.step + hit.offset_steps, 0.0) * self.step_s

    def with_hits(self, hits: Sequence[DrumHit]) -> "DrumPattern":
        """Return the pattern with other hits, in any order; of two on one place the louder stays."""
        return replace(self, hits=arranged(hits))

    def bars_from(self, first: int, count: int) -> "DrumPattern":
        """Return some of its bars as a pattern of their own."""
        start, length = first * self.metre.steps_per_bar, count * self.metre.steps_per_bar
        inside = [hit for hit in self.hits if start <= hit.step < start + length]
        return replace(self, hits=tuple(replace(hit, step=hit.step - start) for hit in inside), bars=count)


_PLACES: Final = {voice: place for place, voice in enumerate(DrumVoice)}


def arranged(hits: Sequence[DrumHit]) -> tuple[DrumHit, ...]:
    """Return hits ordered by step and voice; of two on one place the louder stays."""
    best: dict[tuple[int, int], DrumHit] = {}
    for hit in hits:
        place = (hit.step, _PLACES[hit.voice])
        if place not in best or hit.velocity > best[place].velocity:
            best[place] = hit
    return tuple(best[place] for place in sorted(best))


def check_tempo(tempo_bpm: float) -> None:
    """Raise `InvalidInputError` for a tempo that is none for drums."""
    if not (isfinite(tempo_bpm) and MIN_TEMPO_BPM <= tempo_bpm <= MAX_TEMPO_BPM):
        raise InvalidInputError(f"a tempo is {MIN_TEMPO_BPM:g} to {MAX_TEMPO_BPM:g} BPM, not {tempo_bpm:g}")


def check_bars(bars: int) -> None:
    """Raise `InvalidInputError` for a length that is not asked for."""
    if not 1 <= bars <= MAX_BARS:
        raise InvalidInputError(f"a drum pattern has 1 to {MAX_BARS} bars, not {bars}")
