"""Entries of playlists whose track was deleted on one device and is kept, because another one had news of it."""

import json
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from sqlalchemy import Connection

from cratehand.catalogue.master.entities import ENTRIES
from cratehand.catalogue.master.row_entity import Key
from cratehand.catalogue.master.rows import select_by_keys
from cratehand.catalogue.noting import AGAIN, STAMP
from cratehand.domain.settling import settle_lists


def note_lists_with(connection: Connection, tracks: Iterable[int]) -> None:
    """Take the playlists for changed in which these tracks stand: the master took them out with their deletion.

    What both sides agreed upon is such a playlist without them.
    """
    gone = set(tracks)
    statement = (
        "SELECT DISTINCT p.id FROM playlist_entries e JOIN playlists p ON p.playlist = e.playlist WHERE e.track {keys}"
    )
    keys: list[Key] = [(0, str(row[0])) for row in select_by_keys(connection, statement, gone)]
    if not keys:
        return
    bases: dict[Key, list[int] | None] = {key: list(held) for key, held in ENTRIES.read(connection, keys).items()}
    bases |= {key: base for key, base in _noted(connection).items() if key in bases}
    rows = [
        (ENTRIES.name, *key, None if base is None else json.dumps([track for track in base if track not in gone]))
        for key, base in bases.items()
    ]
    connection.exec_driver_sql(
        f"INSERT INTO changes (entity, track, name, stamp, base) VALUES (?, ?, ?, {STAMP}, ?) "  # noqa: S608
        f"{AGAIN}, base = excluded.base",
        rows,
    )


def put_back(connection: Connection, tracks: AbstractSet[int]) -> None:
    """Put tracks whose deletion on this device gave way back into the playlists that they left with it."""
    if not tracks:
        return
    bases = {key: base for key, base in _noted(connection).items() if base is not None and tracks & set(base)}
    restored = {
        key: settle_lists([track for track in bases[key] if track not in tracks], mine, bases[key], mine_wins=True)
        for key, mine in ENTRIES.read(connection, bases).items()
        if not tracks & set(mine)
    }
    ENTRIES.write(connection, {key: tuple(entries) for key, entries in restored.items()})


def _noted(connection: Connection) -> dict[Key, list[int] | None]:
    """Return the playlists that changed here, with what both sides had agreed upon."""
    rows = connection.exec_driver_sql("SELECT track, name, base FROM changes WHERE entity = ?", (ENTRIES.name,))
    return {(int(row[0]), str(row[1])): None if row[2] is None else json.loads(row[2]) for row in rows.fetchall()}
