"""Which adapter fulfils which port: the only place that knows all of them."""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cratehand import __version__
from cratehand.app.clock import SystemClock, new_id
from cratehand.app.data_folder import DataFolder
from cratehand.app.settings import Settings
from cratehand.app.text_listening import text_listeners
from cratehand.catalogue.device import SqliteCatalogue, open_device
from cratehand.domain.collection import CollectionChange
from cratehand.domain.cue_rules import parse_cue_rules
from cratehand.domain.events import Event
from cratehand.usecases.collection_export import CollectionExport
from cratehand.usecases.collection_import import CollectionImport
from cratehand.usecases.jobs import Jobs
from cratehand.usecases.library import Library
from cratehand.usecases.playlist_import import PlaylistImport
from cratehand.usecases.playlists import Playlists
from cratehand.usecases.review import Review
from cratehand.usecases.similarity import Similarity
from cratehand.usecases.text_search import TextSearch
from cratehand.usecases.watched_folders import WatchedFolders

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineUseCases:
    """What works straight on the catalogue, with or without the daemon."""

    catalogue: SqliteCatalogue
    library: Library
    playlists: Playlists
    similarity: Similarity
    text_search: TextSearch
    jobs: Jobs
    export: CollectionExport
    collection_import: CollectionImport
    playlist_import: PlaylistImport
    review: Review
    folders: WatchedFolders

    def close(self) -> None:
        """Close the catalogue."""
        self.catalogue.close()


def open_catalogue(data_dir: Path) -> SqliteCatalogue:
    """Open the catalogue of a data folder; made where there is none, migrated (after a backup) where it is older."""
    return open_device(DataFolder(data_dir).catalogue)


def offline_use_cases(
    settings: Settings,
    data_dir: Path,
    *,
    publish: Callable[[Event], None] = lambda _: None,
    extra_folders: tuple[Path, ...] = (),
) -> OfflineUseCases:
    """Open the catalogue and put the use cases on it that need nothing else."""
    catalogue = open_catalogue(data_dir)
    clock = SystemClock()
    told: dict[str, Any] = {"clock": clock, "publish": publish}
    return OfflineUseCases(
        catalogue=catalogue,
        library=Library(catalogue, new_id=new_id, **told),
        playlists=Playlists(catalogue, new_id=new_id, **told),
        similarity=Similarity(catalogue),
        text_search=TextSearch(catalogue, find_listeners=lambda: text_listeners(DataFolder(data_dir).models)),
        jobs=Jobs(catalogue, new_id=new_id, **told),
        export=CollectionExport(
            catalogue,
            write_xml=_write_xml,
            write_m3u8=_write_m3u8,
            cue_rules=parse_cue_rules(settings.export.cue_pads),
        ),
        collection_import=CollectionImport(catalogue, new_id=new_id, **told),
        playlist_import=PlaylistImport(catalogue, clock=clock, new_id=new_id),
        review=Review(catalogue),
        folders=WatchedFolders(
            catalogue,
            configured=[_absolute(folder) for folder in (*settings.watch.folders, *extra_folders)],
            forbidden=DataFolder(data_dir).never_music,
            clock=clock,
            polling=settings.watch.poll,
        ),
    )


def _absolute(path: Path) -> Path:
    # Not resolved: a symbolic link that the user gave is the name the user knows.
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100


def _write_xml(target: Path, change: CollectionChange) -> None:
    from cratehand_rekordbox_export import write_collection_file

    report = write_collection_file(target, change, product_version=__version__)
    for note in report.notes():
        logger.warning("%s: %s", target, note)


def _write_m3u8(target: Path, change: CollectionChange) -> None:
    from cratehand_rekordbox_export import write_file_atomically, write_m3u8

    write_file_atomically(target, partial(write_m3u8, tracks=change.tracks))
