"""Rows of master.db that are going to change, gathered before anything is written.

A draft reads each row once and keeps it beside what it shall become, so that several edits may touch one row. Whatever
stands in the way is gathered too: one look tells all of it.
"""

import datetime as dt
import random
import uuid
from collections.abc import Mapping
from typing import Any, Final

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.collection_edit import Cells, CellValue, EditObstacle, ObstacleKind, RowChange
from cratehand.domain.ids import ForeignId
from cratehand_bridges.rekordbox.parse import parse_time_s
from cratehand_bridges.rekordbox.schema import database_id

Cell = dict[str, CellValue]

MOVING: Final = frozenset({"rb_local_usn", "updated_at", "CueUpdated"})
"""Columns that only ever move forward: stamps of a change, and the count of changes of a track's cues."""


class Draft:
    """Changes to rows, read through an open connection and not written yet.

    Args:
        connection: Open for reading or writing; nothing is written through it here.
        at_s: Wall time of the change.
        luck: Gives the ids of new rows.
    """

    def __init__(self, connection: sqlcipher.Connection, *, at_s: float, luck: random.Random) -> None:
        self._connection = connection
        self._luck = luck
        self._before: dict[tuple[str, str], Cell | None] = {}
        self._after: dict[tuple[str, str], Cell | None] = {}
        self.database_id = database_id(connection)
        self.at_s = at_s
        self.now = utc_text(at_s)
        self.obstacles: list[EditObstacle] = []
        self.notes: list[str] = []

    def row(self, table: str, row_id: str) -> Cell | None:
        """Return a row as it is going to be; None where there is none."""
        key = (table, row_id)
        if key not in self._after:
            found = self._select(table, "ID", row_id)
            self._keep(table, row_id, found[0] if found else None)
        return self._after[key]

    def rows(self, table: str, column: str, value: CellValue) -> list[Cell]:
        """Return the rows with a value in a column, as they are going to be, in the order of their making."""
        for found in self._select(table, column, value):
            row_id = str(found["ID"])
            if (table, row_id) not in self._after:
                self._keep(table, row_id, found)
        return [
            row for (name, _), row in self._after.items() if name == table and row is not None and row[column] == value
        ]

    def set(self, table: str, row_id: str, **columns: CellValue) -> None:
        """Change columns of a row that is there."""
        row = self.row(table, row_id)
        assert row is not None
        self._after[table, row_id] = {**row, **columns}

    def add(self, table: str, row_id: str, **columns: CellValue) -> None:
        """Add a row; what is not given is as Rekordbox leaves it in a new one."""
        fresh: Cell = {
            "ID": row_id, "UUID": self.new_uuid(), "rb_data_status": 0, "rb_local_data_status": 0,
            "rb_local_deleted": 0, "rb_local_synced": 0, "usn": None, "rb_local_usn": None, "created_at": self.now,
            "updated_at": self.now,
        }  # fmt: skip
        self.put_back(table, row_id, {**dict.fromkeys(self._columns(table)), **fresh, **columns})

    def put_back(self, table: str, row_id: str, row: Cells) -> None:
        """Add a row that once was there, all its columns."""
        self.row(table, row_id)
        self._after[table, row_id] = dict(row)

    def drop(self, table: str, row_id: str) -> None:
        """Remove a row."""
        self.row(table, row_id)
        self._after[table, row_id] = None

    def refuse(
        self,
        kind: ObstacleKind,
        what: str,
        *,
        track_id: ForeignId | None = None,
        column: str = "",
        expected: object = "",
        found: object = "",
    ) -> None:
        """Note something that stands in the way."""
        self.obstacles.append(
            EditObstacle(
                kind=kind, what=what, track_id=track_id, column=column, expected=str(expected), found=str(found)
            )
        )

    def conflict(self, who: str, track_id: ForeignId | None, column: str, expected: object, found: object) -> None:
        """Note that something else stands in a column than the plan says."""
        self.refuse(
            ObstacleKind.CONFLICT,
            f"{who}: {column} is {found} and not {expected} any more; make the plan anew",
            track_id=track_id,
            column=column,
            expected=expected,
            found=found,
        )

    def changes(self) -> list[RowChange]:
        """Return the rows that really differ, without their stamps."""
        return [
            RowChange(table=table, row_id=row_id, before=before, after=after)
            for (table, row_id), after in self._after.items()
            if (before := self._before[table, row_id]) != after
        ]

    def new_id(self, table: str, *, bits: int) -> str:
        """Return a free random number as text, as Rekordbox numbers its rows: 28 bits for lists, 32 for cues."""
        while True:
            row_id = str(self._luck.randrange(101, 1 << bits))
            if self.row(table, row_id) is None:
                return row_id

    def new_uuid(self) -> str:
        """Return a random UUID of version 4."""
        return str(uuid.UUID(int=self._luck.getrandbits(128), version=4))

    def _keep(self, table: str, row_id: str, row: Cell | None) -> None:
        self._before[table, row_id] = row
        self._after[table, row_id] = row

    def _columns(self, table: str) -> list[str]:
        return [str(row[1]) for row in self._connection.execute(f"PRAGMA table_info({table})").fetchall()]

    def _select(self, table: str, column: str, value: CellValue) -> list[Cell]:
        return select_rows(self._connection, table, column, value)


def select_rows(connection: sqlcipher.Connection, table: str, column: str, value: CellValue) -> list[Cell]:
    """Return whole rows, oldest first."""
    query = f"SELECT * FROM {table} WHERE {column} = ? ORDER BY rowid"  # noqa: S608  (names are ours)
    cursor = connection.execute(query, (from_cell(value),))
    names = [each[0] for each in cursor.description]
    return [{name: _to_cell(cell) for name, cell in zip(names, row, strict=True)} for row in cursor.fetchall()]


def lenient_text(text: bytes) -> str | bytes:
    """Read a text of the database; bytes that are no UTF-8 stay bytes, so that they can be put back as they were."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text


def from_cell(value: CellValue) -> object:
    """Return what SQLite is given for a cell."""
    return bytes.fromhex(value["hex"]) if isinstance(value, Mapping) else value


def utc_text(at_s: float) -> str:
    """Return a time as Rekordbox writes it: ``2026-11-20 15:12:02.374 +00:00``."""
    at = dt.datetime.fromtimestamp(at_s, tz=dt.UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S.") + f"{at.microsecond // 1000:03d} +00:00"


def moved_on(at_s: float, earlier: CellValue) -> str:
    """Return the time of a change, 1 ms after the earlier one where the clock would go back."""
    before_s = parse_time_s(earlier) if isinstance(earlier, str) else None
    # Half a millisecond more keeps the rounding of the text from standing still.
    return utc_text(at_s if before_s is None or at_s > before_s + 0.001 else before_s + 0.0015)


def _to_cell(value: Any) -> CellValue:
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    assert value is None or isinstance(value, int | float | str)
    return value
