"""A device in a test: its catalogue, its way to the master, and all that it answers."""

from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection

from cratehand.catalogue import open_device
from cratehand.catalogue.believed import COLUMNS, without_file_name
from cratehand.catalogue.master.address import MasterAddress
from cratehand.catalogue.master.sync import PostgresMaster
from cratehand.catalogue.vector_column import has_pgvector, packed_of
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.master import SyncReport
from cratehand.domain.provenance import PERSON, Fact
from tests.unit.catalogue.building import a_track, track_id

QUESTIONS = {
    # What a file sounds like is each device's own business; of a track elsewhere it is what the master says.
    "tracks": "SELECT track, added_at_s FROM tracks ORDER BY track",
    "facts": "SELECT f.track, f.field, f.provenance, p.kind, p.name, p.version, p.at_s, f.value, f.confidence FROM facts f "
    "JOIN provenances p ON p.provenance = f.provenance ORDER BY f.track, f.field, f.provenance",
    "cues": "SELECT track, origin, kind, start_s, end_s, pad, label, colour, foreign_id FROM cues "
    "ORDER BY track, origin, position",
    "attributes": "SELECT track, attributes FROM attributes ORDER BY track",
    "embeddings": "SELECT s.id, e.track, e.vector FROM embeddings e JOIN spaces s ON s.space = e.space ORDER BY 1, 2",
    "playlists": "SELECT id, name, kind, parent_id, position, origin, rule FROM playlists ORDER BY id",
    # Its own plans a device keeps as they are, the others' and all on the master as they were told.
    "plans": "SELECT id, state, who, why, created_at_s, applied_at_s FROM plans "
    "UNION SELECT id, state, who, why, created_at_s, applied_at_s FROM plans_elsewhere ORDER BY id",
    "entries": "SELECT p.id, e.track FROM playlist_entries e JOIN playlists p ON p.playlist = e.playlist "
    "ORDER BY p.id, e.position",
}


def snapshot(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Return everything that has to be equal on all devices and the master."""
    has_pgvector(connection)
    found = {
        name: [
            tuple(
                packed_of(value)
                if isinstance(value, bytes | memoryview) or (name == "embeddings" and place == 2)
                else value
                for place, value in enumerate(row)
            )
            for row in rows
        ]
        for name, question in QUESTIONS.items()
        for rows in [connection.exec_driver_sql(question).fetchall()]
    }
    rows = connection.exec_driver_sql(f"SELECT {', '.join(COLUMNS)} FROM believed ORDER BY track").fetchall()
    found["believed"] = [without_file_name(tuple(row)) for row in rows]
    # Each database sorts texts its own way.
    return {name: sorted(rows, key=repr) if name not in {"entries", "cues"} else rows for name, rows in found.items()}


class Device:
    """One laptop."""

    def __init__(self, path: Path, address: MasterAddress, *, name: str, silence_s: float = 20.0) -> None:
        self.path = path
        self.name = name
        self.catalogue = open_device(path, ignore_case=False)
        self.master = PostgresMaster(self.catalogue, address, name=name, silence_s=silence_s)

    def sync(self) -> SyncReport:
        return self.master.sync()  # type: ignore[no-any-return]

    def add(self, number: int, *, digest: str | None = None) -> TrackId:
        with self.catalogue.writing() as stores:
            stores.tracks.add([a_track(number, path=f"/{self.name}/{number}.mp3", digest=digest)])
        return track_id(number)

    def correct(self, track: TrackId, title: str, *, at_s: float = 2.0) -> None:
        with self.catalogue.writing() as stores:
            stores.facts.record(track, [Fact(field=Field.TITLE, value=title, source=PERSON, at_s=at_s)])

    def title(self, track: TrackId) -> str | None:
        with self.catalogue.reading() as stores:
            summary = stores.tracks.summary(track)
        return None if summary is None else summary.title

    def snapshot(self) -> dict[str, list[tuple[Any, ...]]]:
        with self.catalogue.reading() as stores:
            return snapshot(stores.connection)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self.catalogue.reading() as stores:
            return [tuple(row) for row in stores.connection.exec_driver_sql(statement)]

    def close(self) -> None:
        self.master.close()
        self.catalogue.close()


def master_digests(address: MasterAddress) -> list[tuple[Any, ...]]:
    return ask_master(address, "SELECT track, digest FROM tracks")


def ask_master(address: MasterAddress, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(**address.parameters) as connection:
        connection.execute(f'SET search_path TO "{address.schema}"')
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def master_snapshot(address: MasterAddress) -> dict[str, list[tuple[Any, ...]]]:
    from cratehand.catalogue.master.talking import open_engine

    engine = open_engine(address)
    with engine.connect() as connection:
        found = snapshot(connection)
    engine.dispose()
    return found


def settle(*devices: Device) -> None:
    """Let everybody meet the master until nobody has anything new."""
    for _ in range(20):
        reports = [device.sync() for device in devices]
        if all(report.is_empty for report in reports):
            return
    raise AssertionError("they never come to rest")
