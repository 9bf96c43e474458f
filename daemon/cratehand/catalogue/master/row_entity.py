"""What is kept in step, described: rows of one table, their key, what of them travels, and when a change is noted.

A row is named by its *key*: the track it belongs to (0 for none) and a name (empty where the track says it all); local
numbers of playlists and spaces never travel.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from sqlalchemy import Connection, Table

from cratehand.catalogue.master.rows import is_postgres, select_by_keys, select_by_names, upsert

Key = tuple[int, str]
Value = tuple[Any, ...]
Event = Literal["INSERT", "UPDATE", "DELETE"]
EMPTY: Final = "''"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When a change is noted. ``{row}`` in the texts is NEW or OLD."""

    table: str
    events: tuple[Event, ...] = ("INSERT", "UPDATE", "DELETE")
    track: str = "0"
    name: str = "''"
    base: str | None = None
    """What the row was before, JSON."""
    when: str = ""
    """Further condition on an UPDATE."""
    before: bool = False
    """Whether it looks before the change happens."""
    many: bool = False
    """Whether many rows belong to one key: it is then noted once every few seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowEntity:
    """Rows of one table, each a thing of its own."""

    name: str
    table: Table
    columns: tuple[str, ...]
    """What travels, besides the key."""
    track_column: str | None = None
    name_column: str | None = None
    settles: Literal["fields", "list", "whole"] = "fields"
    tells: bool = False
    """Whether the DJ wants to hear of a value that lost."""
    weight: int = 1
    """How much of a batch one of them takes."""
    triggers: tuple[Trigger, ...] = field(default=())
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Values of columns that do not travel, for new rows."""

    @property
    def of_track(self) -> bool:
        """Whether it goes with its track."""
        return self.track_column is not None

    @property
    def key_columns(self) -> tuple[str, ...]:
        """Columns that make the key."""
        return tuple(name for name in (self.track_column, self.name_column) if name is not None)

    def all_keys(self) -> str:
        """Return a statement that gives every key."""
        return f"SELECT {self.track_column or '0'}, {self.name_column or EMPTY} FROM {self.table.name}"  # noqa: S608

    def keys_of(self, connection: Connection, tracks: Iterable[int]) -> list[Key]:
        """Return the keys of these tracks."""
        if self.track_column is None:
            return []
        statement = f"{self.all_keys()} WHERE {self.track_column} {{keys}}"
        return [(row[0], row[1]) for row in select_by_keys(connection, statement, tracks)]

    def read(self, connection: Connection, keys: Iterable[Key]) -> dict[Key, Value]:
        """Return the values of those that exist."""
        wanted = set(keys)
        columns = ", ".join((self.track_column or "0", self.name_column or EMPTY, *self.columns))
        if self.track_column is not None:
            statement = f"SELECT {columns} FROM {self.table.name} WHERE {self.track_column} {{keys}}"  # noqa: S608
            rows = select_by_keys(connection, statement, {track for track, _ in wanted})
        else:
            statement = f"SELECT {columns} FROM {self.table.name} WHERE {self.name_column} {{keys}}"  # noqa: S608
            rows = select_by_names(connection, statement, {name for _, name in wanted})
        return {key: tuple(row[2:]) for row in rows if (key := (row[0], row[1])) in wanted}

    def write(self, connection: Connection, values: Mapping[Key, Value]) -> None:
        """Insert or replace."""
        columns = (*self.key_columns, *self.columns, *self.fixed)
        rows = [(*self._key_values(key), *value, *self.fixed.values()) for key, value in values.items()]
        upsert(connection, self.table, columns, rows, keys=self.key_columns, changed=self.columns)

    def remove(self, connection: Connection, keys: Iterable[Key]) -> None:
        """Delete; fine where there is none."""
        condition = " AND ".join(f"{name} = {mark(connection)}" for name in self.key_columns)
        rows = [self._key_values(key) for key in keys]
        if rows:
            connection.exec_driver_sql(f"DELETE FROM {self.table.name} WHERE {condition}", rows)  # noqa: S608

    def _key_values(self, key: Key) -> Value:
        track, name = key
        return (*((track,) if self.track_column else ()), *((name,) if self.name_column else ()))


def mark(connection: Connection) -> str:
    """Return how a value is marked in statements of this engine."""
    return "%s" if is_postgres(connection) else "?"
