"""What one call of the command line was given, and what it opens with that."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cratehand.app.data_folder import DataFolder, default_data_dir

if TYPE_CHECKING:
    from cratehand.app.reading import ReadingUseCases
    from cratehand.app.settings import LoadedSettings
    from cratehand.app.wiring import OfflineUseCases


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The options before the verb."""

    data_dir: Path | None
    config: Path | None

    @property
    def folder(self) -> DataFolder:
        """The data folder, not looked at yet."""
        given = self.data_dir.expanduser().absolute() if self.data_dir is not None else default_data_dir()
        return DataFolder(given)

    def settings(self, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> "LoadedSettings":
        """Read the settings; raises as `cratehand.app.settings.load_settings`."""
        from cratehand.app.settings import load_settings

        return load_settings(data_dir=self.folder.path, config=self.config, overrides=overrides)

    @contextlib.contextmanager
    def reading(self) -> Iterator["ReadingUseCases"]:
        """Open the catalogue for a look at it, as fast as can be; the data folder is made where it is not there.

        Nothing here depends on the settings; they are read, and checked, only where a file of them was named.
        """
        if self.config is not None:
            self.settings()
        folder = self.folder.make()
        from cratehand.app.reading import reading_use_cases

        use_cases = reading_use_cases(folder.catalogue)
        try:
            yield use_cases
        finally:
            use_cases.close()

    @contextlib.contextmanager
    def catalogue(self) -> Iterator["OfflineUseCases"]:
        """Open the catalogue with what works straight on it; the data folder is made where it is not there."""
        loaded, folder = self.settings(), self.folder.make()
        from cratehand.app.wiring import offline_use_cases

        use_cases = offline_use_cases(loaded.settings, folder.path)
        try:
            yield use_cases
        finally:
            use_cases.close()


def invocation(ctx: typer.Context) -> Invocation:
    """Return what this call was given."""
    found = ctx.find_root().obj
    if not isinstance(found, Invocation):
        raise TypeError("the command line was not entered through its root")
    return found
