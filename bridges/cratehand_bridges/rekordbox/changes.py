"""Finds out which rows changed since the last read, table by table.

Rekordbox stamps each row that it writes with a growing number (``rb_local_usn``), so that asking for higher numbers
than last time finds its changes in no time. What that misses is found by two checks. Rows that vanished, and rows that
somebody wrote without a stamp (Rekordbox itself does so in ``djmdCue``), show as a count of rows or a sum of stamps
that the found changes do not explain: then all stamps are compared. Rows that somebody changed in place without a new
stamp are found only by comparing everything we read of every row, the *sweep*.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cratehand_bridges.rekordbox.fingerprints import Fingerprints, ascii_ids, fingerprints_of
from cratehand_bridges.rekordbox.rows import ID, Reader, Row, Table


@dataclass(frozen=True, slots=True, eq=False)
class TableChange:
    """What changed in one table.

    Attributes:
        rows: New and changed rows as they are now; rows that were marked as deleted are among them.
        gone: IDs of rows that are not there any more.
        owners: Whose rows changed or went, before and after.
        after: Fingerprints of the whole table now.
    """

    rows: Sequence[Row]
    gone: Sequence[str]
    owners: frozenset[str]
    after: Fingerprints

    @property
    def ids(self) -> set[str]:
        """IDs of all rows that are new, changed or gone."""
        return {row[ID] for row in self.rows}.union(self.gone)

    def __bool__(self) -> bool:
        return bool(self.rows or self.gone)


def table_change(reader: Reader, table: Table, before: Fingerprints, *, since: int) -> TableChange:
    """Return what changed in a table after the update count `since`."""
    change = _compared(reader.since(table, since), before)
    if reader.totals(table) == change.after.totals:
        return change
    # Unexplained: compare all stamps with those we know, and read what differs.
    stamps = reader.stamps(table)
    ids = ascii_ids(row_id for row_id, _ in stamps)
    usns = np.fromiter((usn if type(usn) is int else 0 for _, usn in stamps), dtype=np.int64, count=len(stamps))
    places = before.find(ids)
    known = np.append(before.usns, -1)[places] == usns
    differing = [stamps[place][0] for place in np.flatnonzero((places < 0) | ~known)]
    return _compared(reader.with_ids(table, differing), before, vanished=_missing(before, places))


def swept_change(reader: Reader, table: Table, before: Fingerprints) -> TableChange:
    """Return what changed in a table, from a comparison of every row."""
    rows = reader.all(table)
    return _compared(rows, before, vanished=_missing(before, before.find(ascii_ids(row[ID] for row in rows))))


def _missing(before: Fingerprints, found: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the places of the rows that were not found."""
    gone = np.ones(len(before.ids), dtype=bool)
    gone[found[found >= 0]] = False
    return np.flatnonzero(gone)


def _compared(
    rows: Sequence[Row], before: Fingerprints, *, vanished: npt.NDArray[np.int64] | None = None
) -> TableChange:
    """Compare rows as they are now with what they were; rows that are alike but for the stamp did not change."""
    now = fingerprints_of(rows)
    places = before.find(now.ids)
    unlike = (places < 0) | (np.append(before.sums, np.uint32(0))[places] != now.sums)
    vanished = np.zeros(0, dtype=np.int64) if vanished is None else vanished
    changed_ids = set(now.ids[unlike].tolist())
    changed = [
        row for row, key in zip(rows, ascii_ids(row[ID] for row in rows).tolist(), strict=True) if key in changed_ids
    ]
    altered = places[unlike & (places >= 0)]
    owners = before.owners_of(np.concatenate([altered, vanished])) | now.owners_of(np.flatnonzero(unlike))
    replaced = np.concatenate([places[places >= 0], vanished])
    return TableChange(
        rows=changed,
        gone=[row_id.decode("ascii") for row_id in before.ids[vanished].tolist()],
        owners=frozenset(owners),
        after=before.without(replaced).joined(now) if len(replaced) or len(now.ids) else before,
    )
