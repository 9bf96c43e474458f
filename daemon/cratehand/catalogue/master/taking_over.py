"""Bringing what the master has into the device, and settling it with what the device has not sent yet.

The master keeps what is sent to it, in the order of pushes; everything that has to be decided is decided here, by the
device that comes second: it takes over what it has not seen, settles, and may push only when nothing is new any more.
"""

import json
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Connection, exc

from cratehand.catalogue import schema
from cratehand.catalogue.believed import COLUMNS, believed_row, rebuild, with_file_name
from cratehand.catalogue.bulk import insert_rows
from cratehand.catalogue.keys import id_of
from cratehand.catalogue.master import capture
from cratehand.catalogue.master.bound import Binding, existing_tracks, forget_changes, fresh_name
from cratehand.catalogue.master.entities import BY_NAME, ENTITIES, ENTRIES, FACT, MERGE, TRACK
from cratehand.catalogue.master.incoming import FACT_COLUMNS, PROVENANCE_COLUMNS, Change, Incoming
from cratehand.catalogue.master.kept_entries import note_lists_with, put_back
from cratehand.catalogue.master.row_entity import Key, RowEntity, Value
from cratehand.catalogue.master.rows import execute_by_keys, select_by_keys, upsert
from cratehand.catalogue.master.same_sound import unite
from cratehand.catalogue.merging import absorb_track
from cratehand.catalogue.removal import delete_playlists, delete_tracks
from cratehand.domain.settling import Claim, settle_fields, settle_lists

_log = logging.getLogger(__name__)

_SHOWN: Final = 200
_ANY_OF: Final = f"WHERE entity IN ({', '.join(repr(name) for name in (*BY_NAME, capture.FACTS))}) AND track"


class ReadAgainError(Exception):
    """The device changed between reading from the master and taking over."""


