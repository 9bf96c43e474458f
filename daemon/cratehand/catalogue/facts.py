"""Statements about tracks; nothing is overwritten."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from cratehand.catalogue.believed import FOLLOWED_FIELDS, believe_statements, rebuild
from cratehand.catalogue.fact_text import TAKEN_BACK, fact_text
from cratehand.catalogue.keys import chunks, find_key, id_of, keys_of
from cratehand.catalogue.statements import (
    Statement,
    add_provenance,
    fact_of,
    insert_facts,
    load_statements,
)
from cratehand.catalogue.tracks import require_track
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.hybrid_clock import statement_time_s
from cratehand.domain.ids import TrackId
from cratehand.domain.provenance import AnyFact, Source, SourceKind

_Speaker = tuple[str, str, str]
"""Field, kind and name of who speaks on it, whatever the version."""

_Said = dict[_Speaker, list[Statement]]


class SqlFactStore:
    """`FactStore` on a connection inside a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def record(self, track_id: TrackId, facts: Sequence[AnyFact]) -> None:
        """Add statements and bring the believed values up to date.

        Raises:
            NotFoundError: No such track.
            InvalidInputError: A value is not of its field's shape, or a confidence is not within 0..1.
        """
        key = require_track(self._connection, track_id)
        if not facts:
            return
        said = self._said(key, {fact.field for fact in facts})
        new = [statement for fact in facts if (statement := self._say(key, fact, said)) is not None]
        insert_facts(self._connection, new)
        if any(statement[1] in FOLLOWED_FIELDS for statement in new):
            rebuild(self._connection, [key])

    def facts(self, track_id: TrackId, *, field: Field | None = None) -> Sequence[AnyFact]:
        key = find_key(track_id)
        if key is None:
            return []
        fields = None if field is None else {field}
        return list(_readable(load_statements(self._connection, [key], fields=fields).get(key, ())))

    def statements(self, track_ids: Sequence[TrackId], field: Field) -> Mapping[TrackId, Sequence[AnyFact]]:
        return {
            id_of(key): list(_readable(statements))
            for piece in chunks(keys_of(track_ids))
            for key, statements in load_statements(self._connection, piece, fields={field}).items()
        }

    def believed(self, track_ids: Sequence[TrackId], field: Field) -> Mapping[TrackId, AnyFact]:
        winners: dict[TrackId, AnyFact] = {}
        for piece in chunks(keys_of(track_ids)):
            for key, statements in load_statements(self._connection, piece, fields={field}).items():
                if winner := believe_statements(statements):
                    winners[id_of(key)] = winner
        return winners

    def _said(self, key: int, fields: set[Field]) -> _Said:
        """Return what was said before on these fields, by speaker, in the order it was made."""
        said: _Said = {}
        for statement in load_statements(self._connection, [key], fields=fields).get(key, ()):
            said.setdefault(_speaker(statement.field, _source(statement)), []).append(statement)
        return said

    def _say(self, key: int, fact: AnyFact, said: _Said) -> tuple[object, ...] | None:
        """Return the new row of `facts`; None where the fact changes nothing of what its source said last."""
        if not 0.0 <= fact.confidence <= 1.0:
            raise InvalidInputError(f"{fact.field}: a confidence is 0..1, not {fact.confidence}")
        text = TAKEN_BACK if fact.value is None else fact_text(fact.field, fact.value)
        before = said.setdefault(_speaker(fact.field.value, fact.source), [])
        latest = max(before, key=lambda statement: (statement.at_s, statement.provenance), default=None)
        is_person = fact.source.kind is SourceKind.PERSON
        if text == TAKEN_BACK and (latest.value == TAKEN_BACK if latest else not is_person):
            return None
        if latest is not None and (latest.value, latest.confidence, latest.version) == (
            text,
            fact.confidence,
            fact.source.version,
        ):
            return None
        if is_person and latest is not None:
            # The clock of the device on which the word before was said may have been ahead of ours.
            fact = replace(fact, at_s=statement_time_s(fact.at_s, latest_s=latest.at_s))
        provenance = self._provenance(fact, said)
        before.append(
            Statement(
                key, fact.field.value, text, fact.confidence,
                fact.source.kind.value, fact.source.name, fact.source.version, fact.at_s, provenance,
            )
        )  # fmt: skip
        return key, fact.field.value, provenance, text, float(fact.confidence)

    def _provenance(self, fact: AnyFact, said: _Said) -> int:
        """Return a provenance that this source has not yet used on this field; facts of one moment share one."""
        own = said[_speaker(fact.field.value, fact.source)]
        used = {statement.provenance for statement in own}
        for statements in said.values():
            for statement in statements:
                is_same = statement.at_s == fact.at_s and _source(statement) == fact.source
                if is_same and statement.provenance not in used:
                    return statement.provenance
        return add_provenance(self._connection, fact.source, at_s=fact.at_s)


def _speaker(field: str, source: Source) -> _Speaker:
    # All persons are one speaker, as in `cratehand.domain.belief`: the latest word of any of them counts.
    return field, source.kind.value, "" if source.kind is SourceKind.PERSON else source.name


def _source(statement: Statement) -> Source:
    return Source(kind=SourceKind(statement.kind), name=statement.name, version=statement.version)


def _readable(statements: Iterable[Statement]) -> Iterable[AnyFact]:
    for statement in statements:
        try:
            yield fact_of(statement)
        except InvalidInputError:
            # `check` names it; the other facts of the track are still worth telling.
            continue
