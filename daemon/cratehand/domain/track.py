"""A track: one audio file in the user's collection."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cratehand.domain.cue import Cue
from cratehand.domain.ids import ContentDigest, ForeignId, TrackId
from cratehand.domain.provenance import AnyFact


class Presence(StrEnum):
    """Where the file of a track is, as far as this device knows."""

    PRESENT = "present"
    OFFLINE = "offline"
    """Its drive or share is not there; nothing is wrong with the track."""
    MISSING = "missing"
    """Its drive is there and the file is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStamp:
    """What `os.stat` says of a file; any difference means: look again."""

    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileStamp":
        """Take the stamp from an answer of the system.

        Every number is folded into the range of a signed 64-bit integer, which is what databases can keep: inode
        numbers of some network shares, and times after the year 2262, are larger.
        """
        return cls(
            size_bytes=status.st_size,
            mtime_ns=_fold_int64(status.st_mtime_ns),
            ctime_ns=_fold_int64(status.st_ctime_ns),
            inode=_fold_int64(status.st_ino),
        )


def _fold_int64(number: int) -> int:
    return (number + 2**63) % 2**64 - 2**63


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Identity and place of a track; what is known of it stands in facts."""

    id: TrackId
    path: Path | None
    """Absolute; None where this device never had a file for it."""
    presence: Presence
    added_at_s: float
    stamp: FileStamp | None = None
    """None until the file was looked at."""
    digest: ContentDigest | None = None
    """None until the file was read."""
    collection_id: ForeignId | None = None
    """Its id in the DJ's Rekordbox collection."""
    analysed_at_s: float | None = None
    error: str | None = None
    """Why the file could not be read, in one line; None when all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSummary:
    """What a list shows of a track: the believed values, flat. None is "not known"."""

    id: TrackId
    path: Path | None
    presence: Presence
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    genre: str | None = None
    label: str | None = None
    comment: str | None = None
    year: int | None = None
    rating: int | None = None
    colour: str | None = None
    play_count: int | None = None
    date_added: str | None = None
    duration_s: float | None = None
    tempo_bpm: float | None = None
    tempo_confidence: float | None = None
    key: str | None = None
    """In words: ``A minor``."""
    camelot: str | None = None
    key_confidence: float | None = None
    energy: int | None = None
    integrated_lufs: float | None = None
    quality_verdict: str | None = None
    analysed_at_s: float | None = None
    error: str | None = None

    @property
    def on_this_device(self) -> bool:
        """Whether the file can be opened here and now."""
        return self.presence is Presence.PRESENT and self.path is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackDetail:
    """Everything known of one track."""

    track: Track
    summary: TrackSummary
    facts: tuple[AnyFact, ...]
    """All statements of all fields, in the order they were made."""
    cues: tuple[Cue, ...]
    playlists: tuple[str, ...]
    """Names of the playlists it is on, with folders: ``Peak/2024/Techno``."""
