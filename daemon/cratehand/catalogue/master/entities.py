"""What device and master keep in step: one description a table, from which capture, pull and push follow.

A further table of plain rows is one more `RowEntity` in `ENTITIES`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from cratehand.catalogue import schema
from cratehand.catalogue.master.row_entity import Key, RowEntity, Trigger, Value, mark
from cratehand.catalogue.master.rows import execute_by_keys, select_by_keys, select_by_names, upsert
from cratehand.catalogue.master.said_anew import FactEntity
from cratehand.catalogue.master.told_plans import PLAN_COLUMNS, PlanEntity
from cratehand.catalogue.vector_column import has_pgvector, packed_of, write_vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class CueEntity(RowEntity):
    """All cues of a track that come from one origin: they were made for each other and stay together."""

    def all_keys(self) -> str:
        return "SELECT DISTINCT track, origin FROM cues"

    def read(self, connection: Connection, keys: Iterable[Key]) -> dict[Key, Value]:
        wanted = dict.fromkeys(keys, ())
        statement = (
            f"SELECT track, origin, {', '.join(self.columns)} FROM cues WHERE track {{keys}} ORDER BY 1, 2, position"  # noqa: S608
        )
        found: dict[Key, list[Value]] = {}
        for row in select_by_keys(connection, statement, {track for track, _ in wanted}):
            found.setdefault((row[0], row[1]), []).append((*row[2:8], int(row[8]), row[9]))
        return {key: tuple(found.get(key, ())) for key in wanted}

    def write(self, connection: Connection, values: Mapping[Key, Value]) -> None:
        self.remove(connection, values)
        rows = [
            (track, origin, position, *cue)
            for (track, origin), cues in values.items()
            for position, cue in enumerate(cues)
        ]
        upsert(
            connection, self.table, ("track", "origin", "position", *self.columns), rows,
            keys=("track", "origin", "position"),
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingEntity(RowEntity):
    """Vectors, named by their space."""

    def all_keys(self) -> str:
        return "SELECT e.track, s.id FROM embeddings e JOIN spaces s ON s.space = e.space"

    def keys_of(self, connection: Connection, tracks: Iterable[int]) -> list[Key]:
        return [
            (row[0], row[1]) for row in select_by_keys(connection, f"{self.all_keys()} WHERE e.track {{keys}}", tracks)
        ]

    def read(self, connection: Connection, keys: Iterable[Key]) -> dict[Key, Value]:
        wanted = set(keys)
        statement = (
            "SELECT e.track, s.id, e.vector FROM embeddings e JOIN spaces s ON s.space = e.space WHERE e.track {keys}"
        )
        has_pgvector(connection)
        rows = select_by_keys(connection, statement, {track for track, _ in wanted})
        return {key: (packed_of(row[2]),) for row in rows if (key := (row[0], row[1])) in wanted}

    def write(self, connection: Connection, values: Mapping[Key, Value]) -> None:
        upsert(
            connection, schema.spaces, ("id",), [(name,) for name in sorted({name for _, name in values})],
            keys=("id",), changed=(),
        )  # fmt: skip
        spaces = self._spaces(connection)
        rows = [(spaces[name], track, value[0]) for (track, name), value in values.items()]
        if rows and has_pgvector(connection):
            write_vectors(connection, rows)
            return
        upsert(connection, self.table, ("space", "track", "vector"), rows, keys=("space", "track"))

    def remove(self, connection: Connection, keys: Iterable[Key]) -> None:
        spaces, here = self._spaces(connection), mark(connection)
        rows = [(track, spaces[name]) for track, name in keys if name in spaces]
        if rows:
            connection.exec_driver_sql(f"DELETE FROM embeddings WHERE track = {here} AND space = {here}", rows)  # noqa: S608

    @staticmethod
    def _spaces(connection: Connection) -> dict[str, int]:
        return {row[1]: row[0] for row in connection.exec_driver_sql("SELECT space, id FROM spaces")}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntriesEntity(RowEntity):
    """The tracks of one playlist, in order."""

    def all_keys(self) -> str:
        return "SELECT 0, id FROM playlists"

    def read(self, connection: Connection, keys: Iterable[Key]) -> dict[Key, Value]:
        names = {name for _, name in keys}
        lists = self._lists(connection, names)
        found: dict[int, list[int]] = {number: [] for number in lists.values()}
        statement = "SELECT playlist, track FROM playlist_entries WHERE playlist {keys} ORDER BY playlist, position"
        for playlist, track in select_by_keys(connection, statement, lists.values()):
            found[playlist].append(track)
        return {(0, name): tuple(found[number]) for name, number in lists.items()}

    def write(self, connection: Connection, values: Mapping[Key, Value]) -> None:
        lists = self._lists(connection, [name for _, name in values])
        execute_by_keys(connection, "DELETE FROM playlist_entries WHERE playlist {keys}", lists.values())
        rows = [
            (lists[name], position, track)
            for (_, name), tracks in values.items()
            if name in lists
            for position, track in enumerate(tracks)
        ]
        upsert(connection, self.table, ("playlist", "position", "track"), rows, keys=("playlist", "position"))

    def remove(self, connection: Connection, keys: Iterable[Key]) -> None:
        self.write(connection, dict.fromkeys(keys, ()))

    @staticmethod
    def _lists(connection: Connection, names: Iterable[str]) -> dict[str, int]:
        return dict(
            select_by_names(connection, "SELECT id, playlist FROM playlists WHERE id {keys}", sorted(set(names)))
        )


_PLAYLIST: Final = ("name", "kind", "parent_id", "position", "origin", "rule")
_LIST_BEFORE: Final = (
    "(SELECT json_group_array(track) FROM (SELECT track FROM playlist_entries "
    "WHERE playlist = {row}.playlist ORDER BY position))"
)

TRACK: Final = RowEntity(
    name="track",
    table=schema.tracks,
    columns=("digest", "added_at_s"),
    track_column="track",
    settles="whole",
    weight=2,
    fixed={"presence": "offline"},
    triggers=(
        Trigger(
            table="tracks",
            track="{row}.track",
            when="OLD.digest IS NOT NEW.digest OR OLD.added_at_s IS NOT NEW.added_at_s "
            "OR (OLD.path IS NULL) <> (NEW.path IS NULL)",
        ),
    ),
)
MERGE: Final = RowEntity(
    name="merge",
    table=schema.merges,
    columns=("into_track",),
    track_column="track",
    settles="whole",
    triggers=(Trigger(table="merges", track="{row}.track"),),
)
CUES: Final = CueEntity(
    name="cues",
    table=schema.cues,
    columns=("kind", "start_s", "end_s", "pad", "label", "colour", "active_loop", "foreign_id"),
    tells=True,
    track_column="track",
    name_column="origin",
    settles="whole",
    weight=5,
    triggers=(Trigger(table="cues", track="{row}.track", name="{row}.origin", many=True),),
)
ATTRIBUTES: Final = RowEntity(
    name="attributes",
    table=schema.attributes,
    columns=("attributes",),
    track_column="track",
    settles="whole",
    triggers=(Trigger(table="attributes", track="{row}.track"),),
)
EMBEDDING: Final = EmbeddingEntity(
    name="embedding",
    table=schema.embeddings,
    columns=("vector",),
    track_column="track",
    name_column="space",
    settles="whole",
    weight=10,
    triggers=(
        Trigger(
            table="embeddings", track="{row}.track", name="(SELECT id FROM spaces WHERE space = {row}.space)", many=True
        ),
    ),
)
PLAYLIST: Final = RowEntity(
    name="playlist",
    table=schema.playlists,
    columns=_PLAYLIST,
    name_column="id",
    tells=True,
    triggers=(
        Trigger(
            table="playlists",
            name="{row}.id",
            base=f"json_array({', '.join(f'OLD.{name}' for name in _PLAYLIST)})",
            when=" OR ".join(f"OLD.{name} IS NOT NEW.{name}" for name in _PLAYLIST),
        ),
    ),
)
ENTRIES: Final = EntriesEntity(
    name="entries",
    table=schema.playlist_entries,
    columns=("track",),
    name_column="playlist",
    settles="list",
    weight=20,
    triggers=(
        Trigger(
            table="playlist_entries",
            name="(SELECT id FROM playlists WHERE playlist = {row}.playlist)",
            base=_LIST_BEFORE,
            before=True,
            many=True,
        ),
    ),
)
CONFLICT: Final = RowEntity(
    name="conflict",
    table=schema.conflicts,
    columns=("at_s", "entity", "track", "name", "field", "kept", "lost", "kept_by", "lost_by"),
    name_column="id",
    settles="whole",
    triggers=(Trigger(table="conflicts", events=("INSERT",), name="{row}.id"),),
)

FACT: Final = FactEntity(
    name="fact",
    table=schema.facts,
    columns=("value", "confidence"),
    track_column="track",
    name_column="name",
    settles="whole",
    triggers=(
        Trigger(
            table="facts",
            events=("UPDATE", "DELETE"),
            track="{row}.track",
            name="{row}.field || ' ' || {row}.provenance",
            when="OLD.value IS NOT NEW.value",
        ),
    ),
)
PLAN: Final = PlanEntity(
    name="plan",
    table=schema.plans_elsewhere,
    columns=PLAN_COLUMNS,
    name_column="id",
    settles="whole",
    weight=2,
    triggers=(
        Trigger(
            table="plans",
            name="{row}.id",
            when=" OR ".join(
                f"OLD.{name} IS NOT NEW.{name}"
                for name in ("state", "who", "why", "track", "applied_at_s", "undone_at_s", "steps")
            ),
        ),
    ),
)

ENTITIES: Final[tuple[RowEntity, ...]] = (
    TRACK, MERGE, FACT, CUES, ATTRIBUTES, EMBEDDING, PLAYLIST, ENTRIES, PLAN, CONFLICT,
)  # fmt: skip
"""In the order in which they are written: what others refer to comes first. Facts are for themselves, see `facts`."""

BY_NAME: Final = {entity.name: entity for entity in ENTITIES}

PARTS: Final = tuple(entity.name for entity in ENTITIES if entity.of_track and entity not in (TRACK, MERGE))
"""What goes with its track."""
