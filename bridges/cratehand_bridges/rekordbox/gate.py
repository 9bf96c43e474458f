"""One thread of this process at a master.db at a time.

Closing a file drops all POSIX locks that the process holds on it, whoever in it took them
(https://www.sqlite.org/howtocorrupt.html, section 2.2). A reader of ours looks into master.db and its ``-shm`` file by
plain reads; while a writer of ours holds a transaction in the same process that would open the way for Rekordbox to
write beside it. So both go through one gate. Other processes have their own locks and are kept apart by SQLite.
"""

import os
import threading
from pathlib import Path
from typing import Final

_gates: Final[dict[str, threading.RLock]] = {}
_making = threading.Lock()


def gate_of(path: Path) -> "threading.RLock":
    """Return the lock that belongs to a database, the same for each spelling of its path."""
    with _making:
        return _gates.setdefault(os.path.realpath(path), threading.RLock())
