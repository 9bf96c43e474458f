"""The vectors of a space kept in memory as codes, so that the nearest are found without reading all of them.

What lasts are the rows of `embeddings`; this can be made again from them at any time. A space is read when it is first
asked for, by a thread of its own; until then, and whenever the copy may not be what the rows are, the answer is None
and the rows themselves are compared.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Row, bindparam, func, literal_column, select

from cratehand.catalogue import schema
from cratehand.catalogue.filter_rules import Rule
from cratehand.catalogue.touched import newest, touched_since
from cratehand.catalogue.track_columns import TrackColumns
from cratehand.catalogue.vector_codes import Keys, VectorCodes
from cratehand.domain.embedding import Vector
from cratehand.domain.errors import CratehandError

logger = logging.getLogger(__name__)

_embeddings = schema.embeddings.c
_BATCH: Final = 1_024
_IDLE_S: Final = 900.0
_LITTLE: Final = np.dtype("<f4")

_rows = select(_embeddings.track, _embeddings.vector)
_named = func.json_each(bindparam("keys")).table_valued("value")
_OF: Final = _rows.where(_embeddings.space == bindparam("space"), _embeddings.track.in_(select(_named.c.value)))
# The plus: as the rows lie, not by the index of space and track.
_ALL: Final = _rows.where(literal_column("+embeddings.space") == bindparam("space"))

Reading = Callable[[], AbstractContextManager[Connection]]


@dataclass(slots=True, kw_only=True, eq=False)
class _Space:
    """One space; `lock` guards all but `building`."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    codes: VectorCodes | None = None
    mark: int = 0
    """Number of the newest note of `touched` that the codes have followed."""
    columns: TrackColumns | None = None
    """Once a filter was asked for; of no use where they are of other codes."""
    building: Future[None] | None = None
    used_at_s: float = 0.0


class VectorMemory:
    """Finds candidates among all vectors of a space. Safe for threads.

    Args:
        reading: Opens a view on the catalogue for a long look.
    """

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._builder = ThreadPoolExecutor(1, thread_name_prefix="vectors")
        self._stopped = threading.Event()
        self._turn = threading.Lock()
        self._spaces: dict[int, _Space] = {}

    def candidates(
        self,
        connection: Connection,
        space: int,
        vector: Vector,
        *,
        limit: int,
        among: Keys | None = None,
        rules: Sequence[Rule] = (),
    ) -> list[int] | None:
        """Return the keys of the tracks nearest to a vector by its code, the nearest first.

        Args:
            connection: A view on the catalogue.
            space: Number of the space.
            vector: float32 ``(dimension,)``.
            limit: At most so many.
            among: Only these, ascending; all where None.
            rules: Only those for which these hold in the view.

        Returns:
            None where the space is not in memory (yet), or is not what the view shows.
        """
        with self._turn:
            held = self._spaces.setdefault(space, _Space())
        with held.lock:
            held.used_at_s = time.monotonic()
            if held.codes is not None and newest(connection) < held.mark:
                # Somebody with a later view was here meanwhile.
                return None
            if held.codes is None or not self._follow(connection, space, held):
                self._build(held, self._read, space, held)
                return None
            fit = None if among is None else held.codes.at(among)
            if rules:
                columns = held.columns
                if columns is None or columns.codes is not held.codes or not columns.follow(connection):
                    self._build(held, self._read_columns, held, held.codes)
                    return None
                fit = columns.fit(rules) if fit is None else fit & columns.fit(rules)
            return held.codes.nearest(vector, limit=limit, fit=fit)

    def settle(self) -> None:
        """Wait for what is being read now."""
        with self._turn:
            building = [held.building for held in self._spaces.values() if held.building is not None]
        for future in building:
            future.result()

    def release_if_idle(self, *, idle_s: float = _IDLE_S) -> None:
        """Forget the spaces that nobody asked for in so long."""
        with self._turn:
            for held in self._spaces.values():
                if time.monotonic() - held.used_at_s >= idle_s and held.lock.acquire(blocking=False):
                    held.codes = held.columns = None
                    held.lock.release()

    def close(self) -> None:
        """Stop what is being read."""
        self._stopped.set()
        self._builder.shutdown(wait=True, cancel_futures=True)

    def _follow(self, connection: Connection, space: int, held: _Space) -> bool:
        """Take what is new; return whether the codes are now those of the rows."""
        assert held.codes is not None
        mark = newest(connection)
        if mark == held.mark:
            return True
        keys = touched_since(connection, held.mark)
        if keys is None:
            return False
        rows = connection.execute(_OF, {"space": space, "keys": json.dumps(keys.tolist())}).all()
        gone = np.setdiff1d(keys, np.array([row.track for row in rows], np.int64))
        if np.any(held.codes.places(gone) >= 0):
            return False
        _put(held.codes, rows)
        held.mark = mark
        return True

    def _build(self, held: _Space, build: Callable[..., None], *arguments: object) -> None:
        if not self._stopped.is_set() and (held.building is None or held.building.done()):
            held.building = self._builder.submit(self._told, build, *arguments)

    def _told(self, build: Callable[..., None], *arguments: object) -> None:
        """Build in the thread that is ours, and tell what went wrong."""
        try:
            build(*arguments)
        except CratehandError as error:
            # Nothing is lost by it but time: the rows are compared, and the next question tries again.
            logger.warning("the vectors of a space could not be read into memory: %s", error)
        except Exception:
            # The owner of the thread: a bug of ours must not hide in a future that nobody looks at.
            logger.exception("the vectors of a space could not be read into memory")

    def _read(self, space: int, held: _Space) -> None:
        codes = None
        with self._reading() as connection:
            mark = newest(connection)
            found = connection.execute(_ALL, {"space": space}, execution_options={"yield_per": _BATCH})
            for rows in found.partitions():
                if self._stopped.is_set():
                    return
                codes = codes or VectorCodes(len(rows[0].vector) // _LITTLE.itemsize)
                _put(codes, rows)
            columns = None
            if codes is not None and held.columns is not None:
                columns = TrackColumns(codes)
                columns.read(connection, codes.count)
        with held.lock:
            held.codes, held.mark, held.columns = codes, mark, columns

    def _read_columns(self, held: _Space, codes: VectorCodes) -> None:
        columns, count = TrackColumns(codes), codes.count
        with self._reading() as connection:
            columns.read(connection, count)
        with held.lock:
            held.columns = columns


def _put(codes: VectorCodes, rows: Sequence[Row[Any, Any]]) -> None:
    if rows:
        packed = np.frombuffer(b"".join([row.vector for row in rows]), dtype=_LITTLE)
        keys = np.array([row.track for row in rows], np.int64)
        codes.put(keys, packed.reshape(len(rows), -1).astype(np.float32))
