"""The vectors of a space kept in memory as codes, so that the nearest are found without reading all of them.

What lasts are the rows of `embeddings`; this can be made again from them at any time. A space is read when it is first
asked for, by a thread of its own; until then, and whenever the copy may not be what the rows are, the answer is None
and the rows themselves are compared.
"""

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
from cratehand.catalogue.memory import remembered
from cratehand.catalogue.track_columns import TrackColumns
from cratehand.catalogue.vector_codes import LOWER_HALF, Keys, VectorCodes
from cratehand.domain.embedding import Vector
from cratehand.domain.errors import CratehandError

logger = logging.getLogger(__name__)

_embeddings = schema.embeddings.c
_BATCH: Final = 1_024
_MUCH: Final = 20_000
"""More new vectors than this are not taken while somebody waits for an answer."""
_AGAIN: Final = 64
"""SQLite gives the number of a removed last row to the next one: the last few are looked at again."""
_IDLE_S: Final = 900.0
_LITTLE: Final = np.dtype("<f4")

Reading = Callable[[], AbstractContextManager[Connection]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """How the rows of a space are: two that are equal are taken for the same rows."""

    newest: int
    """Number of the newest row of all spaces, which is the order of time."""
    count: int
    key_sum: int


@dataclass(slots=True, kw_only=True, eq=False)
class _Space:
    """One space; `lock` guards all but `building`."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    codes: VectorCodes | None = None
    state: _State | None = None
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
                    held.codes = held.state = held.columns = None
                    held.lock.release()

    def close(self) -> None:
        """Stop what is being read."""
        self._stopped.set()
        self._builder.shutdown(wait=True, cancel_futures=True)

    def _follow(self, connection: Connection, space: int, held: _Space) -> bool:
        """Take what is new; return whether the codes are now those of the rows."""
        assert held.codes is not None
        assert held.state is not None
        state = remembered(connection, f"state of space {space}", lambda: _state(connection, space))
        if state == held.state:
            return True
        rows = connection.execute(_newer(space, held.state.newest - _AGAIN).limit(_MUCH)).all()
        if len(rows) == _MUCH:
            return False
        _put(held.codes, rows)
        held.state = state
        return (held.codes.count, held.codes.key_sum) == (state.count, state.key_sum)

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
            state = _state(connection, space)
            for rows in connection.execute(_newer(space, 0).execution_options(yield_per=_BATCH)).partitions():
                if self._stopped.is_set():
                    return
                codes = codes or VectorCodes(len(rows[0].vector) // _LITTLE.itemsize)
                _put(codes, rows)
        with held.lock:
            held.codes, held.state = codes, state

    def _read_columns(self, held: _Space, codes: VectorCodes) -> None:
        columns, count = TrackColumns(codes), codes.count
        with self._reading() as connection:
            columns.read(connection, count)
        with held.lock:
            held.columns = columns


def _state(connection: Connection, space: int) -> _State:
    newest = connection.execute(select(func.max(_embeddings.embedding))).scalar() or 0
    lower = func.sum(_embeddings.track.op("&")(LOWER_HALF))
    count, key_sum = connection.execute(select(func.count(), lower).where(_embeddings.space == space)).one()
    return _State(newest=int(newest), count=int(count), key_sum=int(key_sum or 0))


def _newer(space: int, mark: int) -> Any:
    # The plus: by number of the row, which is the order of time, not by space and track.
    in_space = literal_column("+embeddings.space") == bindparam("space", space)
    query = select(_embeddings.embedding, _embeddings.track, _embeddings.vector)
    return query.where(in_space, _embeddings.embedding > mark).order_by(_embeddings.embedding)


def _put(codes: VectorCodes, rows: Sequence[Row[Any]]) -> None:
    if not rows:
        return
    # Of a track that comes twice the later row is the one that stands.
    last = {row.track: row.vector for row in rows}
    packed = np.frombuffer(b"".join(last.values()), dtype=_LITTLE)
    codes.put(np.fromiter(last, np.int64, len(last)), packed.reshape(len(last), -1).astype(np.float32))
