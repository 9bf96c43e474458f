"""The tracks that a filter lets through, found when somebody looks at them: all of them, or which of a few."""

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import overload

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, case, func, select

from cratehand.catalogue import schema
from cratehand.catalogue.keys import id_of
from cratehand.domain.ids import TrackId

_believed = schema.believed.c


class MatchingTracks(Sequence[TrackId]):
    """Ids of the matching tracks, ascending. Not to be used after the end of the transaction it came from.

    Args:
        connection: Inside a transaction.
        conditions: What is asked of a track, on `believed` and `tracks`.
    """

    def __init__(self, connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> None:
        self._connection = connection
        self._conditions = conditions

    @cached_property
    def keys(self) -> Sequence[int]:
        """The keys of all of them, ascending."""
        return self._connection.scalars(select_matching(self._conditions).order_by(_believed.track)).all()

    def of(self, keys: Sequence[int]) -> list[int]:
        """Return those of a few keys that match, in no order; only in SQLite.

        Each is looked up, however many match in all.
        """
        # Inside a CASE no condition can lead the database to an index, and so to all that match.
        holds = case((and_(True, *self._conditions), 1), else_=0) == 1
        # One value in place of hundreds: naming each would cost more than to look it up.
        named = func.json_each(bindparam("keys")).table_valued("value")
        query = select_matching(self._conditions, where=[holds, _believed.track.in_(select(named.c.value))])
        return list(self._connection.scalars(query, {"keys": json.dumps(list(keys))}))

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[TrackId]:
        return map(id_of, self.keys)

    @overload
    def __getitem__(self, index: int) -> TrackId: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[TrackId]: ...

    def __getitem__(self, index: int | slice) -> TrackId | Sequence[TrackId]:
        if isinstance(index, slice):
            return [id_of(key) for key in self.keys[index]]
        return id_of(self.keys[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list: equal by what is in it


def select_matching(
    conditions: Sequence[ColumnElement[bool]], *, where: Sequence[ColumnElement[bool]] | None = None
) -> Select[int]:
    """Return what selects the keys of the tracks that fit; `where` says the same in other words."""
    # The join costs nothing where no condition is about `tracks`: SQLite looks its rows up by key.
    query = select(_believed.track)
    if any(table is schema.tracks for condition in conditions for table in condition._from_objects):
        query = query.join_from(schema.believed, schema.tracks)
    return query.where(and_(True, *(conditions if where is None else where)))
