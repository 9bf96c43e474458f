"""The ports: small protocols named by ability. Adapters implement them, use cases are given them.

All catalogue and audio ports are synchronous and may block; use cases call them in lanes, never on the event loop.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.collection import CollectionChange
from cratehand.domain.collection_edit import CollectionEdit, EditObstacle, EditRecord
from cratehand.domain.fields import Field
from cratehand.domain.folders import FolderChange, KnownFile, WatchedFolder
from cratehand.domain.ids import ContentDigest, TrackId
from cratehand.domain.provenance import Source


class Clock(Protocol):
    """Time as an argument."""

    def now_s(self) -> float:
        """Return wall time, seconds since 1970 UTC; may jump."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds since some start; never goes back."""
        ...


# --- the sound ---------------------------------------------------------------------------------------------------


class AudioReader(Protocol):
    """Opens audio files of every supported kind."""

    def probe(self, path: Path) -> AudioFormat:
        """Read what the file declares.

        Raises:
            NotFoundError: No such file.
            CorruptFileError: Not audio, truncated beyond use, or empty.
            UnsupportedError: DRM-protected, or a kind this build can not decode.
            UnavailableError: It is there but can not be opened now (permission, sharing, I/O error).
        """
        ...

    def blocks(self, path: Path, *, block_s: float = 1.0) -> Iterator[Samples]:
        """Decode from the start, block by block, at the file's own rate and channels; memory stays bounded.

        Each block is float32 ``(channels, frames)``; only the last may be shorter. Raises like `probe`, also in the
        middle; what was yielded until then is good.
        """
        ...


class TagReader(Protocol):
    """Reads tags."""

    def tags(self, path: Path) -> Mapping[Field, object]:
        """Return what the tags say as domain values; an untagged or unreadable file gives an empty mapping."""
        ...


class ContentDigester(Protocol):
    """Knows a file by its sound alone."""

    def digest(self, path: Path) -> ContentDigest:
        """Return the digest of the audio without its tags; raises like `AudioReader.probe`."""
        ...


class FingerprintSession(Protocol):
    """Takes one signal and gives its fingerprint."""

    def feed(self, samples: Samples) -> None:
        """Take the next block, float32 ``(channels, frames)``."""
        ...

    def finish(self) -> str | None:
        """End the signal; return the fingerprint, None for one too short to have any."""
        ...

    def close(self) -> None:
        """Release what the session holds; allowed at any time and twice."""
        ...


class Fingerprinter(Protocol):
    """Computes Chromaprint fingerprints."""

    def session(self, *, sample_rate_hz: int, channels: int) -> FingerprintSession:
        """Begin a signal."""
        ...


class AudioWriteSession(Protocol):
    """Takes one signal for a file."""

    def write(self, samples: Samples) -> None:
        """Take the next block, float32 ``(channels, frames)``; what lies beyond full scale is clipped."""
        ...

    def close(self) -> float:
        """End the file, which takes its name only now; return the largest absolute sample of the signal."""
        ...

    def discard(self) -> None:
        """Leave nothing behind; allowed at any time and twice."""
        ...


class AudioWriter(Protocol):
    """Writes audio files of 24 bits."""

    def open(self, path: Path, *, sample_rate_hz: int, channels: int) -> AudioWriteSession:
        """Begin a file; the ending of its name (``.flac``, ``.wav``) says which kind.

        Raises:
            UnsupportedError: Another ending.
            UnavailableError: It can not be written there.
        """
        ...


class FingerprintIndex(Protocol):
    """Finds which known tracks may carry a landed recording, without comparing it with each."""

    def add(self, track: TrackId, fingerprint: str) -> None:
        """Make a track findable by its Chromaprint (base64); replaces what was known of it."""
        ...

    def remove(self, track: TrackId) -> None:
        """Forget a track; nothing happens where it is not known."""
        ...

    def candidates(self, fingerprint: str, *, limit: int = 10) -> Sequence[tuple[TrackId, float]]:
        """Return the likeliest tracks, best first, each with its score 0..1 (share of the bits that agree)."""
        ...


