"""Many rows at once through the driver, which takes tuples as they are."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter

from sqlalchemy import Connection, Table, func, select

_MARKS = {"qmark": "?", "format": "%s", "pyformat": "%s"}

_MANY = 2000

Rows = Sequence[tuple[object, ...]]


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Rows) -> None:
    """Insert tuples in the order of `columns`.

    Values are plain str, int, float, bytes or None, never of a subclass and never bool, and text is storable already:
    SQLite's drivers look for an adapter of everything else, which takes longer than the insert. They do so for None,
    too, and so a column that is None in all rows is left out.
    """
    if not rows:
        return
    used = [
        index
        for index, name in enumerate(columns)
        if not table.c[name].nullable or any(row[index] is not None for row in rows)
    ]
    if len(used) < len(columns):
        rows = list(map(itemgetter(*used), rows))
        columns = [columns[index] for index in used]
    mark = _MARKS[connection.dialect.paramstyle]
    names, marks = ", ".join(columns), ", ".join([mark] * len(columns))
    # Names come from our own schema, values are bound.
    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))  # noqa: S608


@contextmanager
def no_search_for_circles(coming: int) -> Iterator[None]:
    """Keep Python from walking a million living objects again and again while many rows are made of them.

    None of them lies in a circle. Circles that other threads leave meanwhile are found a few seconds later.
    """
    pauses = coming > _MANY and gc.isenabled()
    if pauses:
        gc.disable()
    try:
        yield
    finally:
        if pauses:
            gc.enable()


@contextmanager
def indexes_later(connection: Connection, table: Table, *, coming: int) -> Iterator[None]:
    """Build the indexes of a table after the block where that is quicker: where it grows to a multiple.

    Sorting once takes a fifth of finding the place of each row. It happens inside the transaction, others never see it.

    Args:
        connection: Inside a write transaction.
        table: Which.
        coming: How many rows the block will insert.
    """
    there = connection.execute(select(func.count()).select_from(table)).scalar_one()
    indexes = sorted(table.indexes, key=lambda index: str(index.name)) if coming > _MANY + 2 * there else []
    for index in indexes:
        index.drop(connection)
    yield
    for index in indexes:
        index.create(connection)


def update_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Rows) -> None:
    """Update the columns after the first of the rows that the first one names."""
    if rows:
        mark = _MARKS[connection.dialect.paramstyle]
        key, *others = columns
        assignments = ", ".join(f"{name} = {mark}" for name in others)
        statement = f"UPDATE {table.name} SET {assignments} WHERE {key} = {mark}"  # noqa: S608
        connection.exec_driver_sql(statement, [(*row[1:], row[0]) for row in rows])
