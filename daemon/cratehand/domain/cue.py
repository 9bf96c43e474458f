"""Cues: on pads, in the track's list, and loops."""

from dataclasses import dataclass
from enum import StrEnum


class CueKind(StrEnum):
    """Where a cue lives. A loop is a cue with an end, on a pad or in the list."""

    HOT = "hot"
    """On a pad (A, B, C ...), for performing."""
    MEMORY = "memory"
    """In the track's list, for finding; not on a pad."""
    LOAD = "load"
    """Where the deck stands after loading (XML type 3)."""
    FADE_IN = "fade_in"
    FADE_OUT = "fade_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Colour:
    """Red, green, blue, 0..255 each."""

    red: int
    green: int
    blue: int

    @classmethod
    def of(cls, text: str) -> "Colour":
        """Read ``#RRGGBB``, the number sign may be missing; raises ValueError where it is anything else."""
        red, green, blue = bytes.fromhex(text.removeprefix("#"))
        return cls(red=red, green=green, blue=blue)

    def __str__(self) -> str:
        return f"#{self.red:02X}{self.green:02X}{self.blue:02X}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cue:
    """One cue of a track as the DJ set it."""

    kind: CueKind
    start_s: float
    end_s: float | None = None
    """Set for loops only."""
    pad: int | None = None
    """0 = A ... 7 = H, up to 15; only for `CueKind.HOT`."""
    label: str = ""
    """The DJ's text; may be empty, since Rekordbox keeps it so."""
    colour: Colour | None = None
    active_loop: bool = False
    foreign_id: str | None = None
    """The row it came from, e.g. ``djmdCue.ID``."""

    @property
    def is_loop(self) -> bool:
        """Whether it has an end."""
        return self.end_s is not None


class SuggestedCueKind(StrEnum):
    """What a suggestion of ours is for."""

    MIX_IN = "mix_in"
    DROP = "drop"
    BREAK = "break"
    MIX_OUT = "mix_out"
    LOOP_OUT = "loop_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedCue:
    """A place worth a cue, found by analysis; never written to a pad the DJ uses."""

    kind: SuggestedCueKind
    start_s: float
    end_s: float | None = None
    reason: str
