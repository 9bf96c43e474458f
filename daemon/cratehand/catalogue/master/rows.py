"""Many rows at once on either engine: COPY through a temporary table on PostgreSQL, executemany on SQLite."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Boolean, Connection, Table

from cratehand.catalogue.keys import chunks

Row = tuple[Any, ...]

_FEW: Final = 100
"""Up to so many rows a temporary table does not pay."""

_INTS_AT_ONCE: Final = 5000


def is_postgres(connection: Connection) -> bool:
    """Whether this is the master."""
    return connection.dialect.name == "postgresql"


def select(connection: Connection, statement: str, values: Sequence[Any] = ()) -> list[Row]:
    """Return the rows of a statement as plain tuples, straight from the driver: for a million the difference tells."""
    cursor = driver(connection).execute(statement, values) if values else driver(connection).execute(statement)
    rows: list[Row] = cursor.fetchall()
    return rows


def select_by_keys(connection: Connection, statement: str, keys: Iterable[int]) -> Iterator[Row]:
    """Yield the rows of a statement in which ``{keys}`` stands for ``IN (...)`` over whole numbers."""
    for piece in chunks(keys, _INTS_AT_ONCE):
        if is_postgres(connection):
            yield from select(connection, statement.format(keys="= ANY(%s)"), (list(piece),))
        else:
            # Numbers are ours, and SQLite takes them in the text without a limit on their count.
            yield from select(connection, statement.format(keys=f"IN ({','.join(map(str, piece))})"))


def select_by_names(connection: Connection, statement: str, names: Iterable[str]) -> Iterator[Row]:
    """Do the same over texts."""
    for piece in chunks(names):
        if is_postgres(connection):
            yield from select(connection, statement.format(keys="= ANY(%s)"), (list(piece),))
        else:
            yield from select(connection, statement.format(keys=f"IN ({','.join('?' * len(piece))})"), tuple(piece))


def execute_by_keys(connection: Connection, statement: str, keys: Iterable[int]) -> None:
    """Run a statement that changes rows by whole numbers, see `select_by_keys`."""
    for piece in chunks(keys, _INTS_AT_ONCE):
        if is_postgres(connection):
            connection.exec_driver_sql(statement.format(keys="= ANY(%s)"), (list(piece),))
        else:
            connection.exec_driver_sql(statement.format(keys=f"IN ({','.join(map(str, piece))})"))


def upsert(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[Row],
    *,
    keys: Sequence[str],
    changed: Sequence[str] | None = None,
) -> None:
    """Insert rows; where one with these keys is there already, set the `changed` columns of it.

    Args:
        connection: Inside a transaction of either engine.
        table: Which.
        columns: Names of the values in each row.
        rows: Plain values.
        keys: Columns of a unique constraint.
        changed: Columns to set; all but the keys where None, nothing where empty: the row that is there stays.
    """
    if not rows:
        return
    changed = [name for name in columns if name not in keys] if changed is None else changed
    action = f"UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in changed)}" if changed else "NOTHING"
    names, conflict = ", ".join(columns), f"ON CONFLICT ({', '.join(keys)}) DO {action}"
    # Names come from our own schema, values are bound or copied.
    if not is_postgres(connection):
        marks = ", ".join("?" * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks}) {conflict}", list(rows))  # noqa: S608
        return
    rows = _with_booleans(table, columns, rows)
    if len(rows) <= _FEW:
        marks = ", ".join(["%s"] * len(columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks}) {conflict}", list(rows))  # noqa: S608
        return
    stage = f"stage_{table.name}"
    connection.exec_driver_sql(f"CREATE TEMP TABLE {stage} ON COMMIT DROP AS SELECT {names} FROM {table.name} LIMIT 0")  # noqa: S608
    with driver(connection).cursor().copy(f"COPY {stage} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) SELECT {names} FROM {stage} {conflict}")  # noqa: S608
    connection.exec_driver_sql(f"DROP TABLE {stage}")


def driver(connection: Connection) -> Any:
    """Return psycopg's own connection."""
    return connection.connection.driver_connection


def _with_booleans(table: Table, columns: Sequence[str], rows: Sequence[Row]) -> Sequence[Row]:
    # SQLite gives 0 and 1, which PostgreSQL does not take for a boolean.
    places = [place for place, name in enumerate(columns) if isinstance(table.c[name].type, Boolean)]
    if not places:
        return rows
    changed = []
    for row in rows:
        values = list(row)
        for place in places:
            values[place] = bool(values[place])
        changed.append(tuple(values))
    return changed
