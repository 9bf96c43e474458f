"""The tracks that a filter lets through, found when somebody looks at them: all of them, or which of a few."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, case, func, select

from cratehand.catalogue import schema
from cratehand.catalogue.filter_rules import Rule
from cratehand.catalogue.keys import id_of
from cratehand.domain.ids import TrackId

_believed = schema.believed.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What is asked of a track; all of it has to hold."""

    rules: tuple[Rule, ...]
    listed: Select[int] | None
    """Selects the keys of the tracks that may be it at all, some more than once; None for all."""
    others: tuple[ColumnElement[bool], ...]
    """What only the database can tell, of `believed` and `tracks`."""

    def all(self) -> list[ColumnElement[bool]]:
        """Return everything as the database takes it."""
        listed = [] if self.listed is None else [_believed.track.in_(self.listed)]
        return [*(rule.condition() for rule in self.rules), *listed, *self.others]


class MatchingTracks(Sequence[TrackId]):
    """Ids of the matching tracks, ascending. Not to be used after the end of the transaction it came from.

    Args:
        connection: Inside a transaction.
        conditions: What is asked of a track.
    """

    def __init__(self, connection: Connection, conditions: Conditions) -> None:
        self._connection = connection
        self.conditions = conditions

    @cached_property
    def keys(self) -> Sequence[int]:
        """The keys of all of them, ascending."""
        query = select_matching(self.conditions.all()).order_by(_believed.track)
        return self._connection.scalars(query).all()

    @cached_property
    def listed(self) -> npt.NDArray[np.int64] | None:
        """The keys of those that may be it at all, ascending, where the conditions name them; only in SQLite."""
        if self.conditions.listed is None:
            return None
        return np.unique(np.array(self._connection.scalars(self.conditions.listed).all(), np.int64))

    def of(self, keys: Sequence[int]) -> list[int]:
        """Return those of a few keys that match, in no order; only in SQLite.

        Each is looked up, however many match in all.
        """
        return list(self._connection.scalars(self._of_few, {"keys": json.dumps(list(keys))}))

    @cached_property
    def _of_few(self) -> Select[int]:
        # Inside a CASE no condition can lead the database to an index, and so to all that match.
        conditions = self.conditions.all()
        holds = case((and_(True, *conditions), 1), else_=0) == 1
        # One value in place of hundreds: naming each would cost more than to look it up.
        named = func.json_each(bindparam("keys")).table_valued("value")
        return select_matching(conditions, where=[holds, _believed.track.in_(select(named.c.value))])

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
