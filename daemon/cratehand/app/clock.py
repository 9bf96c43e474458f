"""The real clock and the real source of ids."""

import secrets
import time


class SystemClock:
    """Implements the port `Clock` with the computer's clocks."""

    def now_s(self) -> float:
        """Return wall time, seconds since 1970 UTC."""
        return time.time()

    def monotonic_s(self) -> float:
        """Return seconds since some start; never goes back."""
        return time.monotonic()


def new_id() -> str:
    """Return 16 random hex digits."""
    return secrets.token_hex(8)
