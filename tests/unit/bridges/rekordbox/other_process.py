"""Another process that has a master.db open and writes, as Rekordbox does.

Reads one command a line and answers each with one line: ``open PATH``, ``add TITLE``, ``begin``, ``lock``, ``close``.
"""

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.fakes.rekordbox_database import MasterDb

ROOT = Path(__file__).parents[4]


class OtherProcess:
    """Starts that process and speaks with it."""

    def __init__(self) -> None:
        folders = [str(ROOT), str(ROOT / "daemon"), str(ROOT / "bridges")]
        start = f"import sys; sys.path[:0] = {folders!r}; from {__name__} import main; main()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        assert self._answer() == "here"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def tell(self, command: str) -> str:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self._answer()

    def kill(self) -> None:
        """End it as a crash would."""
        self._process.kill()
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def main() -> None:
    print("here", flush=True)
    for line in sys.stdin:
        command, _, rest = line.strip().partition(" ")
        if command == "open":
            database = MasterDb(Path(rest))
            print("ok", flush=True)
        elif command == "add":
            print(database.add_track(rest), flush=True)
        elif command == "begin":
            database.connection.execute("BEGIN IMMEDIATE")
            database.connection.execute("UPDATE djmdContent SET Title = 'not yet'")
            print("ok", flush=True)
        elif command == "lock":
            # As when SQLite itself keeps everybody out, e.g. while it recovers a log.
            database.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.connection.execute("BEGIN EXCLUSIVE")
            database.connection.execute("UPDATE djmdContent SET Title = 'not yet'")
            print("ok", flush=True)
        elif command == "close":
            database.close()
            print("ok", flush=True)
