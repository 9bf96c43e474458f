"""The ports through which files are changed; as `ports`, synchronous and blocking."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from cratehand.domain.plan_record import FileState
from cratehand.domain.track import FileStamp


class FileSwapper(Protocol):
    """Copies, keeps and places files so that after a crash each is whole: the old one, the new one, or both.

    All raise `NotFoundError` where a source is not there, `ConflictError` where a name is taken, and `UnavailableError`
    where the disk is full, the folder can't be written, or another program holds the file.
    """

    def state(self, path: Path) -> FileState:
        """Return how a file looks, with the digest of its sound; raises like `AudioReader.probe`, too."""
        ...

    def stamp(self, path: Path) -> FileStamp | None:
        """Return the stamp of a file; None where there is none."""
        ...

    def bytes_digest(self, path: Path) -> str | None:
        """Return the digest of every byte of a file; None where there is none."""
        ...

    def are_same(self, one: Path, other: Path) -> bool:
        """Whether two paths are one name of one file to the file system, e.g. where it ignores case.

        Two hard links of one file are two names, a symbolic link and what it leads to as well; False where one of two
        different paths does not exist.
        """
        ...

    def require_room(self, folder: Path, size_bytes: int) -> None:
        """Raise `UnavailableError` where a folder can't take so much, or can't be written at all; 0 asks the latter."""
        ...

    def copy(self, source: Path, target: Path) -> None:
        """Copy to a new name, byte for byte with its time of change, down to the disk; verified."""
        ...

    def keep(self, source: Path, target: Path) -> None:
        """Give a file a second name where both lie on one file system, else copy it; folders are made."""
        ...

    def flush(self, path: Path) -> None:
        """Bring a file that others wrote down to the disk."""
        ...

    def place(self, prepared: Path, target: Path, *, over: bool) -> None:
        """Give a prepared file of the same folder its name at one stroke, `over` what is there or only where free."""
        ...

    def remove(self, path: Path) -> None:
        """Remove a file, or a folder with all in it; fine where there is none."""
        ...

    def note(self, path: Path, text: str) -> None:
        """Write a small text file, whole or not at all."""
        ...


class TagWriter(Protocol):
    """Writes tags; the sound stays as it is, byte for byte."""

    def merge(self, old: Path, into: Path) -> None:
        """Put tags of one file into another: what the old one says wins, the larger cover stays."""
        ...

    def write(self, path: Path, tags: Mapping[str, str], *, cover: Path | None = None) -> None:
        """Set tags, field name to text; an empty text takes one out.

        Raises:
            UnsupportedError: No tags can be written into this kind of file.
            InvalidInputError: No such field, or the cover is no picture.
        """
        ...