# --- the outside -------------------------------------------------------------------------------------------------


class CollectionReader(Protocol):
    """A DJ program's collection as domain objects. Its files are never modified."""

    @property
    def source(self) -> Source:
        """Who speaks in the facts that come from here."""
        ...

    def has_changed(self) -> bool:
        """Look cheaply (microseconds) whether anybody wrote since the last `read`; never raises."""
        ...

    def read(self, since: Mapping[str, object] | None) -> CollectionChange:
        """Read what changed since a mark; everything where the mark is None or no longer fits.

        Raises:
            NotFoundError: The database is not there.
            UnavailableError: Locked or vanished in the middle; try again.
            CorruptFileError: Not a database, or damaged.
            UnauthorizedError: Encrypted with another key.
            UnsupportedError: A schema we do not know.
        """
        ...

    def describe(self) -> str:
        """Say in one line what is read and how it went last."""
        ...

    def close(self) -> None: ...


class CollectionWriter(Protocol):
    """Writes a collection that a DJ program can read."""

    def write(self, target: BinaryIO, change: CollectionChange) -> None:
        """Write all tracks and playlists of a full change."""
        ...


class CollectionEditor(Protocol):
    """Changes a DJ program's own collection in place: off unless the user asked for it, and only while that is closed.

    Several edits given together are one change: all of them are written or none.
    """

    def check(self, edits: Sequence[CollectionEdit]) -> Sequence[EditObstacle]:
        """Say everything that stands in the way of applying these edits now; nothing is written, nothing is raised."""
        ...

    def apply(self, edits: Sequence[CollectionEdit], *, change_id: str | None = None) -> EditRecord:
        """Back up, write all edits in one transaction, and read them back.

        Args:
            edits: One change.
            change_id: The caller's own name for it. Where a change of this name was written before, e.g. just before
                a crash that lost its record, that record is returned and nothing is written again.

        Raises:
            UnavailableError: The program or its agent runs, the database is locked, its folder can't be written, or
                there is no room for the backup; nothing is written, try later.
            ConflictError: A row is no longer what the plan says; names track, column, expected and found.
            UnsupportedError: An unknown schema (its fingerprint is in the message), or an edit that can't be written.
            NotFoundError: The database is not there.
            CorruptFileError: It is damaged, or its backup is.
            UnauthorizedError: Encrypted with another key.
        """
        ...

    def check_undo(self, record: EditRecord) -> Sequence[EditObstacle]:
        """Say everything that stands in the way of undoing a record now; nothing is written, nothing is raised."""
        ...

    def undo(self, record: EditRecord, *, change_id: str | None = None) -> EditRecord:
        """Put back the rows of a record as they were; changes to other columns and rows since then stay.

        The record that is returned can be undone in turn.

        Raises:
            CratehandError: As `apply`; `ConflictError` also where somebody changed the same values since.
        """
        ...

    def describe(self) -> str:
        """Say in one line what is written, whether the schema is known, and how it went last."""
        ...


class FolderScanner(Protocol):
    """Compares the disk with what is known."""

    def sweep(self, folders: Sequence[Path], known: Sequence[KnownFile]) -> FolderChange:
        """Walk the folders and report every difference to `known`; files still growing are left for later."""
        ...

    def look_at(self, paths: Iterable[Path], folders: Sequence[Path], known: Sequence[KnownFile]) -> FolderChange:
        """The same for a few paths only (files or folders under watched folders)."""
        ...


class FolderWatcher(Protocol):
    """Tells which paths may have changed, soon after they did."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def watch(self, folder: WatchedFolder) -> None:
        """Begin to watch; a folder that is not there is watched from when it appears."""
        ...

    async def unwatch(self, path: Path) -> None: ...

    def batches(self) -> AsyncIterator[frozenset[Path]]:
        """Yield sets of paths that may have changed and have been calm since, until stopped."""
        ...


class PowerSensor(Protocol):
    """Knows whether the computer runs on its battery."""

    def on_battery(self) -> bool:
        """Whether it does; False where that can't be known."""
        ...
