"""The DJ's collection as a foreign program holds it, and what changed in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cratehand.domain.cue import Cue
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, PlaylistId, TrackId


class PlaylistKind(StrEnum):
    """Folder, list, or rule."""

    FOLDER = "folder"
    PLAYLIST = "playlist"
    SMART = "smart"
    """Rule-based in the DJ program; its entries are known only as far as that program stores them."""
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionTrack:
    """One track as the DJ program states it."""

    id: ForeignId
    location: str
    """Absolute path in the notation of the machine that wrote it; may be empty or not exist here."""
    values: Mapping[Field, object]
    """Domain values, see `cratehand.domain.fact_values`; fields the program leaves empty are absent."""
    cues: tuple[Cue, ...] = ()
    grid_locked: bool = False
    """The DJ locked the analysis: tempo, grid and key are a person's word."""
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What we do not interpret but write back unchanged (unknown XML attributes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionPlaylist:
    """One playlist or folder as the DJ program states it; entries in order, a track may appear twice."""

    id: ForeignId
    name: str
    kind: PlaylistKind
    parent_id: ForeignId | None = None
    position: int = 0
    entries: tuple[ForeignId, ...] = ()
    rule: str | None = None
    """The stored rule of a smart list, verbatim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionChange:
    """What a read of the collection found.

    `full` means: this is everything, what is not in it is gone. Else only what changed since the mark is here.
    """

    full: bool
    tracks: Sequence[CollectionTrack] = ()
    deleted_tracks: Sequence[ForeignId] = ()
    playlists: Sequence[CollectionPlaylist] | None = None
    """All playlists and folders where any of them changed; None where none did."""
    mark: Mapping[str, object] = field(default_factory=dict)
    """Where this read stood; JSON-able; handed back to the next read."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.full or self.tracks or self.deleted_tracks or self.playlists is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did to the catalogue."""

    added: tuple[TrackId, ...] = ()
    changed: tuple[TrackId, ...] = ()
    removed: tuple[TrackId, ...] = ()
    """Tracks that left the DJ's collection; the catalogue keeps them and their facts."""
    cues: int = 0
    playlists: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """One playlist or folder of the catalogue."""

    id: PlaylistId
    name: str
    kind: PlaylistKind
    parent_id: PlaylistId | None = None
    position: int = 0
    entries: tuple[TrackId, ...] = ()
    origin: str = "cratehand"
    """Who owns it: ``rekordbox`` (follows the collection) or ``cratehand`` (made or imported here)."""
    foreign_id: ForeignId | None = None
    rule: str | None = None
