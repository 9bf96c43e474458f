"""Keys of provenances: the same on every device, and growing, so that new ones lie behind old ones.

41 bits of milliseconds since 2020 and 22 bits that begin at random and count up within a millisecond. Two devices give
the same key only where both make one in the same millisecond and their counters meet, one time in four million then.
"""

import secrets
import threading
import time
from typing import Final

_EPOCH_MS: Final = 1_577_836_800_000
_RANDOM_BITS: Final = 22
SMALLEST: Final = 1 << 40
"""Keys below were counted by the database of one device, before there was a master."""

_lock = threading.Lock()
_latest = 0


def next_provenance() -> int:
    """Return a key that is larger than all before it in this process."""
    global _latest  # noqa: PLW0603 - one sequence per process is the point
    fresh = (int(time.time() * 1000.0) - _EPOCH_MS) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS - 1)
    with _lock:
        _latest = max(fresh, _latest + 1)
        return _latest