class TakingOver:
    """Takes one range over, inside a write transaction of the device."""

    def __init__(self, connection: Connection, incoming: Incoming, binding: Binding) -> None:
        self._connection = connection
        self._incoming = incoming
        self._me, self._seen = binding.device, binding.seen
        self._conflicts: list[tuple[Any, ...]] = []
        self._touched: set[int] = set()
        self._reborn: set[int] = set()

    def run(self) -> int:
        """Do it; return how many conflicts were settled."""
        connection, incoming = self._connection, self._incoming
        with capture.silent(connection):
            merged_here = self._merged_here()
            self._tracks(also=merged_here | incoming.whole)
            self._facts()
            self._merges()
            note_lists_with(connection, self._contested() | self._reborn)
            for entity in ENTITIES:
                if entity not in (TRACK, MERGE):
                    self._settle(entity)
            self._merge_again(merged_here)
            self._deletions()
            self._believe()
            latest = max(
                (change.stamp for changes in incoming.changes.values() for change in changes.values()), default=0
            )
            connection.exec_driver_sql("UPDATE capture SET stamp = max(stamp, ?)", (latest,))
            digests = [change.value[0] for change in incoming.of(TRACK).values() if change.value]
            with capture.noting(connection):
                unite(connection, self._me, digests)
                columns = (*BY_NAME["conflict"].key_columns, *BY_NAME["conflict"].columns)
                upsert(connection, schema.conflicts, columns, self._conflicts, keys=("id",), changed=())
        return len(self._conflicts)

    def _merged_here(self) -> set[int]:
        """Return tracks of which the master has news, and that turned out here to be another one.

        Raises:
            ReadAgainError: A track was deleted here after it was decided what to read completely.
        """
        tracks = self._incoming.tracks()
        gone = tracks - existing_tracks(self._connection, tracks)
        merged = {
            row[0] for row in select_by_keys(self._connection, "SELECT track FROM merges WHERE track {keys}", gone)
        }
        if self._noted(TRACK, gone) - merged - self._incoming.whole:
            raise ReadAgainError("deleted meanwhile")
        return merged

    def _tracks(self, *, also: set[int]) -> None:
        connection = self._connection
        stated = {key[0]: change.value for key, change in self._incoming.of(TRACK).items() if change.value is not None}
        wanted = stated.keys() | also
        there = existing_tracks(connection, wanted)
        fresh = sorted(wanted - there)
        for track in self._incoming.whole - there:
            # A deletion of ours gives way; `whole` brought the rest of the track along.
            self._tell(TRACK, (track, ""), "deleted", ("kept", "deleted"), ("", self._me))
        digests = {track: stated.get(track, (None, time.time())) for track in fresh}
        rows = [(track, "offline", added_at_s, digest) for track, (digest, added_at_s) in digests.items()]
        upsert(
            connection, schema.tracks, ("track", "presence", "added_at_s", "digest"), rows, keys=("track",), changed=()
        )
        told = self._incoming.believed
        believed = [told.get(track) or believed_row(track, {}, {}, path_text=None) for track in fresh]
        upsert(connection, schema.believed, COLUMNS, believed, keys=("track",))
        known = [(*value, track) for track, value in stated.items() if track in there]
        if known:
            # Of its own file this device knows best what it sounds like.
            connection.exec_driver_sql(
                "UPDATE tracks SET digest = "
                "CASE WHEN path IS NULL OR digest IS NULL THEN ? ELSE digest END, "
                "added_at_s = min(added_at_s, ?) WHERE track = ?",
                known,
            )  # fmt: skip
        forget_changes(connection, TRACK.name, set(fresh) & (stated.keys() | self._incoming.whole))
        self._places(set(stated))
        put_back(connection, self._incoming.whole - there)
        # Deleted on the master and made anew since we looked last: it has lost what it had of them, and we have that.
        self._reborn = {
            track for track in stated.keys() & there if self._incoming.of(TRACK)[track, ""].born > self._seen
        }
        self._touched |= wanted

    def _places(self, tracks: set[int]) -> None:
        execute_by_keys(self._connection, "DELETE FROM places WHERE track {keys}", tracks)
        others = [place for place in self._incoming.places if place[1] != self._me]
        upsert(self._connection, schema.places, ("track", "device"), others, keys=("track", "device"), changed=())

    def _facts(self) -> None:
        connection, facts = self._connection, self._incoming.facts
        if not facts:
            return
        columns = ("provenance",)
        upsert(connection, schema.provenances, PROVENANCE_COLUMNS, self._incoming.provenances, keys=columns, changed=())
        there = existing_tracks(connection, {row[0] for row in facts})
        self._contradictions({row[0] for row in facts} & there)
        # In the order of their keys rows come to lie side by side, which is several times faster.
        fit = sorted(row for row in facts if row[0] in there)
        upsert(connection, schema.facts, FACT_COLUMNS, fit, keys=("track", "field", "provenance"), changed=())
        self._touched |= there
        for row in facts:
            if row[0] not in there:
                self._set_aside(capture.FACTS, (row[0], row[1]), "its track is not there")

    def _contradictions(self, tracks: set[int]) -> None:
        """Note where persons said different things on two devices; the facts themselves are all kept."""
        noted = self._noted_facts(tracks)
        if not noted:
            return
        statement = (
            "SELECT f.track, f.field, f.provenance, f.value, p.at_s FROM facts f JOIN provenances p "
            "ON p.provenance = f.provenance WHERE p.kind = 'person' AND f.track {keys}"
        )
        mine = {
            (row[0], row[1]): row
            for row in select_by_keys(self._connection, statement, noted)
            if row[2] >= noted[row[0]]
        }
        persons = {row[0]: row for row in self._incoming.provenances if row[1] == "person"}
        for track, field, provenance, value, _ in self._incoming.facts:
            own = mine.get((track, field))
            if own is None or provenance not in persons or own[3] == value or own[2] == provenance:
                continue
            is_mine = (own[4], own[2]) > (persons[provenance][4], provenance)
            kept, lost = (own[3], value) if is_mine else (value, own[3])
            by = (self._me, "") if is_mine else ("", self._me)
            self._tell(None, (track, ""), field, (kept, lost), by)

    def _merges(self) -> None:
        for (other, _), change in sorted(self._incoming.of(MERGE).items()):
            if change.value is None:
                continue
            into = self._follow(int(change.value[0]), avoid=other)
            there = existing_tracks(self._connection, {other, into})
            if other not in there:
                MERGE.write(self._connection, {(other, ""): (into,)})
                continue
            with capture.noting(self._connection):
                if into not in there:
                    self._make(into)
                absorb_track(self._connection, into, other)
            self._touched |= {into}
            # The master has heard of this one already.
            forget_changes(self._connection, MERGE.name, {other})
            forget_changes(self._connection, TRACK.name, {other})

    def _follow(self, track: int, *, avoid: int) -> int:
        """Return what a track is by now; where that would be `avoid`, the track itself: the master's merge counts."""
        seen = {avoid}
        at = track
        while at not in seen:
            seen.add(at)
            row = self._connection.exec_driver_sql("SELECT into_track FROM merges WHERE track = ?", (at,)).first()
            if row is None:
                return at
            at = row[0]
        return track

    def _make(self, track: int) -> None:
        rows = [(track, "offline", time.time())]
        upsert(self._connection, schema.tracks, ("track", "presence", "added_at_s"), rows, keys=("track",), changed=())
        insert_rows(self._connection, schema.believed, COLUMNS, [believed_row(track, {}, {}, path_text=None)])

    def _merge_again(self, tracks: set[int]) -> None:
        for track in sorted(tracks & existing_tracks(self._connection, tracks)):
            row = self._connection.exec_driver_sql("SELECT into_track FROM merges WHERE track = ?", (track,)).first()
            if row is None:
                continue
            into = self._follow(row[0], avoid=track)
            with capture.noting(self._connection):
                if not existing_tracks(self._connection, {into}):
                    self._make(into)
                absorb_track(self._connection, into, track)
            self._touched |= {into}

    def _settle(self, entity: RowEntity) -> None:
        """Write what changed of one entity; where this device changed it too, settle."""
        changes = self._incoming.of(entity)
        if not changes:
            return
        connection = self._connection
        if entity is FACT:
            self._touched |= existing_tracks(connection, {track for track, _ in changes})
        if entity.of_track:
            there = existing_tracks(connection, {track for track, _ in changes})
            for key in [key for key, change in changes.items() if change.value is not None and key[0] not in there]:
                self._set_aside(entity.name, key, "its track is not there")
            changes = {key: change for key, change in changes.items() if key[0] in there}
        pending = self._pending(entity, changes)
        mine = entity.read(connection, pending)
        writes = {key: self._shaped(entity, change.value) for key, change in changes.items() if key not in pending}
        for key, (stamp, base) in pending.items():
            settled = self._settled(entity, key, mine.get(key), (stamp, base))
            if settled != mine.get(key):
                writes[key] = settled
        self._write(entity, writes)

    def _settled(self, entity: RowEntity, key: Key, mine: Value | None, noted: tuple[int, str | None]) -> Value | None:
        change, (stamp, base_text) = self._incoming.of(entity)[key], noted
        theirs = self._shaped(entity, change.value)
        mine_wins = Claim(stamp=stamp, device=self._me).beats(Claim(stamp=change.stamp, device=change.device))
        if mine == theirs:
            self._drop(entity, key)
            return mine
        if mine is None or theirs is None:
            kept = theirs if mine is None else mine
            lost_by, kept_by = (self._me, change.device) if mine is None else (change.device, self._me)
            if entity.tells:
                self._tell(entity, key, "deleted", (kept, "deleted"), (kept_by, lost_by))
            if mine is None:
                self._drop(entity, key)
            return kept
        base = None if base_text is None else tuple(json.loads(base_text))
        result = self._both(entity, key, (base, mine, theirs), change, mine_wins=mine_wins)
        if result == theirs:
            self._drop(entity, key)
        else:
            self._keep(entity, key, max(stamp, change.stamp + 1), theirs)
        return result

    def _both(
        self, entity: RowEntity, key: Key, values: tuple[Value | None, Value, Value], change: Change, *, mine_wins: bool
    ) -> Value:
        base, mine, theirs = values
        by = (self._me, change.device) if mine_wins else (change.device, self._me)
        if entity.settles == "list":
            return tuple(settle_lists(base, mine, theirs, mine_wins=mine_wins))
        if entity.settles == "whole":
            kept, lost = (mine, theirs) if mine_wins else (theirs, mine)
            if entity.tells and change.device != self._me:
                self._tell(entity, key, entity.name, (kept, lost), by)
            return kept
        settled = settle_fields(base, mine, theirs, mine_wins=mine_wins)
        for place in settled.lost if change.device != self._me else ():
            kept, lost = (mine[place], theirs[place]) if mine_wins else (theirs[place], mine[place])
            self._tell(entity, key, entity.columns[place], (kept, lost), by)
        return settled.value

    def _shaped(self, entity: RowEntity, value: Value | None) -> Value | None:
        """Return the value without tracks that are not here."""
        if entity is not ENTRIES or value is None:
            return value
        there = existing_tracks(self._connection, set(value))
        moved = {track: self._follow(track, avoid=0) for track in set(value) - there}
        there |= existing_tracks(self._connection, set(moved.values()))
        return tuple(found for track in value if (found := moved.get(track, track)) in there)

    def _write(self, entity: RowEntity, writes: Mapping[Key, Value | None]) -> None:
        values = {key: value for key, value in writes.items() if value is not None}
        try:
            with self._connection.begin_nested():
                entity.write(self._connection, values)
        except exc.DBAPIError:
            self._write_singly(entity, values)
        gone = [key for key, value in writes.items() if value is None]
        if entity is BY_NAME["playlist"]:
            names = {name for _, name in gone}
            rows = self._connection.exec_driver_sql("SELECT playlist, id FROM playlists") if names else ()
            delete_playlists(self._connection, [row[0] for row in rows if row[1] in names])
        elif gone:
            entity.remove(self._connection, gone)

    def _write_singly(self, entity: RowEntity, values: Mapping[Key, Value]) -> None:
        for key, value in values.items():
            try:
                with self._connection.begin_nested():
                    entity.write(self._connection, {key: value})
            except exc.DBAPIError as error:
                self._set_aside(entity.name, key, str(error.orig))

    def _deletions(self) -> None:
        connection = self._connection
        gone = self._gone()
        there, contested = existing_tracks(connection, gone), self._contested()
        delete_tracks(connection, there - contested)
        forget_changes(connection, TRACK.name, gone - there)
        for track in sorted(contested):
            device = self._incoming.of(TRACK)[track, ""].device
            self._tell(TRACK, (track, ""), "deleted", ("kept", "deleted"), (self._me, device))
        capture.note_tracks(connection, contested | existing_tracks(connection, self._reborn))

    def _gone(self) -> set[int]:
        return {track for (track, _), change in self._incoming.of(TRACK).items() if change.value is None}

    def _contested(self) -> set[int]:
        """Return the tracks that were deleted elsewhere while something was said of them here."""
        there = existing_tracks(self._connection, self._gone())
        statement = f"SELECT DISTINCT track FROM changes {_ANY_OF} {{keys}}"  # noqa: S608
        noted = {row[0] for row in select_by_keys(self._connection, statement, there)}
        return noted | (there & {row[0] for row in self._incoming.facts})

    def _believe(self) -> None:
        """Bring `believed` up to date: as the one who pushed had it, or anew where this device knows more."""
        connection = self._connection
        statement = "SELECT track, path FROM tracks WHERE track {keys}"
        paths = {row[0]: row[1] for row in select_by_keys(connection, statement, self._touched)}
        more = self._noted_facts(set(paths)).keys() | (paths.keys() - self._incoming.believed.keys())
        rows = [
            with_file_name(self._incoming.believed[track], path) for track, path in paths.items() if track not in more
        ]
        upsert(connection, schema.believed, COLUMNS, rows, keys=("track",))
        rebuild(connection, sorted(more))

    def _pending(self, entity: RowEntity, keys: Iterable[Key]) -> dict[Key, tuple[int, str | None]]:
        wanted = set(keys)
        statement = f"SELECT track, name, stamp, base FROM changes WHERE entity = '{entity.name}' AND track {{keys}}"  # noqa: S608
        rows = select_by_keys(self._connection, statement, {track for track, _ in wanted})
        return {(row[0], row[1]): (row[2], row[3]) for row in rows if (row[0], row[1]) in wanted}

    def _noted(self, entity: RowEntity, tracks: set[int]) -> set[int]:
        statement = f"SELECT track FROM changes WHERE entity = '{entity.name}' AND track {{keys}}"  # noqa: S608
        return {row[0] for row in select_by_keys(self._connection, statement, tracks)}

    def _noted_facts(self, tracks: set[int]) -> dict[int, int]:
        statement = f"SELECT track, since FROM changes WHERE entity = '{capture.FACTS}' AND track {{keys}}"  # noqa: S608
        return {row[0]: row[1] for row in select_by_keys(self._connection, statement, tracks)}

    def _drop(self, entity: RowEntity, key: Key) -> None:
        self._connection.exec_driver_sql(
            "DELETE FROM changes WHERE entity = ? AND track = ? AND name = ?", (entity.name, *key)
        )

    def _keep(self, entity: RowEntity, key: Key, stamp: int, base: Value) -> None:
        text = json.dumps(base) if entity.settles != "whole" else None
        self._connection.exec_driver_sql(
            "UPDATE changes SET stamp = ?, base = ?, sending = 0 WHERE entity = ? AND track = ? AND name = ?",
            (stamp, text, entity.name, *key),
        )

    def _tell(
        self, entity: RowEntity | None, key: Key, field: str, values: tuple[object, object], by: tuple[str, str]
    ) -> None:
        """Keep a conflict: what was kept, in short, what was lost, in full so that it can be had back, and by whom."""
        kept, lost = (value if isinstance(value, str) else _text(value) for value in values)
        kept = kept[:_SHOWN]
        name = capture.FACTS if entity is None else entity.name
        self._conflicts.append((fresh_name(), time.time(), name, *key, field, kept, lost, *by))

    def _set_aside(self, entity: str, key: Key, reason: str) -> None:
        _log.warning("set aside a row of the master: %s of track %s %s: %s", entity, id_of(key[0]), key[1], reason)
        upsert(
            self._connection, schema.quarantine, ("entity", "track", "name", "revision", "reason"),
            [(entity, *key, self._incoming.upto, reason)], keys=("entity", "track", "name"),
        )  # fmt: skip


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, default=lambda raw: f"{len(raw)} bytes")
