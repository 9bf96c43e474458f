"""The ports of the catalogue: one small protocol per kind of thing that is kept.

All are synchronous and may block; use cases call them in lanes, never on the event loop.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from cratehand.domain.collection import CollectionChange, ImportReport, Playlist
from cratehand.domain.cue import Cue
from cratehand.domain.fields import Field
from cratehand.domain.folders import KnownFile, WatchedFolder
from cratehand.domain.ids import ContentDigest, ForeignId, PlanId, PlaylistId, TrackId
from cratehand.domain.job_store import IdSource, JobStore
from cratehand.domain.plan_elsewhere import PlanElsewhere
from cratehand.domain.plan_record import PlanKind, PlanRecord, PlanState, UpgradePair
from cratehand.domain.provenance import AnyFact, Source, SourceKind
from cratehand.domain.search import Page, TrackFilter, TrackQuery
from cratehand.domain.tempo import GenreTempo
from cratehand.domain.track import FileStamp, Presence, Track, TrackSummary
from cratehand.domain.vector_store import VectorStore

__all__ = ["IdSource"]  # and all that is defined here


class TrackStore(Protocol):
    """Identity and place of tracks."""

    def add(self, tracks: Sequence[Track]) -> None:
        """Add tracks; raises `ConflictError` where a path is taken by another present track."""
        ...

    def get(self, track_id: TrackId) -> Track | None: ...

    def many(self, track_ids: Sequence[TrackId]) -> Mapping[TrackId, Track]:
        """Return those that exist, in bulk."""
        ...

    def by_path(self, path: Path) -> Track | None:
        """Find by path; NFC and NFD spellings of one path are the same."""
        ...

    def by_digest(self, digest: ContentDigest) -> Sequence[Track]: ...

    def by_collection_id(self, collection_id: ForeignId) -> Track | None: ...

    def by_id_prefix(self, prefix: str) -> Sequence[TrackId]:
        """Return at most 10 ids that begin so."""
        ...

    def place(self, track_id: TrackId, *, path: Path, stamp: FileStamp | None, presence: Presence) -> None:
        """Set where the file of a track is and how it looks."""
        ...

    def set_presence(self, track_ids: Sequence[TrackId], presence: Presence) -> None: ...

    def set_reading(
        self,
        track_id: TrackId,
        *,
        stamp: FileStamp | None,
        digest: ContentDigest | None,
        analysed_at_s: float | None,
        error: str | None,
    ) -> None:
        """Keep what reading the file gave; None for digest or analysed_at_s keeps the old value."""
        ...

    def set_collection_id(self, track_id: TrackId, collection_id: ForeignId | None) -> None: ...

    def remove(self, track_ids: Sequence[TrackId]) -> None:
        """Forget tracks with everything about them."""
        ...

    def absorb(self, keeper: TrackId, other: TrackId) -> None:
        """Move facts, cues, playlist entries, jobs and vectors of `other` to `keeper`, then remove `other`."""
        ...

    def known_files(self, *, under: Path | None = None) -> Sequence[KnownFile]:
        """Return all tracks that have a path, 100,000 in well under a second; only those in a folder where named."""
        ...

    def known_alike(self, stamps: Collection[FileStamp]) -> Sequence[KnownFile]:
        """Return those whose file had size and mtime of one of these: what a file may have been before it moved."""
        ...

    def unread(self) -> Sequence[TrackId]:
        """Return present tracks that were never read, or whose stamp is None, and that have no open job."""
        ...

    def has_missing_with_digest(self) -> bool:
        """Whether some missing track could be recognised by its sound."""
        ...

    def summary(self, track_id: TrackId) -> TrackSummary | None: ...

    def summaries(self, track_ids: Sequence[TrackId]) -> Sequence[TrackSummary]:
        """Return those that exist, in the given order."""
        ...

    def genre_tempos(self, track_id: TrackId) -> Mapping[TrackId, GenreTempo]:
        """Return what is believed of the tempo of other tracks of its genre, up to 500 of them; none without genre."""
        ...

    def query(self, query: TrackQuery) -> Page[TrackSummary]: ...

    def genres(self) -> Sequence[str]:
        """Return the names of all genres, the most used first."""
        ...

    def matching_ids(self, track_filter: TrackFilter) -> Sequence[TrackId]:
        """Return the tracks that a filter lets through, ascending; they may be looked for only when looked at.

        So not to be looked at after the end of the transaction.
        """
        ...

    def counts(self) -> Mapping[str, int]:
        """Return ``total, present, missing, offline, analysed, failed``."""
        ...


class FactStore(Protocol):
    """Statements; nothing is overwritten."""

    def record(self, track_id: TrackId, facts: Sequence[AnyFact]) -> None:
        """Add statements and bring the believed values up to date.

        A statement that repeats its source's latest on that field, value and confidence, is not stored again; a None
        from a source that has said nothing on that field is not stored either.
        """
        ...

    def facts(self, track_id: TrackId, *, field: Field | None = None) -> Sequence[AnyFact]:
        """Return statements in the order they were made."""
        ...

    def statements(self, track_ids: Sequence[TrackId], field: Field) -> Mapping[TrackId, Sequence[AnyFact]]:
        """Return all statements on one field of many tracks, in bulk; a track without any is absent."""
        ...

    def believed(self, track_ids: Sequence[TrackId], field: Field) -> Mapping[TrackId, AnyFact]:
        """Return the believed statement on one field of many tracks."""
        ...


class CueStore(Protocol):
    """The DJ's cues."""

    def cues(self, track_id: TrackId) -> Sequence[Cue]:
        """Return hot cues by pad, then the others by time."""
        ...

    def of(self, track_ids: Sequence[TrackId]) -> Mapping[TrackId, Sequence[Cue]]:
        """Return the cues of many tracks in the order of `cues`; a track without any is absent."""
        ...

    def replace(self, track_id: TrackId, cues: Sequence[Cue], *, origin: str) -> None:
        """Set all cues of a track that come from one origin (``rekordbox``, ``xml`` ...)."""
        ...


