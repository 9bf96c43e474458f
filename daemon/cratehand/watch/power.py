"""Whether the computer runs on its battery."""

from collections.abc import Callable
from typing import Protocol

import psutil


class _Battery(Protocol):
    @property
    def power_plugged(self) -> bool | None: ...


def _read_battery() -> _Battery | None:
    # Missing altogether on systems that psutil can't ask.
    read: Callable[[], _Battery | None] | None = getattr(psutil, "sensors_battery", None)
    return read() if read is not None else None


class PsutilPower:
    """Implements `PowerSensor`.

    Args:
        read: Returns the battery, None where there is none.
    """

    def __init__(self, read: Callable[[], _Battery | None] = _read_battery) -> None:
        self._read = read

    def on_battery(self) -> bool:
        try:
            battery = self._read()
        except (OSError, RuntimeError, ValueError):
            # Drivers answer with all sorts of nonsense: no answer is no reason to stop working.
            return False
        return battery is not None and battery.power_plugged is False
