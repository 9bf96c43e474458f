"""Which SQLite module opens the catalogue.

Python's own where it was built to load extensions, else pysqlite3, else sqlcipher3, which pyrekordbox always brings.
Where none of them can load sqlite-vec the first one that is new enough does the rest, and numpy finds neighbours.
"""

import importlib
import logging
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any, Final

from cratehand.domain.errors import UnsupportedError

_log = logging.getLogger(__name__)

_CANDIDATES: Final = ("sqlite3", "pysqlite3.dbapi2", "sqlcipher3.dbapi2")
_OLDEST: Final = (3, 35, 0)
"""The first SQLite that answers RETURNING."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A SQLite module, and why it was chosen."""

    module: ModuleType
    has_vec: bool
    """Whether sqlite-vec can be loaded into its connections."""
    reason: str
    """One line for `doctor`."""

    @property
    def name(self) -> str:
        """Name of the package, e.g. ``pysqlite3``."""
        return self.module.__name__.partition(".")[0]

    @property
    def sqlite_version(self) -> str:
        """Version of the SQLite inside."""
        return str(self.module.sqlite_version)


@lru_cache(maxsize=1)
def choose_driver() -> Driver:
    """Choose the module for this Python; raises `UnsupportedError` where none is new enough."""
    misses: list[str] = []
    usable: list[ModuleType] = []
    for name in _CANDIDATES:
        module, obstacle = _import(name)
        if module is not None:
            usable.append(module)
            obstacle = _try_vec(module)
        if module is not None and obstacle is None:
            reason = f"SQLite {module.sqlite_version} with sqlite-vec"
            return Driver(module=module, has_vec=True, reason="; ".join([reason, *misses]))
        misses.append(f"{name.partition('.')[0]}: {obstacle}")
    if not usable:
        raise UnsupportedError(
            f"no SQLite from {'.'.join(map(str, _OLDEST))} on was found ({'; '.join(misses)}); install pysqlite3"
        )
    reason = f"SQLite {usable[0].sqlite_version} without sqlite-vec, numpy finds neighbours"
    return Driver(module=usable[0], has_vec=False, reason="; ".join([reason, *misses]))


def load_vec(connection: Any) -> None:
    """Load sqlite-vec into a driver's connection and forbid further extensions."""
    import sqlite_vec

    connection.enable_load_extension(True)
    try:
        sqlite_vec.load(connection)
    finally:
        connection.enable_load_extension(False)


def _import(name: str) -> tuple[ModuleType | None, str | None]:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        return None, f"not there ({error})"
    if module.sqlite_version_info < _OLDEST:
        return None, f"SQLite {module.sqlite_version} is too old"
    return module, None


def _try_vec(module: ModuleType) -> str | None:
    connection = module.connect(":memory:")
    try:
        if not hasattr(connection, "enable_load_extension"):
            return "built without extension loading"
        load_vec(connection)
        connection.execute("SELECT vec_version()").fetchone()
    except (ImportError, module.Error, OSError) as error:
        return f"can not load sqlite-vec ({error})"
    finally:
        connection.close()
    return None
