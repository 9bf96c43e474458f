"""Which known tracks may carry a landed recording: an inverted index over fingerprint items, in a file of its own.

The file follows from the facts and may be deleted at any time. It takes about 3 KB a track on disk and, however many
tracks there are, the few pages in memory that a question touches.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from cratehand.catalogue.driver import Driver, choose_driver
from cratehand.catalogue.keys import chunks, find_key, id_of, key_of
from cratehand.catalogue.opening import connect
from cratehand.domain.errors import UnavailableError
from cratehand.domain.ids import TrackId

Sampler = Callable[[str], tuple[npt.NDArray[np.uint32], npt.NDArray[np.intp]]]
"""Takes a fingerprint, gives the items that are kept of it and their places."""

_VERSION: Final = 1
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS tracks (number INTEGER PRIMARY KEY, track INTEGER NOT NULL UNIQUE, items BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    item INTEGER NOT NULL, number INTEGER NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (item, number, place)
) WITHOUT ROWID;
"""
_COMMON: Final = 400
"""An item of so many places (silence, a plain kick drum) tells nobody apart."""
_FEWEST_VOTES: Final = 2
_LITTLE: Final = np.dtype("<u4")


class FingerprintIndexFile:
    """`FingerprintIndex` in a SQLite file. Thread-safe; every call is one transaction.

    Args:
        path: The file; made with its folder where it is missing, made anew where it is damaged or of another version.
        sample: What is kept of a fingerprint; raises `InvalidInputError` for a text that is none.
    """

    def __init__(self, path: Path, sample: Sampler, *, driver: Driver | None = None) -> None:
        self._path = path
        self._sample = sample
        self._driver = driver or choose_driver()
        self._lock = threading.Lock()
        self._connection = self._open()

    def __enter__(self) -> "FingerprintIndexFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; allowed twice."""
        with self._lock:
            self._connection.close()

    def add(self, track: TrackId, fingerprint: str) -> None:
        self.add_all([(track, fingerprint)])

    def add_all(self, fingerprints: Iterable[tuple[TrackId, str]]) -> None:
        """Add many in one transaction: 50,000 in about a minute."""
        rows = [(key_of(track), *self._sample(text)) for track, text in fingerprints]
        with self._transaction() as connection:
            postings: list[tuple[int, int, int]] = []
            for key, items, places in rows:
                self._forget(connection, key)
                packed = items.astype(_LITTLE).tobytes() + places.astype(_LITTLE).tobytes()
                inserted = connection.execute("INSERT INTO tracks (track, items) VALUES (?, ?)", (key, packed))
                number = int(inserted.lastrowid)
                postings += [(item, number, place) for item, place in zip(items.tolist(), places.tolist(), strict=True)]
            # In the order of the tree, so that its pages are written once.
            connection.executemany("INSERT OR IGNORE INTO items VALUES (?, ?, ?)", sorted(postings))

    def remove(self, track: TrackId) -> None:
        key = find_key(track)
        if key is not None:
            with self._transaction() as connection:
                self._forget(connection, key)

    def tracks(self) -> frozenset[TrackId]:
        """Return which tracks are known, to be compared with the catalogue."""
        with self._transaction() as connection:
            return frozenset(id_of(row[0]) for row in connection.execute("SELECT track FROM tracks"))

    def candidates(self, fingerprint: str, *, limit: int = 10) -> Sequence[tuple[TrackId, float]]:
        items, places = self._sample(fingerprint)
        votes: Counter[tuple[int, int]] = Counter()
        with self._transaction() as connection:
            for item in set(items.tolist()):
                query = "SELECT number, place FROM items WHERE item = ? LIMIT ?"
                rows = connection.execute(query, (item, _COMMON + 1)).fetchall()
                if len(rows) <= _COMMON:
                    own = places[items == item].tolist()
                    votes.update((number, place - its) for number, place in rows for its in own)
            best = _best_shifts(votes)[:limit]
            found = [(self._track(connection, number), count / max(items.size, 1)) for number, count in best]
        return [(id_of(key), min(share, 1.0)) for key, share in found]

    def _track(self, connection: Any, number: int) -> int:
        return int(connection.execute("SELECT track FROM tracks WHERE number = ?", (number,)).fetchone()[0])

    def _forget(self, connection: Any, key: int) -> None:
        row = connection.execute("SELECT number, items FROM tracks WHERE track = ?", (key,)).fetchone()
        if row is None:
            return
        kept = np.unique(np.frombuffer(row[1], dtype=_LITTLE)[: len(row[1]) // 8]).tolist()
        for piece in chunks(kept):
            marks = ",".join("?" * len(piece))
            connection.execute(f"DELETE FROM items WHERE number = ? AND item IN ({marks})", (row[0], *piece))  # noqa: S608 - marks only
        connection.execute("DELETE FROM tracks WHERE number = ?", (row[0],))

    @contextmanager
    def _transaction(self) -> Any:
        error_kind = self._driver.module.Error
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    self._connection.execute("ROLLBACK")
                    raise
            except error_kind as error:
                raise UnavailableError(f"{self._path}: {error}; delete the file, it is made anew") from error

    def _open(self) -> Any:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return self._prepared()
        except self._driver.module.DatabaseError:
            # Nothing is in it that could not be made again.
            for suffix in ("", "-wal", "-shm", "-journal"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        try:
            return self._prepared()
        except self._driver.module.Error as error:
            raise UnavailableError(f"{self._path}: {error}; is the disk full or the folder not ours?") from error

    def _prepared(self) -> Any:
        connection = connect(self._path, self._driver, lock_wait_s=10.0)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise self._driver.module.DatabaseError("another version")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA journal_size_limit = 8388608")
            connection.executescript(_TABLES)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        except BaseException:
            connection.close()
            raise
        return connection


def _best_shifts(votes: Counter[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return numbers and votes, most first: those of the best shift of each, one item of tolerance either way."""
    best: dict[int, int] = {}
    for number, shift in votes:
        count = sum(votes[number, shift + step] for step in (-1, 0, 1))
        best[number] = max(best.get(number, 0), count)
    ranked = sorted(best.items(), key=lambda entry: (-entry[1], entry[0]))
    return [(number, count) for number, count in ranked if count >= _FEWEST_VOTES]
