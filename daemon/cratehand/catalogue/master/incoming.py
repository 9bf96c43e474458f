"""What the master has and this device does not: read in ranges of whole pushes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from cratehand.catalogue.believed import COLUMNS as BELIEVED
from cratehand.catalogue.master.entities import ENTITIES, FACT, MERGE
from cratehand.catalogue.master.row_entity import Key, RowEntity, Value
from cratehand.catalogue.master.rows import Row, select, select_by_keys
from cratehand.catalogue.master.said_anew import provenance_of

FACT_COLUMNS: Final = ("track", "field", "provenance", "value", "confidence")
PROVENANCE_COLUMNS: Final = ("provenance", "kind", "name", "version", "at_s")
_FACTS: Final = f"SELECT {', '.join(FACT_COLUMNS)} FROM facts"  # noqa: S608
_CHANGE: Final = "track, name, deleted, stamp, device, revision, since"
_BOUNDS: Final = "revision > %s AND revision <= %s AND revision <> ALL(%s)"
_ROWS: Final = 30_000
"""How much is taken over in one transaction of the device; others wait for as long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One row that changed on the master."""

    value: Value | None
    """None where it is gone."""
    stamp: int
    device: str
    revision: int
    born: int = 0
    """Of a track: the push with which it came to be on the master, for the last time."""


@dataclass(slots=True, kw_only=True)
class Incoming:
    """One range of pushes."""

    upto: int
    token: str
    changes: dict[str, dict[Key, Change]] = field(default_factory=dict)
    facts: list[Row] = field(default_factory=list)
    provenances: list[Row] = field(default_factory=list)
    places: list[tuple[int, str]] = field(default_factory=list)
    believed: dict[int, Row] = field(default_factory=dict)
    """What whoever pushed last believed of each track; he knew all that the master knows."""
    whole: frozenset[int] = frozenset()
    """Tracks of which everything is here, not only what changed."""

    def of(self, entity: RowEntity) -> dict[Key, Change]:
        """Return what changed of one entity."""
        return self.changes.get(entity.name, {})

    def tracks(self) -> set[int]:
        """Return the tracks of which something is here that is not a deletion."""
        found = {row[0] for row in self.facts}
        for name, changes in self.changes.items():
            if name != MERGE.name:
                found |= {track for (track, _), change in changes.items() if track and change.value is not None}
        return found

    def size(self) -> int:
        """Return the number of rows."""
        return len(self.facts) + sum(map(len, self.changes.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the master stands, and what it calls the push that a device saw last."""

    revision: int
    token_at_seen: str | None


def read_head(connection: Connection, seen: int) -> Head:
    """Ask where the master stands; one question, since it is asked all the time."""
    row = connection.exec_driver_sql(
        "SELECT (SELECT coalesce(max(revision), 0) FROM pushes), (SELECT token FROM pushes WHERE revision = %s)",
        (seen,),
    ).one()
    return Head(revision=row[0], token_at_seen=row[1])


def fetch(connection: Connection, seen: int, *, pushing: str = "", whole: Iterable[int] = ()) -> Incoming | None:
    """Read the next range; None where nothing is new.

    What the device itself pushed last without hearing that it arrived is left out: it is noted there still, or was
    changed since, and must not come back as the word of somebody else.

    Args:
        connection: The master's, in a transaction that sees one moment.
        seen: The last push that the device has.
        pushing: The name of that push.
        whole: Tracks to read completely where anything of them changed.
    """
    upto, token = _range(connection, seen)
    if upto == seen:
        return None
    incoming = Incoming(upto=upto, token=token)
    bounds = (seen, upto, _unheard_of(connection, seen, pushing))
    for entity in ENTITIES:
        incoming.changes[entity.name] = _changes(connection, entity, bounds)
    incoming.facts = select(connection, f"{_FACTS} WHERE {_BOUNDS}", bounds)
    incoming.whole = frozenset(whole) & incoming.tracks()
    if incoming.whole:
        _complete(connection, incoming)
    wanted = {row[2] for row in incoming.facts} | {provenance_of(key) for key in incoming.of(FACT)}
    statement = f"SELECT {', '.join(PROVENANCE_COLUMNS)} FROM provenances WHERE provenance {{keys}}"  # noqa: S608
    incoming.provenances = list(select_by_keys(connection, statement, wanted))
    tracks = {track for (track, _), change in incoming.changes["track"].items() if change.value is not None}
    places = select_by_keys(connection, "SELECT track, device FROM places WHERE track {keys}", tracks)
    incoming.places = [(row[0], row[1]) for row in places]
    statement = f"SELECT {', '.join(BELIEVED)} FROM believed WHERE track {{keys}}"  # noqa: S608
    incoming.believed = {row[0]: row for row in select_by_keys(connection, statement, incoming.tracks())}
    return incoming


def _range(connection: Connection, seen: int) -> tuple[int, str]:
    upto, token, size = seen, "", 0
    rows = connection.exec_driver_sql(
        "SELECT revision, token, size FROM pushes WHERE revision > %s ORDER BY revision LIMIT 1000", (seen,)
    )
    for row in rows.fetchall():
        if size and size + row[2] > _ROWS:
            break
        upto, token, size = row[0], row[1], size + row[2]
    return upto, token


def _unheard_of(connection: Connection, seen: int, pushing: str) -> list[int]:
    statement = "SELECT revision FROM pushes WHERE revision > %s AND token = %s"
    return [row[0] for row in select(connection, statement, (seen, pushing))]


def _changes(connection: Connection, entity: RowEntity, bounds: tuple[int, int, list[int]]) -> dict[Key, Change]:
    rows = select(
        connection,
        f"SELECT {_CHANGE} FROM changes WHERE {_BOUNDS} AND entity = %s",  # noqa: S608
        (*bounds, entity.name),
    )
    return _with_values(connection, entity, rows)


def _with_values(connection: Connection, entity: RowEntity, rows: Iterable[Any]) -> dict[Key, Change]:
    rows = list(rows)
    values = entity.read(connection, [(row[0], row[1]) for row in rows if not row[2]]) if rows else {}
    return {
        (row[0], row[1]): Change(
            value=None if row[2] else values.get((row[0], row[1])),
            stamp=row[3],
            device=row[4] or "",
            revision=row[5],
            born=row[6] or 0,
        )
        for row in rows
    }


def _complete(connection: Connection, incoming: Incoming) -> None:
    """Add everything else of the tracks in `whole`."""
    known = set(incoming.facts)
    rows = select_by_keys(connection, f"{_FACTS} WHERE track {{keys}}", incoming.whole)
    incoming.facts += [row for row in rows if row not in known]
    for entity in ENTITIES:
        if not entity.of_track:
            continue
        statement = f"SELECT {_CHANGE} FROM changes WHERE entity = '{entity.name}' AND track {{keys}}"  # noqa: S608
        found = _with_values(connection, entity, select_by_keys(connection, statement, incoming.whole))
        incoming.changes[entity.name] = {**found, **incoming.of(entity)}
