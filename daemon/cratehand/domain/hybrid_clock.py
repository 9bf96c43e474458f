"""Hybrid logical time: orders what happened on several devices whose clocks may be wrong.

After Kulkarni, Demirbas et al., "Logical Physical Clocks" (2014): the wall clock where that is ahead, else one tick
after the latest time heard of. What somebody did after having seen something is always later than that, and times of
devices whose clocks are right differ from the wall by no more than their counters.

A time is one whole number: milliseconds since 1970 UTC times 2 ** `COUNTER_BITS`, plus a counter among those of one
millisecond; it fits 64 signed bits until the year 6429. Devices give such times inside SQLite, where changes are noted:
`cratehand.catalogue.noting`.
"""

from typing import Final

COUNTER_BITS: Final = 16
_TICK_S: Final = 0.001


def statement_time_s(at_s: float, *, latest_s: float | None) -> float:
    """Return when a statement counts as made: its own time, or one tick after the latest it corrects.

    Args:
        at_s: What the clock of its maker said, seconds since 1970 UTC.
        latest_s: The time of the latest statement of the same speaker on the same field that its maker knew of.
    """
    return at_s if latest_s is None or at_s > latest_s else latest_s + _TICK_S
