"""Where separated stems are kept: by what the file sounds like, then by the model; whole, or on their way."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cratehand.domain.errors import UnavailableError
from cratehand.domain.ids import ContentDigest
from cratehand.domain.stem import CachedStems, StemFile, StemKind

_DONE: Final = "peaks.json"


class StemCache:
    """The folder of all stems that were made."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, digest: ContentDigest) -> list[CachedStems]:
        """Return what is there of a sound, by the name of the model."""
        works = (StemWork(path) for path in sorted(self._of(digest).glob("*/")))
        return [
            CachedStems(model=work.path.name, is_complete=work.is_complete, files=tuple(work.files())) for work in works
        ]

    def open(self, digest: ContentDigest, separator: str) -> "StemWork":
        """Return the place of one separation; the folder is made.

        Raises:
            UnavailableError: It can't be made.
        """
        path = self._of(digest) / separator
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(f"{path} can not be made: {error.strerror or error}") from error
        return StemWork(path)

    def _of(self, digest: ContentDigest) -> Path:
        return self._folder / digest.replace(":", "-")


class StemWork:
    """The folder of one separation: a FLAC for each stem; their peaks, written last, say that they are whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def is_complete(self) -> bool:
        """Whether all stems are there."""
        return (self.path / _DONE).is_file()

    def stem(self, kind: StemKind) -> Path:
        """Return where a stem is kept."""
        return self.path / f"{kind}.flac"

    def files(self) -> list[StemFile]:
        """Return the stems in the order they were made; none before all are there."""
        if not self.is_complete:
            return []
        peaks = json.loads((self.path / _DONE).read_text(encoding="ascii"))
        kinds = {StemKind(name): peak for name, peak in peaks.items()}
        return [StemFile(kind=kind, path=str(self.stem(kind)), peak=peak) for kind, peak in kinds.items()]

    def put(self, kind: StemKind, flac: bytes) -> None:
        """Keep a stem that was made elsewhere; raises `UnavailableError` where that can't be written."""
        self._write(self.stem(kind), flac)

    def complete(self, peaks: Mapping[StemKind, float]) -> None:
        """Say that all are there; raises `UnavailableError` where that can't be written."""
        self._write(self.path / _DONE, json.dumps({kind.value: peak for kind, peak in peaks.items()}).encode("ascii"))

    def _write(self, target: Path, content: bytes) -> None:
        part = target.with_name(f".{target.name}.part")
        try:
            part.write_bytes(content)
            part.replace(target)
        except OSError as error:
            raise UnavailableError(
                f"{self.path} can not be written ({error.strerror}): make room and start again"
            ) from error
