"""What filters ask of tracks, kept in memory beside the codes of their vectors.

What lasts are the tables; this follows them by `touched` and is, in every view it is asked in, what the tables say.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import Connection, Row, bindparam, func, select

from cratehand.catalogue import schema
from cratehand.catalogue.filter_rules import ASKED, Numbers, Rule
from cratehand.catalogue.touched import newest, touched_since
from cratehand.catalogue.vector_codes import Fit, Places, VectorCodes

_named = func.json_each(bindparam("keys")).table_valued("value")
_OF: Final = select(schema.believed.c.track, *(column.label(name) for name, column in ASKED.items())).where(
    schema.believed.c.track.in_(select(_named.c.value))
)
_PIECE: Final = 5_000
_ROOM: Final = 16_384


class TrackColumns:
    """Values of the tracks of one space, each where `codes` has its vector. Not safe for threads.

    Args:
        codes: Of the space; further vectors are followed, another object wants other columns.
    """

    def __init__(self, codes: VectorCodes) -> None:
        self.codes = codes
        self._mark = 0
        """Number of the newest note of `touched` that was followed."""
        self._count = 0
        self._is_known: Fit = np.zeros(0, np.bool_)
        self._values: dict[str, Numbers] = {name: np.zeros(0) for name in ASKED}
        self._texts: dict[str, int] = {}

    def read(self, connection: Connection, count: int) -> None:
        """Take what the tables say of the first tracks; others may put vectors meanwhile.

        Args:
            connection: A view that was opened when there were `count` vectors already: a row of `believed` that is new
                is not in `touched`, and one that the view does not show yet would be missed for ever.
            count: How many.
        """
        self._mark = newest(connection)
        self._take(connection, np.arange(count))

    def follow(self, connection: Connection) -> bool:
        """Take what is new in a view that shows the vectors of `codes`; return whether that was possible."""
        mark = newest(connection)
        if mark != self._mark:
            keys = None if mark < self._mark else touched_since(connection, self._mark)
            if keys is None:
                return False
            places = self.codes.places(keys)
            self._take(connection, np.sort(places[(places >= 0) & (places < self._count)]))
            self._mark = mark
        if self._count < self.codes.count:
            self._take(connection, np.arange(self._count, self.codes.count))
        return True

    def fit(self, rules: Sequence[Rule]) -> Fit:
        """Return of each place whether all rules hold for the track there."""
        fit = self._is_known[: self._count].copy()
        for rule in rules:
            fit &= rule.holds(self._values[rule.asked][: self._count], self._number)
        return fit

    def _number(self, value: Any) -> float:
        return self._texts.get(value, np.nan) if isinstance(value, str) else float(value)

    def _take(self, connection: Connection, places: Places) -> None:
        self._make_room(int(places.max(initial=-1)) + 1)
        for start in range(0, len(places), _PIECE):
            piece = places[start : start + _PIECE]
            of_key = dict(zip(self.codes.keys_at(piece).tolist(), piece.tolist(), strict=True))
            rows = connection.execute(_OF, {"keys": json.dumps(list(of_key))}).all()
            at = [of_key[row.track] for row in rows]
            self._is_known[piece] = False
            self._is_known[at] = True
            for name, values in self._numbered(rows):
                self._values[name][at] = values
        self._count = max(self._count, int(places.max(initial=-1)) + 1)

    def _numbered(self, rows: Sequence[Row[Any]]) -> Iterator[tuple[str, Numbers]]:
        for name, values in zip(ASKED, list(zip(*rows, strict=True))[1:], strict=False):
            numbers = [
                self._texts.setdefault(value, len(self._texts)) if isinstance(value, str) else value for value in values
            ]
            # None becomes NaN.
            yield name, np.array(numbers, np.float64)

    def _make_room(self, count: int) -> None:
        missing = count - len(self._is_known)
        if missing > 0:
            room = max(missing, _ROOM)
            self._is_known = np.concatenate([self._is_known, np.zeros(room, np.bool_)])
            for name, values in self._values.items():
                self._values[name] = np.concatenate([values, np.zeros(room)])
