"""A collection file of another program comes in: facts, cues, playlists; nothing that is there is lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cratehand.domain.collection import CollectionChange, CollectionTrack, Playlist
from cratehand.domain.events import CollectionSynced
from cratehand.domain.ids import ForeignId, PlaylistId, TrackId
from cratehand.domain.plan import Change, Plan
from cratehand.domain.ports import Clock
from cratehand.domain.provenance import AnyFact, Fact, Source, SourceKind
from cratehand.domain.stores import Catalogue, IdSource, Stores
from cratehand.domain.track import Presence, Track
from cratehand.usecases.event_bus import Publish
from cratehand.usecases.plan_playlists import change_playlists

XML: Final = Source(kind=SourceKind.REKORDBOX, name="xml")
_SHOWN: Final = 50


@dataclass(slots=True, kw_only=True)
class CollectionImportReport:
    """What an import found and did; in a dry run: would do."""

    known: int = 0
    added: int = 0
    facts: int = 0
    cues: int = 0
    playlists: int = 0
    plan: Plan = field(default_factory=lambda: Plan(why="import"))


class CollectionImport:
    """Brings a collection that was read from a file into the catalogue."""

    def __init__(self, catalogue: Catalogue, *, clock: Clock, new_id: IdSource, publish: Publish) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._new_id = new_id
        self._publish = publish

    def import_file(
        self, change: CollectionChange, *, origin: str, who: str = "somebody", dry_run: bool = False
    ) -> CollectionImportReport:
        """Bring a full collection in: tracks by path, facts as statements of their own, playlists under a folder.

        Cues are taken for tracks that have none from Rekordbox's own database. All in one transaction.

        Args:
            change: What the file holds.
            origin: Name of the file, for the folder that gathers its playlists.
            who: Who wants it, for the history of playlists.
            dry_run: Only count, and say what would be added.
        """
        report = CollectionImportReport()
        if dry_run:
            with self._catalogue.reading() as stores:
                new = [track for track in change.tracks if stores.tracks.by_path(Path(track.location)) is None]
            report.added, report.known = len(new), len(change.tracks) - len(new)
            report.cues = sum(len(track.cues) for track in change.tracks)
            report.playlists = len(change.playlists or ())
            changes = tuple(Change(what="add track", where=track.location) for track in new[:_SHOWN])
            report.plan = Plan(why=f"import {origin}", changes=changes)
            return report
        with self._catalogue.writing() as stores:
            ids = {track.id: self._track(stores, track, report) for track in change.tracks}
            playlists = self._playlists(stores, change, origin, ids)
            why, now_s = f"import the playlists of {origin}", self._clock.now_s()
            change_playlists(stores, playlists, plan_id=self._new_id(), who=who, why=why, at_s=now_s)
            report.playlists = len(playlists)
        self._publish(CollectionSynced(added=report.added, changed=report.known, removed=0))
        return report

    def _track(self, stores: Stores, track: CollectionTrack, report: CollectionImportReport) -> TrackId:
        now_s = self._clock.now_s()
        known = stores.tracks.by_path(Path(track.location)) if track.location else None
        if known is None:
            track_id = TrackId(self._new_id())
            path = Path(track.location) if track.location else None
            stores.tracks.add([Track(id=track_id, path=path, presence=Presence.OFFLINE, added_at_s=now_s)])
            report.added += 1
        else:
            track_id = known.id
            report.known += 1
        facts: list[AnyFact] = [
            Fact(field=name, value=value, source=XML, at_s=now_s) for name, value in track.values.items()
        ]
        stores.facts.record(track_id, facts)
        report.facts += len(facts)
        if known is None or known.collection_id is None:
            stores.cues.replace(track_id, track.cues, origin="xml")
            report.cues += len(track.cues)
        if track.attributes:
            stores.collection.set_attributes(track_id, track.attributes)
        return track_id

    def _playlists(
        self, stores: Stores, change: CollectionChange, origin: str, ids: Mapping[ForeignId, TrackId]
    ) -> list[Playlist]:
        # A second import of the same file replaces the playlists of the first.
        known: dict[ForeignId | None, PlaylistId] = {
            playlist.foreign_id: playlist.id for playlist in stores.playlists.all() if playlist.origin == origin
        }
        wanted: Sequence[ForeignId] = [playlist.id for playlist in change.playlists or ()]
        new = {foreign: known.get(foreign) or PlaylistId(self._new_id()) for foreign in wanted}
        return [
            Playlist(
                id=new[playlist.id],
                name=playlist.name,
                kind=playlist.kind,
                parent_id=new.get(playlist.parent_id) if playlist.parent_id else None,
                position=playlist.position,
                entries=tuple(ids[entry] for entry in playlist.entries if entry in ids),
                origin=origin,
                foreign_id=playlist.id,
                rule=playlist.rule,
            )
            for playlist in change.playlists or ()
        ]
