"""A plain connection to the file of a catalogue, and what the file says it is."""

from pathlib import Path
from typing import Any

from cratehand.catalogue import schema
from cratehand.catalogue.driver import Driver
from cratehand.domain.errors import CorruptFileError


def connect(path: Path, driver: Driver, *, lock_wait_s: float) -> Any:
    """Open a plain connection of the driver, which begins no transaction by itself."""
    return driver.module.connect(
        str(path), timeout=lock_wait_s, isolation_level=None, check_same_thread=False, uri=False
    )


def read_version(connection: Any, path: Path) -> str | None:
    """Return the schema version of an open database, None for one without any table.

    Raises:
        CorruptFileError: It has tables and none of them says that this is a catalogue.
    """
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not names:
        return None
    if "alembic_version" in names and schema.tracks.name in names:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        if row is not None:
            return str(row[0])
    raise CorruptFileError(f"{path} is a database, but no catalogue of cratehand; name another file or move it away")
