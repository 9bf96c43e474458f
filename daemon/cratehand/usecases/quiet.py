"""Silence for a gig: when background work has to stop."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from cratehand.domain.errors import InvalidInputError
from cratehand.domain.events import QuietChanged
from cratehand.domain.ports import Clock, PowerSensor
from cratehand.domain.stores import Catalogue
from cratehand.usecases.event_bus import Publish

_STATE: Final = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A daily window in local time; one that ends before it begins runs over midnight."""

    begin: dt.time
    end: dt.time

    def holds(self, moment: dt.time) -> bool:
        """Whether a local time of day lies in the window; its end does not."""
        if self.begin <= self.end:
            return self.begin <= moment < self.end
        return moment >= self.begin or moment < self.end


def parse_hours(text: str) -> Hours:
    """Read ``22:00-06:30``; raises `InvalidInputError` naming the form."""
    try:
        begin, end = (dt.time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError as error:
        raise InvalidInputError(f"{text!r} is no window of hours: write it like 22:00-06:30") from error
    return Hours(begin=begin, end=end)


class Quiet:
    """Says whether background work may run, and why not.

    Interactive work, the servers and the watch on Rekordbox go on; only the background falls silent.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        clock: Clock,
        power: PowerSensor,
        publish: Publish,
        hours: Hours | None = None,
        on_battery: bool = True,
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._power = power
        self._publish = publish
        self._hours = hours
        self._works_on_battery = on_battery
        self._told: str | None = None

    def pause(self) -> None:
        """Stop background work until `resume`, also across restarts."""
        with self._catalogue.writing() as stores:
            stores.state.set(_STATE, "1")

    def resume(self) -> None:
        """Let background work go on (inside the hours, and with power, where those are asked for)."""
        with self._catalogue.writing() as stores:
            stores.state.set(_STATE, None)

    def reason(self) -> str | None:
        """Return why the background is silent now, None when it may work; publishes a change of that."""
        reason = self._find_reason()
        if reason != self._told:
            self._told = reason
            self._publish(QuietChanged(quiet=reason is not None, reason=reason or ""))
        return reason

    def _find_reason(self) -> str | None:
        with self._catalogue.reading() as stores:
            if stores.state.get(_STATE):
                return "paused: `cratehand resume` goes on"
        if not self._works_on_battery and self._power.on_battery():
            return "on battery"
        if self._hours is not None:
            local = dt.datetime.fromtimestamp(self._clock.now_s()).astimezone().time()
            if not self._hours.holds(local):
                return f"outside the hours {self._hours.begin:%H:%M}-{self._hours.end:%H:%M}"
        return None
