"""Where the music is: the DJ program's database, and the demo crate where there is no music of any kind yet."""

import logging
import os
import sys
from pathlib import Path

from cratehand.app.data_folder import DataFolder
from cratehand.app.settings import Settings
from cratehand.app.wiring import offline_use_cases
from cratehand_bridges.rekordbox import find_database

logger = logging.getLogger(__name__)


def database_of(rekordbox: str) -> Path | None:
    """Return the database that the setting means: ``auto``, ``off``, or a path; None where there is none."""
    if rekordbox == "off":
        return None
    if rekordbox == "auto":
        return find_database(environment=os.environ, platform=sys.platform)
    path = Path(rekordbox).expanduser().absolute()
    # One that is not there (yet) is no reason to end: its drive may come. The status says so until then.
    return path / "master.db" if path.is_dir() else path


def demo_folders(
    settings: Settings, data_dir: Path, watch: tuple[Path, ...], database: Path | None
) -> tuple[Path, ...]:
    """Make the demo crate where there is no music of any kind yet."""
    if watch or settings.watch.folders or database is not None or settings.master.url:
        return ()
    offline = offline_use_cases(settings, data_dir)
    try:
        with offline.catalogue.reading() as stores:
            has_tracks = stores.tracks.counts()["total"] > 0
        if offline.folders.paths():
            return ()
    finally:
        offline.close()
    demo = DataFolder(data_dir).demo
    if has_tracks and not demo.exists():
        return ()
    if not has_tracks:
        logger.info(
            "no music yet, so here is a demo crate in %s; `cratehand run --watch FOLDER` takes your own music", demo
        )
        from cratehand.app.demo import make_demo_crate  # synthesises music, which few starts need

        make_demo_crate(demo)
    return (demo,)
