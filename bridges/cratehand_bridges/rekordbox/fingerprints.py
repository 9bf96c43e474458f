"""What each row of the collection was like when it was last read, in 20 to 60 bytes a row.

This is what a later read compares with: which rows are new, changed or gone, and whose they were.
"""

import contextlib
import json
import logging
import marshal
import os
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand_bridges.rekordbox.rows import DELETED, FOLLOWED, ID, OWNER, USN, Row, Table

_log = logging.getLogger(__name__)

_VERSION: Final = 2
_PARTS: Final = ("ids", "owners", "usns", "sums")

Bytes = npt.NDArray[np.bytes_]


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprints:
    """The rows of one table, ascending by ID.

    Attributes:
        ids: Their IDs in ASCII, shape ``(rows,)``.
        owners: Whose they are, empty where nobody's, shape ``(rows,)``.
        usns: Their ``rb_local_usn``, 0 where it is NULL, int64, shape ``(rows,)``.
        sums: CRC-32 of everything we read of them, the ``rb_local_usn`` excepted, uint32, shape ``(rows,)``.
    """

    ids: Bytes
    owners: Bytes
    usns: npt.NDArray[np.int64]
    sums: npt.NDArray[np.uint32]

    @property
    def totals(self) -> tuple[int, int]:
        """How many rows, and the sum of their ``rb_local_usn``."""
        return len(self.ids), int(self.usns.sum())

    def find(self, ids: Bytes) -> npt.NDArray[np.int64]:
        """Return the place of each ID, -1 where it is not here."""
        places = np.searchsorted(self.ids, ids)
        inside = np.minimum(places, max(len(self.ids) - 1, 0))
        hit = self.ids[inside] == ids if len(self.ids) else np.zeros(len(ids), dtype=bool)
        return np.where(hit, inside, -1)

    def owners_of(self, places: npt.NDArray[np.int64]) -> set[str]:
        """Return whose the rows at these places are."""
        return {owner.decode("ascii") for owner in self.owners[places].tolist() if owner}

    def without(self, places: npt.NDArray[np.int64]) -> "Fingerprints":
        """Return these without the rows at some places."""
        kept = np.ones(len(self.ids), dtype=bool)
        kept[places] = False
        return Fingerprints(self.ids[kept], self.owners[kept], self.usns[kept], self.sums[kept])

    def joined(self, other: "Fingerprints") -> "Fingerprints":
        """Return these with the rows of another, which must have other IDs."""
        ids = np.concatenate([self.ids, other.ids])
        order = np.argsort(ids, kind="stable")
        return Fingerprints(
            ids[order],
            np.concatenate([self.owners, other.owners])[order],
            np.concatenate([self.usns, other.usns])[order],
            np.concatenate([self.sums, other.sums])[order],
        )


def ascii_ids(ids: Iterable[object]) -> Bytes:
    """Return IDs as fixed-width ASCII; what is not ASCII is escaped."""
    texts = [str(each or "") for each in ids]
    try:
        return np.array(texts or [""], dtype=np.bytes_)[: len(texts)]
    except UnicodeEncodeError:
        return np.array([text.encode("ascii", "backslashreplace") for text in texts], dtype=np.bytes_)


def fingerprints_of(rows: Sequence[Row]) -> Fingerprints:
    """Return the fingerprints of rows in any order; of two with one ID the later one."""
    crc32, dumps = zlib.crc32, marshal.dumps
    ids = ascii_ids(row[ID] for row in rows)
    # Version 0 of marshal writes equal rows as equal bytes, whatever Python shares between objects.
    sums = np.fromiter((crc32(dumps(row[DELETED:], 0)) for row in rows), dtype=np.uint32, count=len(rows))
    usns = np.fromiter((row[USN] if type(row[USN]) is int else 0 for row in rows), dtype=np.int64, count=len(rows))
    owners = ascii_ids(row[OWNER] for row in rows)
    order = np.argsort(ids, kind="stable")
    ids = ids[order]
    last = np.append(ids[1:] != ids[:-1], True) if len(ids) else np.zeros(0, dtype=bool)
    order = order[last]
    return Fingerprints(ids[last], owners[order], usns[order], sums[order])


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """The whole collection as it was when `token` was given out.

    Attributes:
        token: Stands in the mark too, so that a mark and a baseline that do not belong together are noticed.
        database_id: ``djmdProperty.DBID``.
        update_count: ``localUpdateCount``.
        tables: Fingerprints by the name of the table, of all tables that are followed.
    """

    token: str
    database_id: str
    update_count: int
    tables: Mapping[str, Fingerprints]

    def save(self, path: Path, *, looked: str) -> None:
        """Write the baseline, atomically. A cache: where it can't be written the next start reads everything.

        Args:
            path: Where to.
            looked: How the files of the database looked when every row was compared; empty where rows changed since.
        """
        head = {
            "version": _VERSION, "token": self.token, "id": self.database_id, "count": self.update_count,
            "looked": looked,
        }  # fmt: skip
        arrays: dict[str, npt.NDArray[np.generic]] = {"head": np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)}
        for name, prints in self.tables.items():
            arrays |= {f"{name}.{part}": getattr(prints, part) for part in _PARTS}
        unfinished = path.with_suffix(".new")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes the names for its own options
            os.replace(unfinished, path)  # noqa: PTH105  (the same, and says what it does)
        except OSError as error:
            _log.warning("could not keep %s, the next start reads the whole collection: %s", path, error)
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)


def load_baseline(path: Path) -> tuple[Baseline, str] | None:
    """Read a kept baseline and how the files looked; None where there is none, or not of this version, or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            head = json.loads(arrays["head"].tobytes())
            if head["version"] != _VERSION:
                return None
            tables = {
                table.name: Fingerprints(*(arrays[f"{table.name}.{part}"] for part in _PARTS)) for table in FOLLOWED
            }
            baseline = Baseline(str(head["token"]), str(head["id"]), int(head["count"]), tables)
            return baseline, str(head["looked"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        _log.info("%s can not be used: %s", path, error)
        return None


def take_baseline(token: str, database_id: str, update_count: int, rows: Mapping[Table, Sequence[Row]]) -> Baseline:
    """Make the baseline of a full read."""
    tables = {table.name: fingerprints_of(rows[table]) for table in FOLLOWED}
    return Baseline(token, database_id, update_count, tables)
