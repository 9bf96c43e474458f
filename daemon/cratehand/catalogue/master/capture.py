"""Noting on the device what the master does not have yet, by triggers, in the transaction of the change itself.

They exist from the moment on in which a device is bound to a master; before that nothing is noted and nothing costs.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection

from cratehand.catalogue.master.entities import ENTITIES, PARTS
from cratehand.catalogue.master.row_entity import RowEntity, Trigger
from cratehand.catalogue.noting import AGAIN, STAMP, WALL_MS
from cratehand.domain.hybrid_clock import COUNTER_BITS

FACTS: Final = "facts"
_NOTED_AGAIN_MS: Final = 5000


def install(connection: Any) -> None:
    """Make the triggers that are not there; takes a connection of SQLAlchemy or of the driver."""
    run = connection.exec_driver_sql if isinstance(connection, Connection) else connection.execute
    for entity in ENTITIES:
        for trigger in entity.triggers:
            for statement in _statements(entity, trigger):
                run(statement)
    run(_FACTS)
    run(_PARTS_GO)


@contextmanager
def silent(connection: Connection) -> Iterator[None]:
    """Note nothing inside the block: what is written there comes from the master. No other process sees it."""
    connection.exec_driver_sql("UPDATE capture SET active = 0")
    try:
        yield
    finally:
        connection.exec_driver_sql("UPDATE capture SET active = 1")


@contextmanager
def noting(connection: Connection) -> Iterator[None]:
    """Note changes inside this part of a `silent` block."""
    connection.exec_driver_sql("UPDATE capture SET active = 1")
    try:
        yield
    finally:
        connection.exec_driver_sql("UPDATE capture SET active = 0")


def note_everything(connection: Connection) -> None:
    """Take everything on this device for new."""
    for entity in ENTITIES:
        connection.exec_driver_sql(
            f"INSERT INTO changes (entity, track, name, stamp) SELECT '{entity.name}', keys.*, {STAMP} "  # noqa: S608
            f"FROM ({entity.all_keys()}) AS keys WHERE true {AGAIN}"
        )
    connection.exec_driver_sql(
        f"INSERT INTO changes (entity, track, name, stamp, since) SELECT '{FACTS}', track, '', {STAMP}, 0 "  # noqa: S608
        f"FROM tracks WHERE true {AGAIN}"
    )


def note_tracks(connection: Connection, tracks: Iterable[int]) -> None:
    """Take these tracks with all their parts for new."""
    wanted = sorted(tracks)
    if not wanted:
        return
    keys = [("track", track, "", None) for track in wanted] + [(FACTS, track, "", 0) for track in wanted]
    for entity in ENTITIES:
        if entity.name in PARTS:
            keys += [(entity.name, *key, None) for key in entity.keys_of(connection, wanted)]
    connection.exec_driver_sql(
        f"INSERT INTO changes (entity, track, name, stamp, since) VALUES (?, ?, ?, {STAMP}, ?) {AGAIN}",  # noqa: S608
        keys,
    )


def _statements(entity: RowEntity, trigger: Trigger) -> Iterator[str]:
    for event in trigger.events:
        row = "OLD" if event == "DELETE" else "NEW"
        track, name = trigger.track.format(row=row), trigger.name.format(row=row)
        conditions = ["(SELECT active FROM capture)"]
        if event == "UPDATE" and trigger.when:
            conditions.append(f"({trigger.when})")
        if trigger.many:
            conditions.append(
                f"NOT EXISTS (SELECT 1 FROM changes WHERE entity = '{entity.name}' AND track = {track} "  # noqa: S608
                f"AND name = {name} AND NOT sending AND error IS NULL "
                f"AND stamp > ({WALL_MS} - {_NOTED_AGAIN_MS}) << {COUNTER_BITS})"
            )
        base = "NULL" if trigger.base is None or (event == "INSERT" and not trigger.before) else trigger.base
        yield (
            f"CREATE TRIGGER IF NOT EXISTS capture_{entity.name}_{event.lower()} "  # noqa: S608
            f"{'BEFORE' if trigger.before else 'AFTER'} {event} ON {trigger.table} "
            f"WHEN {' AND '.join(conditions)} BEGIN INSERT INTO changes (entity, track, name, stamp, base) "
            f"VALUES ('{entity.name}', {track}, {name}, {STAMP}, {base.format(row=row)}) {AGAIN}; END"
        )


_FACTS: Final = (
    "CREATE TRIGGER IF NOT EXISTS capture_facts_insert AFTER INSERT ON facts "  # noqa: S608
    "WHEN (SELECT active FROM capture) AND NOT EXISTS (SELECT 1 FROM changes WHERE entity = 'facts' "
    "AND track = NEW.track AND name = '' AND since <= NEW.provenance AND NOT sending AND error IS NULL) "
    "BEGIN INSERT INTO changes (entity, track, name, stamp, since) "
    f"VALUES ('facts', NEW.track, '', {STAMP}, NEW.provenance) {AGAIN}; END"
)

_PARTS_GO: Final = (
    "CREATE TRIGGER IF NOT EXISTS capture_parts_go AFTER DELETE ON tracks WHEN (SELECT active FROM capture) BEGIN "  # noqa: S608
    "DELETE FROM changes WHERE track = OLD.track "
    f"AND entity IN ({', '.join(repr(name) for name in (FACTS, *PARTS))}); END"
)
