"""The collection's names of genres for whoever asks with every track: counting them looks at all rows."""

from collections.abc import Sequence
from typing import Final

from cratehand.domain.ports import Clock
from cratehand.domain.stores import Stores

_KEPT_S: Final = 10.0
"""An analysis takes about as long: nobody notices that a name is so new."""


class KnownGenres:
    """Asks at most every ten seconds. Called by one write transaction at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._names: Sequence[str] = ()
        self._asked_s: float | None = None

    def names(self, stores: Stores) -> Sequence[str]:
        """Return the names, the most used first."""
        now_s = self._clock.monotonic_s()
        if self._asked_s is None or now_s - self._asked_s >= _KEPT_S:
            self._names, self._asked_s = stores.tracks.genres(), now_s
        return self._names
