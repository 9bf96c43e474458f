"""The disk reaches the catalogue: landed, moved, altered, gone, back again."""

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from cratehand.domain.errors import CratehandError
from cratehand.domain.events import Event, JobProgressed, TrackAdded, TrackChanged
from cratehand.domain.folders import FolderChange, KnownFile, SeenFile
from cratehand.domain.ids import ContentDigest, TrackId
from cratehand.domain.job import JobKind, Priority
from cratehand.domain.ports import Clock, ContentDigester, FolderScanner
from cratehand.domain.stores import Catalogue, IdSource, Stores
from cratehand.domain.track import Presence, Track
from cratehand.usecases.event_bus import Publish

logger = logging.getLogger(__name__)

_FEW: Final = 100
"""Up to so many paths are looked up one by one; for more all that is known is loaded at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSyncReport:
    """What a look at the disk changed, in numbers of tracks."""

    added: int = 0
    moved: int = 0
    altered: int = 0
    gone: int = 0
    offline: int = 0
    returned: int = 0
    queued: int = 0

    def __str__(self) -> str:
        counts = [f"{count} {what}" for what, count in asdict(self).items() if count]
        return ", ".join(counts) or "nothing new"


class FolderSync:
    """Keeps the catalogue true to the watched folders, and to the files that Rekordbox names elsewhere.

    `hold` says which landed files are not to become tracks now, e.g. better copies of tracks.
    """

    def __init__(  # noqa: PLR0913
        self,
        catalogue: Catalogue,
        *,
        scanner: FolderScanner,
        digester: ContentDigester,
        folders: Callable[[], Sequence[Path]],
        clock: Clock,
        new_id: IdSource,
        publish: Publish,
        hold: Callable[[Sequence[SeenFile]], Collection[Path]] = lambda _: (),
    ) -> None:
        self._catalogue = catalogue
        self._hold = hold
        self._scanner = scanner
        self._digester = digester
        self._folders = folders
        self._clock = clock
        self._new_id = new_id
        self._publish = publish

    def sweep(self) -> FolderSyncReport:
        """Compare everything: all watched folders and all known files."""
        with self._catalogue.reading() as stores:
            known = stores.tracks.known_files()
        return self._apply(self._scanner.sweep(self._folders(), known), fresh=False)

    def look_at(self, paths: Iterable[Path]) -> FolderSyncReport:
        """Compare a few paths, e.g. those that a watcher named."""
        named, folders = list(paths), self._folders()
        if len(named) > _FEW:
            with self._catalogue.reading() as stores:
                known: Sequence[KnownFile] = stores.tracks.known_files()
            return self._apply(self._scanner.look_at(named, folders, known), fresh=True)
        # Most of a large collection has nothing to do with a few paths: only what is known there, and whatever a file
        # that is new there may have been before.
        with self._catalogue.reading() as stores:
            known = _known_at(stores, named)
        change = self._scanner.look_at(named, folders, known)
        if arrived := [seen.stamp for seen in (*change.landed, *change.altered)]:
            here = {file.track_id for file in known}
            with self._catalogue.reading() as stores:
                elsewhere = [file for file in stores.tracks.known_alike(arrived) if file.track_id not in here]
            if elsewhere:
                change = self._scanner.look_at(named, folders, [*known, *elsewhere])
        return self._apply(change, fresh=True)

    def _apply(self, change: FolderChange, *, fresh: bool) -> FolderSyncReport:
        digests = self._digests_for_moves(change.landed)
        # Candidates for the place of another file are no tracks of their own.
        held = frozenset(self._hold(change.landed)) if change.landed else frozenset()
        events: list[Event] = []
        with self._catalogue.writing() as stores:
            moved = self._moved(stores, change, digests, events)
            altered = self._altered(stores, change.altered, events)
            gone = self._set_presence(stores, change.gone, Presence.MISSING, events)
            returned = self._set_presence(stores, change.returned, Presence.PRESENT, events)
            offline = self._offline(stores, change.offline, events)
            moved += self._recognised(stores, change.landed, digests, events)
            added = self._landed(stores, [seen for seen in change.landed if seen.path not in held], events)
            queued = self._queue(stores, fresh=fresh, events=events)
        for event in events:
            self._publish(event)
        report = FolderSyncReport(
            added=added, moved=moved, altered=altered, gone=gone, offline=offline, returned=returned, queued=queued
        )
        if report != FolderSyncReport():
            logger.info("folders: %s", report)
        return report

    def _digests_for_moves(self, landed: Sequence[SeenFile]) -> dict[Path, ContentDigest]:
        """Listen to landed files only where some missing track could be one of them."""
        with self._catalogue.reading() as stores:
            if not landed or not stores.tracks.has_missing_with_digest():
                return {}
        digests: dict[Path, ContentDigest] = {}
        for seen in landed:
            try:
                digests[seen.path] = self._digester.digest(seen.path)
            except (CratehandError, OSError) as error:
                logger.debug("no digest of %s: %s", seen.path, error)
        return digests

    def _moved(
        self, stores: Stores, change: FolderChange, digests: dict[Path, ContentDigest], events: list[Event]
    ) -> int:
        movers = {track.id: seen for old, seen in change.moved if (track := stores.tracks.by_path(old)) is not None}
        # Files may have traded names: everybody leaves before anybody arrives, and who stays behind has lost its file.
        holders = {
            holder.id
            for seen in movers.values()
            if (holder := stores.tracks.by_path(seen.path)) is not None and holder.presence is Presence.PRESENT
        }
        overwritten = sorted(holders - movers.keys())
        stores.tracks.set_presence([*overwritten, *movers], Presence.MISSING)
        for track_id, seen in movers.items():
            stores.tracks.place(track_id, path=seen.path, stamp=seen.stamp, presence=Presence.PRESENT)
        events.extend(TrackChanged(track_id=track_id) for track_id in [*overwritten, *movers])
        return len(movers)

    def _recognised(
        self, stores: Stores, landed: Sequence[SeenFile], digests: dict[Path, ContentDigest], events: list[Event]
    ) -> int:
        """Give landed files to the missing tracks whose sound they are."""
        count = 0
        for seen in landed:
            digest = digests.get(seen.path)
            if digest is None or stores.tracks.by_path(seen.path) is not None:
                continue
            lost = [track for track in stores.tracks.by_digest(digest) if track.presence is Presence.MISSING]
            if lost:
                stores.tracks.place(lost[0].id, path=seen.path, stamp=seen.stamp, presence=Presence.PRESENT)
                events.append(TrackChanged(track_id=lost[0].id))
                count += 1
        return count

    def _altered(self, stores: Stores, altered: Sequence[SeenFile], events: list[Event]) -> int:
        count = 0
        for seen in altered:
            if (track := stores.tracks.by_path(seen.path)) is None:
                continue
            # Without a stamp it counts as unread, so that its analysis is queued below. One that was never read does so
            # anyway; with its stamp it is recognised when it moves before its turn comes.
            never_read = track.analysed_at_s is None and track.error is None
            stamp = seen.stamp if never_read else None
            if track.stamp != stamp or track.presence is not Presence.PRESENT:
                stores.tracks.place(track.id, path=seen.path, stamp=stamp, presence=Presence.PRESENT)
                events.append(TrackChanged(track_id=track.id))
                count += 1
        return count

    def _landed(self, stores: Stores, landed: Sequence[SeenFile], events: list[Event]) -> int:
        now_s = self._clock.now_s()
        new = [
            Track(
                id=TrackId(self._new_id()),
                path=seen.path,
                presence=Presence.PRESENT,
                added_at_s=now_s,
                stamp=seen.stamp,
            )
            for seen in landed
            if stores.tracks.by_path(seen.path) is None
        ]
        stores.tracks.add(new)
        events.extend(TrackAdded(track_id=track.id) for track in new)
        return len(new)

    def _set_presence(self, stores: Stores, paths: Sequence[Path], presence: Presence, events: list[Event]) -> int:
        ids = [file.track_id for file in _known_of(stores, paths) if file.presence is not presence]
        stores.tracks.set_presence(ids, presence)
        events.extend(TrackChanged(track_id=track_id) for track_id in ids)
        return len(ids)

    def _offline(self, stores: Stores, roots: Sequence[Path], events: list[Event]) -> int:
        ids = [
            known.track_id
            for root in roots
            for known in stores.tracks.known_files(under=root)
            if known.presence is not Presence.OFFLINE
        ]
        stores.tracks.set_presence(ids, Presence.OFFLINE)
        events.extend(TrackChanged(track_id=track_id) for track_id in ids)
        return len(ids)

    def _queue(self, stores: Stores, *, fresh: bool, events: list[Event]) -> int:
        jobs = stores.jobs.enqueue(
            JobKind.ANALYSE,
            stores.tracks.unread(),
            priority=Priority.FRESH if fresh else Priority.BACKGROUND,
            at_s=self._clock.now_s(),
            new_id=self._new_id,
        )
        events.extend(JobProgressed(job=job) for job in jobs)
        return len(jobs)


def _known_at(stores: Stores, paths: Iterable[Path]) -> list[KnownFile]:
    """Return what is known at some paths and below them."""
    found: dict[TrackId, KnownFile] = {}
    for path in paths:
        if (track := stores.tracks.by_path(path)) is not None:
            found[track.id] = _known(track)
        found.update((file.track_id, file) for file in stores.tracks.known_files(under=path))
    return list(found.values())


def _known_of(stores: Stores, paths: Sequence[Path]) -> list[KnownFile]:
    """Return the tracks that have these very paths."""
    if len(paths) <= _FEW:
        return [_known(track) for path in paths if (track := stores.tracks.by_path(path)) is not None]
    wanted = set(paths)
    return [file for file in stores.tracks.known_files() if file.path in wanted]


def _known(track: Track) -> KnownFile:
    assert track.path is not None
    return KnownFile(track_id=track.id, name=str(track.path), stamp=track.stamp, presence=track.presence)
