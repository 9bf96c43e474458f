"""Writes the rows of a change inside one open transaction, stamped as Rekordbox stamps its own."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.collection_edit import Cells, RowChange
from cratehand.domain.errors import ConflictError, UnsupportedError
from cratehand_bridges.rekordbox.draft import from_cell, moved_on, select_rows
from cratehand_bridges.rekordbox.edit_cues import CUE

_COUNT_UP: Final = (
    "UPDATE agentRegistry SET int_1 = int_1 + ? WHERE registry_id = 'localUpdateCount' AND int_1 >= 0 RETURNING int_1"
)


def stamped(connection: sqlcipher.Connection, changes: Sequence[RowChange], *, at_s: float) -> tuple[RowChange, ...]:
    """Give each change a number of its own from ``localUpdateCount``, and the time.

    The counter is raised and read in one statement, so that two writers never share a number. ``djmdCue`` rows have no
    number in Rekordbox, their copy in ``contentCue`` has.

    Raises:
        UnsupportedError: The database keeps no counter.
    """
    counted = [change for change in changes if _is_counted(change)]
    # All rows are fetched: a statement that is left open would be undone by the next one.
    found = connection.execute(_COUNT_UP, (len(counted),)).fetchall()
    if not found:
        raise UnsupportedError("this master.db keeps no localUpdateCount; only databases of Rekordbox 6 are written to")
    usn = int(found[0][0]) - len(counted)
    result = []
    for change in changes:
        usn += _is_counted(change)
        result.append(_with_stamp(change, usn if _is_counted(change) else None, at_s))
    return tuple(result)


def write_rows(connection: sqlcipher.Connection, changes: Iterable[RowChange]) -> None:
    """Insert, update and delete rows; of an updated row only the columns that differ.

    Raises:
        ConflictError: A row is not there.
    """
    for change in changes:
        after = change.after
        if after is None:
            query, values = f"DELETE FROM {change.table} WHERE ID = ?", [change.row_id]  # noqa: S608  (names are ours)
        elif change.before is None:
            names, marks = ", ".join(after), ", ".join("?" * len(after))
            query = f"INSERT INTO {change.table} ({names}) VALUES ({marks})"  # noqa: S608  (as above)
            values = list(after.values())  # type: ignore[arg-type]  # one list for three statements
        else:
            columns = [name for name in after if after[name] != change.before[name]]
            settings = ", ".join(f"{name} = ?" for name in columns)
            query = f"UPDATE {change.table} SET {settings} WHERE ID = ?"  # noqa: S608  (as above)
            values = [*(after[name] for name in columns), change.row_id]  # type: ignore[list-item]  # as above
        if connection.execute(query, [from_cell(value) for value in values]).rowcount != 1:
            raise ConflictError(f"{change.table} has no row {change.row_id} any more; make the plan anew")


def differing(connection: sqlcipher.Connection, changes: Iterable[RowChange]) -> list[str]:
    """Return the columns, as ``table.column of row``, in which the database is not what was to be written."""
    wrong = []
    for change in changes:
        found: Cells | None = current_row(connection, change)
        if found is None or change.after is None:
            wrong += [] if found is change.after else [f"{change.table} row {change.row_id}"]
            continue
        wrong += [
            f"{change.table}.{name} of {change.row_id}" for name in change.after if found[name] != change.after[name]
        ]
    return wrong


def is_written(connection: sqlcipher.Connection, changes: Sequence[RowChange]) -> bool:
    """Whether a transaction was committed before a crash: one of its rows is there with its stamp, or is gone.

    Others may have changed since, by hand.
    """
    for change in changes:
        found, after = current_row(connection, change), change.after
        if after is None or found is None:
            if after is None and found is None and change.before is not None:
                return True
            continue
        if change.before is None or all(found[name] == after[name] for name in ("rb_local_usn", "updated_at")):
            return True
    return False


def current_row(connection: sqlcipher.Connection, change: RowChange) -> Cells | None:
    """Return the row of a change as the database has it now."""
    rows = select_rows(connection, change.table, "ID", change.row_id)
    return rows[0] if rows else None


def _is_counted(change: RowChange) -> bool:
    if change.table != CUE:
        return True
    row = change.before or change.after
    return row is not None and row["rb_local_usn"] is not None


def _with_stamp(change: RowChange, usn: int | None, at_s: float) -> RowChange:
    if change.after is None:
        return change
    after = dict(change.after)
    if usn is not None:
        after["rb_local_usn"] = usn
    earlier = change.before["updated_at"] if change.before is not None else None
    if change.before is not None and after["updated_at"] == earlier:
        after["updated_at"] = moved_on(at_s, earlier)
    return replace(change, after=after)
