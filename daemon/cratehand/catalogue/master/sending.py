"""Bringing what the device has changed to the master: read with what it says now, pushed as one numbered step."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection

from cratehand.catalogue import schema
from cratehand.catalogue.believed import COLUMNS as BELIEVED
from cratehand.catalogue.believed import without_file_name
from cratehand.catalogue.master import capture
from cratehand.catalogue.master.entities import BY_NAME, ENTITIES, FACT, PARTS, TRACK
from cratehand.catalogue.master.incoming import FACT_COLUMNS, PROVENANCE_COLUMNS
from cratehand.catalogue.master.row_entity import Key, RowEntity, Value
from cratehand.catalogue.master.rows import Row, execute_by_keys, select_by_keys, upsert
from cratehand.catalogue.master.said_anew import forget_deletions

_log = logging.getLogger(__name__)

_BUDGET: Final = 50_000
"""How much one push holds; a fact weighs one."""
_FACTS_OF_TRACK: Final = 20
_TRACKS: Final = 2000
_CHANGE_COLUMNS: Final = ("entity", "track", "name", "revision", "stamp", "device", "deleted", "since")


@dataclass(slots=True, kw_only=True)
class Outgoing:
    """One push."""

    stamps: dict[str, dict[Key, int]] = field(default_factory=dict)
    """Every key that is sent, by entity, with the time of its change."""
    values: dict[str, dict[Key, Value]] = field(default_factory=dict)
    """What it is now; a key without a value is gone."""
    facts: list[Row] = field(default_factory=list)
    provenances: list[Row] = field(default_factory=list)
    believed: list[Row] = field(default_factory=list)
    here: set[int] = field(default_factory=set)
    """Of the tracks that are sent those whose file is on this device."""
    refused: dict[tuple[str, Key], str] = field(default_factory=dict)
    """What the master did not take, and why."""

    def size(self) -> int:
        """Return the number of rows."""
        return len(self.facts) + sum(map(len, self.stamps.values()))


def collect(connection: Connection) -> Outgoing | None:
    """Take the next changes of the device and mark them as on their way; None where there are none."""
    outgoing, budget = Outgoing(), _BUDGET
    names: list[tuple[str, int]] = [(entity.name, entity.weight) for entity in ENTITIES]
    names.insert(1, (capture.FACTS, _FACTS_OF_TRACK))
    # Tracks and their facts go in step, so that a track never stands somewhere without what is known of it.
    at_most = {TRACK.name: _TRACKS, capture.FACTS: _TRACKS}
    for name, weight in names:
        rows = connection.exec_driver_sql(
            "SELECT track, name, stamp FROM changes WHERE entity = ? AND error IS NULL ORDER BY track, name LIMIT ?",
            (name, min(max(budget // weight, 0), at_most.get(name, _BUDGET))),
        ).fetchall()
        if not rows:
            continue
        budget -= weight * len(rows)
        outgoing.stamps[name] = {(row[0], row[1]): row[2] for row in rows}
        if name in BY_NAME:
            outgoing.values[name] = BY_NAME[name].read(connection, outgoing.stamps[name])
    if not outgoing.stamps:
        return None
    _read_facts(connection, outgoing)
    _mark(connection, outgoing, "sending = 1")
    return outgoing


def _read_facts(connection: Connection, outgoing: Outgoing) -> None:
    tracks = {track for track, _ in outgoing.stamps.get(capture.FACTS, ())}
    statement = (
        f"SELECT {', '.join(f'f.{name}' for name in FACT_COLUMNS)} FROM changes c JOIN facts f "  # noqa: S608
        "ON f.track = c.track AND f.provenance >= c.since WHERE c.entity = 'facts' AND c.track {keys}"
    )
    outgoing.facts = list(select_by_keys(connection, statement, sorted(tracks)))
    wanted = sorted({row[2] for row in outgoing.facts})
    statement = f"SELECT {', '.join(PROVENANCE_COLUMNS)} FROM provenances WHERE provenance {{keys}}"  # noqa: S608
    outgoing.provenances = list(select_by_keys(connection, statement, wanted))
    touched = tracks | {track for name in (TRACK.name, FACT.name) for track, _ in outgoing.stamps.get(name, ())}
    statement = f"SELECT {', '.join(BELIEVED)} FROM believed WHERE track {{keys}}"  # noqa: S608
    outgoing.believed = [without_file_name(row) for row in select_by_keys(connection, statement, sorted(touched))]
    here = select_by_keys(
        connection, "SELECT track FROM tracks WHERE path IS NOT NULL AND track {keys}",
        [track for track, _ in outgoing.values.get(TRACK.name, ())],
    )  # fmt: skip
    outgoing.here = {row[0] for row in here}


def _mark(connection: Connection, outgoing: Outgoing, change: str) -> None:
    rows = [(name, *key) for name, stamps in outgoing.stamps.items() for key in stamps]
    connection.exec_driver_sql(
        f"UPDATE changes SET {change} WHERE entity = ? AND track = ? AND name = ?",  # noqa: S608
        rows,
    )


def acknowledge(connection: Connection, outgoing: Outgoing) -> None:
    """Forget what the master has now; what changed meanwhile stays and goes out once more."""
    refused = [(reason, name, *key) for (name, key), reason in outgoing.refused.items()]
    if refused:
        connection.exec_driver_sql(
            "UPDATE changes SET error = ?, sending = 0 WHERE entity = ? AND track = ? AND name = ? AND sending", refused
        )
    rows = [
        (name, *key)
        for name, stamps in outgoing.stamps.items()
        for key in stamps
        if (name, key) not in outgoing.refused
    ]
    if rows:
        statement = "DELETE FROM changes WHERE entity = ? AND track = ? AND name = ? AND sending"
        connection.exec_driver_sql(statement, rows)
    latest = max((stamp for stamps in outgoing.stamps.values() for stamp in stamps.values()), default=0)
    connection.exec_driver_sql("UPDATE capture SET stamp = max(stamp, ?)", (latest,))


def write(connection: Connection, outgoing: Outgoing, *, device: str, revision: int) -> None:
    """Write a push on the master, inside its transaction; rows that it does not take are set aside in `refused`."""
    births = _births(connection, outgoing, revision)
    for entity in ENTITIES:
        _write_values(connection, entity, outgoing)
        if entity is TRACK:
            _places(connection, outgoing, device)
            _facts(connection, outgoing, revision)
    for entity in reversed(ENTITIES):
        values = outgoing.values.get(entity.name, {})
        gone = [key for key in outgoing.stamps.get(entity.name, ()) if key not in values]
        entity.remove(connection, gone)
    rows = [
        (name, *key, revision, stamp, device, key not in outgoing.values.get(name, {}), births.get((name, key[0])))
        for name, stamps in outgoing.stamps.items()
        if name != capture.FACTS
        for key, stamp in stamps.items()
        if (name, key) not in outgoing.refused
    ]
    upsert(connection, schema.changes, _CHANGE_COLUMNS, rows, keys=("entity", "track", "name"))
    tracks = outgoing.stamps.get(TRACK.name, {})
    gone_tracks = [key[0] for key in tracks if key not in outgoing.values.get(TRACK.name, {})]
    parts = ", ".join(f"'{name}'" for name in PARTS)
    execute_by_keys(connection, f"DELETE FROM changes WHERE entity IN ({parts}) AND track {{keys}}", gone_tracks)  # noqa: S608


def _births(connection: Connection, outgoing: Outgoing, revision: int) -> dict[tuple[str, int], int]:
    """Return with which push each track that is sent came to be: this one where the master does not have it now."""
    sent = {track for track, _ in outgoing.values.get(TRACK.name, ())}
    statement = (
        "SELECT t.track, c.since FROM tracks t LEFT JOIN changes c "
        "ON c.entity = 'track' AND c.track = t.track AND c.name = '' WHERE t.track {keys}"
    )
    there = {row[0]: row[1] or 0 for row in select_by_keys(connection, statement, sent)}
    return {(TRACK.name, track): there.get(track, revision) for track in sent}


def _write_values(connection: Connection, entity: RowEntity, outgoing: Outgoing) -> None:
    values = outgoing.values.get(entity.name, {})

    def refuse(keys: Iterable[Key], reason: str) -> None:
        outgoing.refused |= {(entity.name, key): reason for key in keys}

    _bisect(connection, values, lambda part: entity.write(connection, part), refuse)


def _places(connection: Connection, outgoing: Outgoing, device: str) -> None:
    sent = [track for track, _ in outgoing.values.get(TRACK.name, ())]
    if sent:
        connection.exec_driver_sql("DELETE FROM places WHERE device = %s AND track = ANY(%s)", (device, sent))
    rows = [(track, device) for track in sorted(outgoing.here)]
    upsert(connection, schema.places, ("track", "device"), rows, keys=("track", "device"), changed=())


def _facts(connection: Connection, outgoing: Outgoing, revision: int) -> None:
    by_track: dict[Key, list[Row]] = {}
    for row in outgoing.facts:
        by_track.setdefault((row[0], ""), []).append(row)
    provenances = {row[0]: row for row in outgoing.provenances}

    def put(part: Mapping[Key, Any]) -> None:
        facts = [row for rows in part.values() for row in rows]
        spoken = [provenances[key] for key in {row[2] for row in facts}]
        upsert(connection, schema.provenances, PROVENANCE_COLUMNS, spoken, keys=("provenance",), changed=())
        rows = [(*row, revision) for row in facts]
        columns = (*FACT_COLUMNS, "revision")
        upsert(connection, schema.facts, columns, rows, keys=("track", "field", "provenance"), changed=())

    def refuse(keys: Iterable[Key], reason: str) -> None:
        outgoing.refused |= {(capture.FACTS, key): reason for key in keys}

    _bisect(connection, by_track, put, refuse)
    forget_deletions(connection, outgoing.facts)
    refused = {key[0] for name, key in outgoing.refused if name in (capture.FACTS, TRACK.name)}
    believed = {(row[0], ""): row for row in outgoing.believed if row[0] not in refused}

    def believe(part: Mapping[Key, Any]) -> None:
        upsert(connection, schema.believed, BELIEVED, list(part.values()), keys=("track",))

    _bisect(connection, believed, believe, lambda _keys, _reason: None)


def _bisect(
    connection: Connection,
    values: Mapping[Key, Any],
    put: Callable[[Mapping[Key, Any]], None],
    refuse: Callable[[Iterable[Key], str], None],
) -> None:
    """Write all of it, or find the ones that can not be written: the rest goes on."""
    if not values:
        return
    try:
        with connection.begin_nested():
            put(values)
    except Exception as error:
        cause = getattr(error, "orig", None) or error
        if not _is_about_data(cause):
            raise
        if len(values) > 1:
            keys = list(values)
            middle = len(keys) // 2
            for part in (keys[:middle], keys[middle:]):
                _bisect(connection, {key: values[key] for key in part}, put, refuse)
            return
        reason = " ".join(str(cause).split())[:300]
        _log.warning("the master does not take %s: %s", next(iter(values)), reason)
        refuse(values, reason)


def _is_about_data(error: BaseException) -> bool:
    import psycopg

    return isinstance(error, psycopg.DataError | psycopg.IntegrityError | ValueError | TypeError)
