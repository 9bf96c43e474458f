"""Folders at run time."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError
from cratehand.domain.folders import WatchedFolder
from cratehand.domain.plan import Change, Plan
from cratehand.domain.ports import Clock
from cratehand.domain.stores import Catalogue


class WatchedFolders:
    """The folders whose music belongs to the collection: those of the settings, and those added at run time."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        configured: Sequence[Path],
        forbidden: Sequence[Path],
        clock: Clock,
        polling: bool = False,
    ) -> None:
        """Take the folders of the settings, those that can not be watched (our own data), and whether to poll all."""
        self._catalogue = catalogue
        self._polling = polling
        self._configured = tuple(configured)
        self._forbidden = tuple(forbidden)
        self._clock = clock

    def all(self) -> list[WatchedFolder]:
        """Return all folders, those of the settings first; a path stands once."""
        with self._catalogue.reading() as stores:
            stored = stores.folders.all()
        configured = [WatchedFolder(path=path, added_at_s=0.0) for path in self._configured]
        unique = {folder.path: folder for folder in [*stored, *configured]}
        return [replace(folder, polling=folder.polling or self._polling) for folder in unique.values()]

    def paths(self) -> list[Path]:
        """Return the paths of all folders, without those that lie inside another."""
        paths = [folder.path for folder in self.all()]
        return [path for path in paths if not any(other in path.parents for other in paths)]

    def add(self, path: Path, *, polling: bool = False, dry_run: bool = False) -> Plan:
        """Watch a folder from now on.

        Raises:
            NotFoundError: It is not there.
            InvalidInputError: It is a file, or holds cratehand's own data.
        """
        path = path.expanduser().absolute()
        if not path.exists():
            raise NotFoundError(f"{path} does not exist: check the spelling, or plug the drive in")
        if not path.is_dir():
            raise InvalidInputError(f"{path} is a file: give the folder it lies in")
        for own in self._forbidden:
            if path == own or own in path.parents:
                raise InvalidInputError(f"{path} belongs to cratehand's own data: choose a folder of music")
        known = path in {folder.path for folder in self.all()}
        plan = Plan(why=f"watch {path}", changes=() if known else (Change(what="watch folder", where=str(path)),))
        if not dry_run and not known:
            with self._catalogue.writing() as stores:
                stores.folders.add(WatchedFolder(path=path, added_at_s=self._clock.now_s(), polling=polling))
        return plan

    def remove(self, path: Path, *, dry_run: bool = False) -> Plan:
        """Watch a folder no more; its tracks and all that is known of them stay in the catalogue.

        Raises:
            NotFoundError: It is not watched.
            ConflictError: It stands in the settings.
        """
        path = path.expanduser().absolute()
        if path in self._configured:
            raise ConflictError(f"{path} stands in the settings or on the command line: take it out of [watch] folders")
        if path not in {folder.path for folder in self.all()}:
            raise NotFoundError(f"{path} is not watched: `cratehand watch list` shows what is")
        if not dry_run:
            with self._catalogue.writing() as stores:
                stores.folders.remove(path)
        return Plan(why=f"stop watching {path}", changes=(Change(what="stop watching", where=str(path)),))
