"""Running the server as somebody else where we are root, which PostgreSQL refuses to be.

Only the cluster itself is given to that user. No folder above it is touched: where the user can not reach the cluster
or the binaries, that is said.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cratehand.domain.errors import UnavailableError, UnsupportedError

_NAMES: Final = ("postgres", "nobody")
_TIMEOUT_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """As whom server programs run; nobody in particular where we are no root."""

    uid: int | None = None
    gid: int | None = None
    name: str = ""

    def options(self) -> dict[str, Any]:
        """Return what `subprocess` needs to become that user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make a file or folder that user's."""
        if self.uid is not None and self.gid is not None and sys.platform != "win32":
            os.chown(path, self.uid, self.gid)

    def require_reach(self, program: str, folder: Path) -> None:
        """See that the user can run a program and enter a folder.

        Raises:
            UnavailableError: It can not; the message says which and what to do.
        """
        if self.uid is None:
            return
        hint = "choose another data folder with --data-dir, or run cratehand as an ordinary user"
        if not self._can([program, "--version"]):
            raise UnavailableError(f"as root the server runs as {self.name!r}, who can not run {program}: {hint}")
        # `cd` of a shell is the plainest way to ask whether every folder above may be passed.
        if not self._can(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]):
            raise UnavailableError(f"as root the server runs as {self.name!r}, who can not enter {folder}: {hint}")

    def _can(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(
                command, cwd="/", capture_output=True, timeout=_TIMEOUT_S, check=False, **self.options()
            )
        except (OSError, subprocess.SubprocessError):
            return False
        return done.returncode == 0


def choose_runner() -> Runner:
    """Return as whom the server runs here; raises `UnsupportedError` for a root without any other user."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return Runner()
    import pwd

    for name in _NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Runner(uid=entry.pw_uid, gid=entry.pw_gid, name=name)
    raise UnsupportedError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody` to run it as")
