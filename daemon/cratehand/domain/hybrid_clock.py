"""Hybrid logical time: orders what happened on several devices whose clocks may be wrong.

After Kulkarni, Demirbas et al., "Logical Physical Clocks" (2014): the wall clock where that is ahead, else one tick
after the latest time heard of. What somebody did after having seen something is always later than that, and times of
devices whose clocks are right differ from the wall by no more than their counters.
"""

from dataclasses import dataclass
from typing import Final

COUNTER_BITS: Final = 16
_COUNTERS: Final = 1 << COUNTER_BITS
_TICK_S: Final = 0.001


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class HybridTime:
    """A moment: milliseconds since 1970 UTC, and a counter among those of one millisecond."""

    wall_ms: int
    counter: int = 0

    @property
    def packed(self) -> int:
        """Return it as one whole number in the same order; fits 64 signed bits until the year 6429."""
        return self.wall_ms << COUNTER_BITS | self.counter

    @classmethod
    def unpack(cls, packed: int) -> "HybridTime":
        """Read what `packed` gave."""
        return cls(wall_ms=packed >> COUNTER_BITS, counter=packed & (_COUNTERS - 1))

    @property
    def wall_s(self) -> float:
        """Return seconds since 1970 UTC."""
        return self.wall_ms / 1000.0


def next_time(latest: HybridTime, *, wall_s: float) -> HybridTime:
    """Return the time of something that happens now on a device.

    Args:
        latest: The latest time that this device gave or heard of.
        wall_s: What its clock says, seconds since 1970 UTC.
    """
    wall = HybridTime(wall_ms=int(wall_s * 1000.0))
    return wall if wall > latest else HybridTime.unpack(latest.packed + 1)


def statement_time_s(at_s: float, *, latest_s: float | None) -> float:
    """Return when a statement counts as made: its own time, or one tick after the latest it corrects.

    Args:
        at_s: What the clock of its maker said, seconds since 1970 UTC.
        latest_s: The time of the latest statement of the same speaker on the same field that its maker knew of.
    """
    return at_s if latest_s is None or at_s > latest_s else latest_s + _TICK_S
