"""Watched folders, and what is seen in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cratehand.domain.ids import TrackId
from cratehand.domain.track import FileStamp, Presence


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedFolder:
    """A folder whose music belongs to the collection."""

    path: Path
    """Absolute, as the user gave it; symbolic links are not resolved."""
    added_at_s: float
    polling: bool = False
    """Looked at on a timer, because its file system sends no events (network shares)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file that the catalogue knows."""

    track_id: TrackId
    name: str
    """The whole path as text: of 100,000 files at once, and most are compared by it only."""
    stamp: FileStamp | None
    presence: Presence

    @property
    def path(self) -> Path:
        """Where it is."""
        return Path(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """An audio file that is there now and has stopped growing."""

    path: Path
    stamp: FileStamp


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderChange:
    """What differs between the disk and what was known; an empty change is no news.

    Attributes:
        landed: New files, complete.
        altered: Known paths whose stamp differs.
        moved: Known paths and where their file is now (same inode and size, or a rename event).
        gone: Known paths without a file although their drive is there.
        offline: Watched folders (or drives) that are not there; their files are not gone.
        returned: Known paths that were missing or offline and are there again, unchanged.
    """

    landed: Sequence[SeenFile] = ()
    altered: Sequence[SeenFile] = ()
    moved: Sequence[tuple[Path, SeenFile]] = ()
    gone: Sequence[Path] = ()
    offline: Sequence[Path] = ()
    returned: Sequence[Path] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed."""
        return not (self.landed or self.altered or self.moved or self.gone or self.offline or self.returned)
