"""Rules on single values of a track, each once: as a condition for the database, and on columns in memory.

A value that is not known fits no rule but `Not`. Both forms of a rule stand beside each other here, and a test holds
them together.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Double, case, cast, exists, false, func, not_, or_, select

from cratehand.catalogue import schema
from cratehand.catalogue.vector_codes import Fit
from cratehand.domain.fields import Field

Numbers = npt.NDArray[np.float64]
"""Values of many tracks; NaN where one is not known. A text is the number that it was given."""
NumberOf = Callable[[Any], float]
"""Returns the number of a value: its own, that of a text, NaN for a text that no track has."""

_believed = schema.believed.c


def _latest(field: Field) -> ColumnElement[float]:
    """Return the largest number that a source states in its latest word on a field."""
    facts, said = schema.facts.alias(), schema.provenances.alias()
    newer, after = schema.facts.alias(), schema.provenances.alias()
    taken_back = exists().where(
        newer.c.track == facts.c.track,
        newer.c.field == field.value,
        newer.c.provenance == after.c.provenance,
        after.c.kind == said.c.kind,
        after.c.name == said.c.name,
        after.c.at_s > said.c.at_s,
    )
    # `null` takes back; not every database would forgive the cast.
    number = case((facts.c.value != "null", cast(facts.c.value, Double)))
    query = select(func.max(number)).where(
        facts.c.track == _believed.track,
        facts.c.field == field.value,
        facts.c.provenance == said.c.provenance,
        not_(taken_back),
    )
    return query.correlate(schema.believed).scalar_subquery()


ASKED: Final[Mapping[str, ColumnElement[Any]]] = {
    "tempo_bpm": _believed.tempo_bpm,
    "camelot_order": _believed.camelot_order,
    "energy": _believed.energy,
    "year": _believed.year,
    "rating": _believed.rating,
    "genre_folded": _believed.genre_folded,
    "last_played_s": _latest(Field.LAST_PLAYED),
    "instrumentalness": _latest(Field.INSTRUMENTALNESS),
}
"""What rules are about, as a query of `believed` gets at it."""


class Rule(Protocol):
    """What is asked of one value of a track."""

    @property
    def asked(self) -> str:
        """A name of `ASKED`."""
        ...

    def condition(self) -> ColumnElement[bool]:
        """Return it for the database; what does not hold may be NULL."""
        ...

    def holds(self, values: Numbers, number_of: NumberOf) -> Fit:
        """Return for each of these values whether it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Within:
    """The value lies in one of some ranges: from, to, both ends belong to it; None as the end is no end."""

    asked: str
    ranges: tuple[tuple[float, float | None], ...]

    def condition(self) -> ColumnElement[bool]:
        column = ASKED[self.asked]
        return or_(*(column >= low if high is None else column.between(low, high) for low, high in self.ranges))

    def holds(self, values: Numbers, number_of: NumberOf) -> Fit:
        found = np.zeros(len(values), np.bool_)
        for low, high in self.ranges:
            found |= values >= low if high is None else (values >= low) & (values <= high)
        return found


@dataclass(frozen=True, slots=True)
class OneOf:
    """The value is one of some."""

    asked: str
    wanted: Collection[Any]

    def condition(self) -> ColumnElement[bool]:
        return ASKED[self.asked].in_(sorted(self.wanted))

    def holds(self, values: Numbers, number_of: NumberOf) -> Fit:
        found = np.zeros(len(values), np.bool_)
        for value in self.wanted:
            found |= values == number_of(value)
        return found


@dataclass(frozen=True, slots=True)
class Not:
    """A rule does not hold, also because the value is not known."""

    rule: Rule

    @property
    def asked(self) -> str:
        return self.rule.asked

    def condition(self) -> ColumnElement[bool]:
        return not_(func.coalesce(self.rule.condition(), false()))

    def holds(self, values: Numbers, number_of: NumberOf) -> Fit:
        return ~self.rule.holds(values, number_of)