class PlaylistStore(Protocol):
    """Playlists and folders."""

    def all(self) -> Sequence[Playlist]:
        """Return every playlist and folder with its entries, parents before children, in their order."""
        ...

    def some(self, ids: Collection[PlaylistId]) -> Sequence[Playlist]:
        """Return those of these that there are, as `all` does."""
        ...

    def within(self, playlist_id: PlaylistId) -> Sequence[Playlist]:
        """Return a playlist, or a folder and everything in it, as `all` does; nothing where there is none."""
        ...

    def save(self, playlist: Playlist) -> None:
        """Add it, or replace the one with its id."""
        ...

    def remove(self, playlist_id: PlaylistId) -> None: ...

    def names_of(self, track_id: TrackId) -> Sequence[str]:
        """Return the full names (``Folder/List``) of the playlists a track is on."""
        ...


class CollectionStore(Protocol):
    """The bulk way of the DJ's collection into the catalogue."""

    def apply(self, change: CollectionChange, *, source: Source, at_s: float, new_id: IdSource) -> ImportReport:
        """Bring one change into the catalogue: tracks by collection id, else by path, else new; facts, cues, playlists.

        All facts share one provenance row per source. A file is not looked at here: `presence` of a new track is
        OFFLINE until somebody saw it. A field that the collection stated before and states no more is taken back.
        """
        ...

    def lacking(self, field: Field, *, kind: SourceKind) -> Sequence[TrackId]:
        """Return the tracks of the DJ's collection on which no source of this kind has stated a field."""
        ...

    def attributes(self, track_ids: Sequence[TrackId]) -> Mapping[TrackId, Mapping[str, str]]:
        """Return what the collection said that we do not interpret (`CollectionTrack.attributes`), in bulk."""
        ...

    def set_attributes(self, track_id: TrackId, attributes: Mapping[str, str]) -> None:
        """Keep what we do not interpret."""
        ...

    def restated(self, track_id: TrackId, values: Mapping[Field, object]) -> Mapping[Field, object]:
        """Return what values that the collection states of a track mean in the file that it has now."""
        ...

    def mark(self, source: Source) -> Mapping[str, object] | None:
        """Return where the last applied change of this source stood."""
        ...


