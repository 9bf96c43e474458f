"""Facts whose value was changed, or that were taken out, after the master had heard of them.

Facts as such only grow, see `sending`; only a plan that gives a track another file moves or drops what was said of the
old one, and its undoing brings it back (`cratehand.catalogue.carrying`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cratehand.catalogue import schema
from cratehand.catalogue.master.row_entity import Key, RowEntity, Value, mark
from cratehand.catalogue.master.rows import Row, execute_by_keys, select_by_keys, upsert


def provenance_of(key: Key) -> int:
    """Return the provenance that a key names."""
    return int(key[1].rpartition(" ")[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class FactEntity(RowEntity):
    """Single facts, named by field and provenance."""

    def all_keys(self) -> str:
        # All that is there travels as facts.
        return "SELECT track, field FROM facts WHERE 1 = 0"

    def keys_of(self, connection: Connection, tracks: Iterable[int]) -> list[Key]:
        return []

    def read(self, connection: Connection, keys: Iterable[Key]) -> dict[Key, Value]:
        wanted = set(keys)
        statement = "SELECT track, field, provenance, value, confidence FROM facts WHERE track {keys}"
        rows = select_by_keys(connection, statement, {track for track, _ in wanted})
        return {key: tuple(row[3:]) for row in rows if (key := (row[0], f"{row[1]} {row[2]}")) in wanted}

    def write(self, connection: Connection, values: Mapping[Key, Value]) -> None:
        rows = [(*_columns(key), *value) for key, value in values.items()]
        columns = ("track", "field", "provenance", "value", "confidence")
        upsert(connection, schema.facts, columns, rows, keys=columns[:3])

    def remove(self, connection: Connection, keys: Iterable[Key]) -> None:
        here, rows = mark(connection), [_columns(key) for key in keys]
        if rows:
            statement = f"DELETE FROM facts WHERE track = {here} AND field = {here} AND provenance = {here}"  # noqa: S608
            connection.exec_driver_sql(statement, rows)


def forget_deletions(connection: Connection, facts: Iterable[Row]) -> None:
    """Forget, on the master, that facts were taken out that somebody brings once more: a change beats a deletion."""
    statement = (
        "DELETE FROM changes WHERE entity = 'fact' AND deleted AND track {keys} AND EXISTS (SELECT 1 FROM facts "
        "WHERE facts.track = changes.track AND facts.field || ' ' || facts.provenance = changes.name)"
    )
    execute_by_keys(connection, statement, sorted({row[0] for row in facts}))


def _columns(key: Key) -> tuple[Any, ...]:
    return key[0], key[1].rpartition(" ")[0], provenance_of(key)
