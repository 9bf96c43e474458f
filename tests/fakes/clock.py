"""A clock wound by hand, and ids that can be foretold."""

from collections.abc import Callable
from itertools import count


class HandWoundClock:
    """Implements the port `Clock`."""

    def __init__(self, *, now_s: float = 1_700_000_000.0) -> None:
        self.wall_s = now_s
        self.steady_s = 0.0

    def now_s(self) -> float:
        return self.wall_s

    def monotonic_s(self) -> float:
        return self.steady_s

    def wind(self, seconds: float) -> None:
        """Let time pass."""
        self.wall_s += seconds
        self.steady_s += seconds


def counting_ids() -> Callable[[], str]:
    """Return a source of ids 0000000000000001, 0000000000000002 ..."""
    numbers = count(1)
    return lambda: f"{next(numbers):016x}"