class PlanStore(Protocol):
    """Plans, and the pairs of files that were judged."""

    def add(self, plan: PlanRecord) -> None: ...

    def save(self, plan: PlanRecord) -> None:
        """Keep what became of a plan; raises `NotFoundError` for one that was never added."""
        ...

    def get(self, plan_id: PlanId) -> PlanRecord | None: ...

    def by_id_prefix(self, prefix: str) -> Sequence[PlanId]:
        """Return at most 10 ids that begin so."""
        ...

    def list(
        self,
        *,
        states: Sequence[PlanState] = (),
        kinds: Sequence[PlanKind] = (),
        track_id: TrackId | None = None,
        limit: int = 100,
    ) -> Sequence[PlanRecord]:
        """Return plans, the newest first."""
        ...

    def history(self, *, limit: int = 100) -> Sequence[PlanRecord]:
        """Return plans that were applied, also those undone since, the latest first."""
        ...

    def elsewhere(self, *, prefix: str = "", applied: bool = False, limit: int = 100) -> Sequence[PlanElsewhere]:
        """Return what other devices told of their plans, the latest applied first.

        Args:
            prefix: Only those whose id begins so.
            applied: Only those that were applied, also those undone since.
            limit: At most so many.
        """
        ...

    def save_pair(self, pair: UpgradePair) -> None:
        """Keep a judged pair instead of an earlier judgement of the same candidate for the same track."""
        ...

    def pairs(self, *, candidate: Path | None = None, limit: int = 1000) -> Sequence[UpgradePair]:
        """Return judged pairs, the latest first; only those of one candidate where named."""
        ...

    def forget_pairs(self, candidate: Path) -> None:
        """Forget how a file was judged: there is another one in its place."""
        ...


class CarryStore(Protocol):
    """A track goes over to another file, and back."""

    def carry_over(
        self, track_id: TrackId, *, path: Path, stamp: FileStamp, digest: ContentDigest, offset_s: float | None
    ) -> dict[str, Any]:
        """Point a track at another file and move all that has a place in time; return what undoes that, JSON-able.

        What was measured on the old file is taken out, see `cratehand.catalogue.carrying`. None as offset means the
        same sound with other tags: nothing moves, the tags count as unread.

        Raises:
            NotFoundError: No such track.
            ConflictError: Another present track has the path.
        """
        ...

    def carry_back(self, track_id: TrackId, record: Mapping[str, Any], *, stamp: FileStamp) -> None:
        """Bring all rows back; what others changed since stays, moved back by the offset. Raises as `carry_over`."""
        ...

    def take_out(self, track_id: TrackId) -> dict[str, Any]:
        """Remove a track and return all its rows, JSON-able; raises `NotFoundError`."""
        ...

    def put_back(self, record: Mapping[str, Any]) -> None:
        """Add a track that was taken out; raises `ConflictError` where its path is taken by a present track."""
        ...


class FolderStore(Protocol):
    """Watched folders that were added at run time."""

    def all(self) -> Sequence[WatchedFolder]: ...

    def add(self, folder: WatchedFolder) -> None: ...

    def remove(self, path: Path) -> bool:
        """Forget a folder; False where it was not there."""
        ...


class StateStore(Protocol):
    """Small named things that survive a restart, e.g. ``quiet``."""

    def get(self, name: str) -> str | None: ...

    def set(self, name: str, value: str | None) -> None: ...


class Stores(Protocol):
    """All stores inside one transaction."""

    @property
    def tracks(self) -> TrackStore: ...
    @property
    def facts(self) -> FactStore: ...
    @property
    def cues(self) -> CueStore: ...
    @property
    def playlists(self) -> PlaylistStore: ...
    @property
    def collection(self) -> CollectionStore: ...
    @property
    def plans(self) -> PlanStore: ...
    @property
    def carrying(self) -> CarryStore: ...
    @property
    def jobs(self) -> JobStore: ...
    @property
    def vectors(self) -> VectorStore: ...
    @property
    def folders(self) -> FolderStore: ...
    @property
    def state(self) -> StateStore: ...


class Catalogue(Protocol):
    """Our own store. Thread-safe; several processes may have it open."""

    def reading(self) -> AbstractContextManager[Stores]:
        """Open a consistent view; nothing is written through it."""
        ...

    def writing(self) -> AbstractContextManager[Stores]:
        """Open a write transaction: committed at the end of the block, rolled back when it raises.

        Raises:
            UnavailableError: Another process held the write lock for too long, or the disk is full.
        """
        ...

    def release_memory(self) -> None:
        """Give back caches; called when nothing happened for a while."""
        ...
