"""Looks at everything cratehand stands on, and names the command that mends what is broken."""

import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cratehand import __version__
from cratehand.app.cluster_check import check_cluster
from cratehand.app.data_folder import SECRET_MODE, DataFolder
from cratehand.app.finding import Finding, Health, broken, good, note
from cratehand.app.machine_checks import (
    check_battery,
    check_decoders,
    check_inotify,
    check_midi,
    check_ports,
    check_python,
    check_sqlite,
)
from cratehand.app.master_check import check_master
from cratehand.app.settings import Settings, load_settings
from cratehand.domain.errors import CratehandError, NotFoundError

__all__ = ["Finding", "Health", "examine"]

_TIGHT_BYTES: Final = 2_000_000_000
_FULL_BYTES: Final = 200_000_000


def examine(folder: DataFolder, *, config: Path | None = None) -> list[Finding]:
    """Look at everything; never raises, a look that fails is a finding."""
    settings, finding = _settings(folder, config)
    ready = folder.read_ready()
    looks: list[tuple[str, Callable[[], Finding | list[Finding] | None]]] = [
        ("cratehand", lambda: good("cratehand", __version__)),
        ("Python", check_python),
        ("settings", lambda: finding),
        ("data folder", lambda: _data_folder(folder)),
        ("token", lambda: _token(folder)),
        ("SQLite", check_sqlite),
        ("catalogue", lambda: _catalogue(folder)),
        ("decoders", check_decoders),
        ("models", lambda: _models(folder, settings)),
        ("Rekordbox", lambda: _rekordbox(settings)),
        ("master", lambda: check_master(settings, folder)),
        ("cluster", lambda: check_cluster(settings)),
        ("folders", lambda: _folders(folder, settings)),
        ("inotify", check_inotify),
        ("ports", lambda: check_ports(settings, ready)),
        ("daemon", lambda: _daemon(folder)),
        ("service", lambda: _service(folder)),
        ("MIDI", check_midi),
        ("battery", lambda: check_battery(settings)),
    ]
    findings: list[Finding] = []
    for name, look in looks:
        findings += _looked(name, look)
    return findings


def _looked(name: str, look: Callable[[], Finding | list[Finding] | None]) -> list[Finding]:
    try:
        found = look()
    except CratehandError as error:
        return [broken(name, str(error), "see the message")]
    except Exception as error:
        what = f"the look itself failed: {type(error).__name__}: {error}"
        return [broken(name, what, "report it, with `cratehand doctor --diagnostics FILE.zip`")]
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _settings(folder: DataFolder, config: Path | None) -> tuple[Settings, Finding]:
    try:
        loaded = load_settings(data_dir=folder.path, config=config)
    except CratehandError as error:
        faults = str(error).replace("\n", "; ")
        return Settings.model_construct(), broken("settings", faults, "`cratehand config check` after mending the file")
    where = str(loaded.file) if loaded.file else "no file, all as shipped"
    return loaded.settings, good("settings", where)


def _data_folder(folder: DataFolder) -> Finding:
    check = "data folder"
    if not folder.path.exists():
        return note(check, f"{folder.path} is not there yet", "`cratehand run` makes it")
    if not folder.path.is_dir():
        return broken(check, f"{folder.path} is a file", "choose another with --data-dir")
    if not os.access(folder.path, os.W_OK | os.X_OK):
        return broken(check, f"{folder.path} can not be written", f"chmod u+rwx {folder.path}")
    free_bytes = shutil.disk_usage(folder.path).free
    free = f"{folder.path}, {free_bytes / 1e9:.1f} GB free"
    if free_bytes < _FULL_BYTES:
        return broken(check, free, "make room on this drive, or move the folder and use --data-dir")
    if os.name == "posix" and stat.S_IMODE(folder.path.stat().st_mode) & 0o022:
        return note(check, f"{folder.path} can be written by other users", f"chmod 711 {folder.path}")
    return note(check, free, "make room on this drive soon") if free_bytes < _TIGHT_BYTES else good(check, free)


def _token(folder: DataFolder) -> Finding | None:
    try:
        mode = stat.S_IMODE(folder.token_file.stat().st_mode)
    except FileNotFoundError:
        return None
    if os.name == "posix" and mode != SECRET_MODE:
        return broken("token", f"{folder.token_file} has mode {mode:o}", f"chmod 600 {folder.token_file}")
    if not folder.token_file.read_text(encoding="ascii", errors="replace").strip():
        return broken(
            "token", f"{folder.token_file} is empty", f"rm {folder.token_file}; the next start makes a new one"
        )
    return good("token", "readable by this user only")


def _catalogue(folder: DataFolder) -> Finding:
    from cratehand.catalogue.check import check

    try:
        faults = check(folder.catalogue)
    except NotFoundError:
        return note("catalogue", "there is none yet", "`cratehand run` makes it")
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        fix = "`cratehand restore FILE` brings a backup back; backups/ in the data folder holds those made by itself"
        return broken("catalogue", "; ".join(faults[:3]) + more, fix)
    size_bytes = folder.catalogue.stat().st_size
    return good("catalogue", f"sound, {size_bytes / 1e6:.1f} MB")


def _rekordbox(settings: Settings) -> Finding:
    from cratehand_bridges.rekordbox import find_database

    wanted = settings.watch.rekordbox
    if wanted == "off":
        return good("Rekordbox", "off in the settings")
    if wanted == "auto":
        found = find_database(environment=os.environ, platform=sys.platform)
        if found is not None:
            return good("Rekordbox", str(found))
        return note("Rekordbox", "no database found", "where there is one: `cratehand run --rekordbox PATH/master.db`")
    path = Path(wanted)
    if path.exists():
        return good("Rekordbox", str(path))
    return broken("Rekordbox", f"{path} is not there", "mend [watch] rekordbox in the settings, or plug the drive in")


def _folders(folder: DataFolder, settings: Settings) -> list[Finding]:
    paths = list(settings.watch.folders)
    if folder.catalogue.is_file():
        from cratehand.app.wiring import offline_use_cases

        use_cases = offline_use_cases(settings, folder.path)
        try:
            paths = [watched.path for watched in use_cases.folders.all()]
        finally:
            use_cases.close()
    if not paths:
        return [note("folder", "none is watched", "`cratehand run --watch DIR`, or `cratehand watch add DIR`")]
    return [_folder(path) for path in paths]


def _folder(path: Path) -> Finding:
    if not path.is_dir():
        return note("folder", f"{path} is not there", f"plug the drive in, or `cratehand watch remove {path}`")
    if not os.access(path, os.R_OK | os.X_OK):
        return broken(
            "folder", f"{path} can not be read", f"chmod u+rx {path}, or allow it in the system's privacy settings"
        )
    return good("folder", str(path))


def _daemon(folder: DataFolder) -> Finding:
    holder = folder.owner()
    if holder is None:
        return note("daemon", "not running", "`cratehand run`, or `cratehand service install`")
    if folder.read_ready() is None:
        return note(
            "daemon", f"process {holder} has the data folder and serves nothing yet", "`cratehand status` in a moment"
        )
    return good("daemon", f"runs as process {holder}")


def _service(folder: DataFolder) -> Finding:
    from cratehand.app.background_service import check_service

    return check_service(folder)


def _models(folder: DataFolder, settings: Settings) -> list[Finding]:
    from cratehand.app.model_parts import check_models  # brings the decoders along

    return check_models(settings, folder)
