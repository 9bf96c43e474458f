"""From an older schema to today's, after a backup, all of it or nothing."""

import datetime as dt
import logging
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import URL, Connection, NullPool, create_engine, event

from cratehand.catalogue.backup import copy_database, free_name
from cratehand.catalogue.driver import Driver, choose_driver
from cratehand.catalogue.failures import translated
from cratehand.catalogue.opening import connect, read_version
from cratehand.domain.errors import CorruptFileError, UnsupportedError

if TYPE_CHECKING:
    from alembic.config import Config

_log = logging.getLogger(__name__)

MIGRATIONS: Final = Path(__file__).with_name("migrations")
BACKUPS_KEPT: Final = 5


def migrate(
    path: Path, *, driver: Driver | None = None, scripts: Path = MIGRATIONS, lock_wait_s: float = 10.0
) -> Path | None:
    """Bring a catalogue to the newest revision of `scripts`.

    A catalogue that is not empty is copied to ``backups/catalogue-<version>-<time>.db`` beside it first; the newest
    five such copies are kept.

    Returns:
        The backup; None where nothing had to be done or there was nothing to lose.

    Raises:
        UnsupportedError: The catalogue has a version that `scripts` do not know: a newer cratehand made it.
        CorruptFileError: It is no catalogue, or the migration left references to nothing.
        UnavailableError: Somebody else has it open and writes, or the disk is full; it is as it was before.
    """
    from alembic import command
    from alembic.script import ScriptDirectory

    driver = driver or choose_driver()
    config = alembic_config(scripts)
    directory = ScriptDirectory.from_config(config)
    known = [script.revision for script in directory.walk_revisions()]
    with translated(path), closing(connect(path, driver, lock_wait_s=lock_wait_s)) as plain:
        version = read_version(plain, path)
    if version is not None and version not in known:
        raise UnsupportedError(
            f"{path} has the schema {version} of a newer cratehand, this one knows {known[0]}; "
            f"update cratehand, or bring back an older backup from {path.parent / 'backups'}"
        )
    if version == known[0]:
        return None
    saved = None if version is None else _back_up(path, version, driver=driver)
    with translated(path):
        engine = _engine(path, driver, lock_wait_s=lock_wait_s)
        try:
            with engine.connect() as connection, connection.begin():
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                _require_whole(connection, path)
        finally:
            engine.dispose()
    _log.info("migrated %s from %s to %s", path, version or "nothing", known[0])
    return saved


def alembic_config(scripts: Path) -> "Config":
    """Return what Alembic needs to find the revisions."""
    from alembic.config import Config

    config = Config()
    # A percent sign in the path would be taken for an interpolation.
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    return config


def _engine(path: Path, driver: Driver, *, lock_wait_s: float) -> Any:
    # Foreign keys stay off, as SQLite has them from the start: a table that is built anew must not take others with it.
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        module=driver.module,
        poolclass=NullPool,
        connect_args={"timeout": lock_wait_s, "isolation_level": None},
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # From here on no other process can change the catalogue; what an upgrade did becomes visible at once or never.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _require_whole(connection: Connection, path: Path) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise CorruptFileError(f"{path}: after the migration table {broken[0]} refers to nothing; all is as before")


def _back_up(path: Path, version: str, *, driver: Driver) -> Path:
    folder = path.parent / "backups"
    now = dt.datetime.now(tz=dt.UTC)
    target = free_name(folder, f"catalogue-{version}-{now:%Y%m%dT%H%M%SZ}")
    copy_database(path, target, driver=driver)
    older = sorted(folder.glob("catalogue-*.db"), key=lambda copy: copy.stat().st_mtime_ns, reverse=True)
    for copy in older[BACKUPS_KEPT:]:
        copy.unlink(missing_ok=True)
        _log.info("removed the old backup %s", copy)
    return target
