"""One zip for a bug report: versions, settings, what `doctor` saw, the last log lines, counts; and no names."""

import importlib.metadata
import json
import logging
import platform
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from cratehand import __version__
from cratehand.app.data_folder import DataFolder
from cratehand.app.finding import Finding
from cratehand.app.logs import COMMAND_LOG, DAEMON_LOG
from cratehand.app.scrubbing import Scrubber
from cratehand.app.settings import SECTIONS, load_settings
from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.search import TrackQuery

_log = logging.getLogger(__name__)

_LAST_BYTES: Final = 512 * 1024
_PAGE: Final = 5000
_FREE_TEXT: Final = frozenset({("watch", "ignore"), ("models", "mirror"), ("analysis", "cluster"), ("master", "url")})
"""Settings that are only told to be set: patterns and addresses say too much."""


def write_diagnostics(
    target: Path, folder: DataFolder, *, findings: Sequence[Finding], config: Path | None = None
) -> None:
    """Write the zip, whole or not at all.

    Args:
        target: The file to write; one that is there is replaced.
        folder: The data folder.
        findings: What `cratehand.app.doctor.examine` found.
        config: The settings file that was named, if any.

    Raises:
        UnavailableError: The file can not be written.
    """
    counts, names = _catalogue(folder)
    secrets, parts = _private(folder, config)
    scrubber = Scrubber(secrets=secrets, names=names | parts, kept={folder.path: "/cratehand/data"})
    documents = {
        "versions.json": _versions(),
        "settings.json": scrubber.scrub_values(_settings(folder, config)),
        "doctor.json": scrubber.scrub_values([asdict(finding) for finding in findings]),
        "counts.json": counts,
    }
    texts = {name: json.dumps(content, ensure_ascii=False, indent=1) for name, content in documents.items()}
    logs = {f"logs/{name}": _tail(folder.logs / name) for name in (DAEMON_LOG, COMMAND_LOG)}
    texts |= {name: scrubber.scrub(text) for name, text in logs.items() if text}
    draft = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as bundle:
            for name, text in texts.items():
                bundle.writestr(name, text.encode("utf-8", "backslashreplace"))
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UnavailableError(
            f"{target} can not be written: {error.strerror or error}: choose another place"
        ) from error


def _versions() -> dict[str, Any]:
    packages = sorted({distribution.name for distribution in importlib.metadata.distributions() if distribution.name})
    return {
        "cratehand": __version__,
        "python": sys.version,
        "platform": platform.platform(),  # without the host's name
        "machine": platform.machine(),
        "written_at_s": round(time.time()),
        "packages": {name: importlib.metadata.version(name) for name in packages},
    }


def _settings(folder: DataFolder, config: Path | None) -> dict[str, Any]:
    try:
        loaded = load_settings(data_dir=folder.path, config=config)
    except CratehandError as error:
        return {"error": str(error)}
    plain = loaded.plain()
    return {
        section: {
            key: {
                "value": _told(section, key, plain[section][key]),
                "origin": loaded.origins[section, key].partition(" /")[0],
            }
            for key in keys
        }
        for section, keys in SECTIONS.items()
    }


def _told(section: str, key: str, value: object) -> object:
    return ("set" if value else "not set") if (section, key) in _FREE_TEXT else value


def _private(folder: DataFolder, config: Path | None) -> tuple[list[str], set[str]]:
    """Return secrets, and parts of the paths that the settings name."""
    secrets: list[str] = []
    names: set[str] = set()
    try:
        secrets.append(folder.token_file.read_text(encoding="ascii", errors="replace").strip())
    except OSError:
        _log.debug("no token to take out")
    try:
        settings = load_settings(data_dir=folder.path, config=config).settings
    except CratehandError:
        _log.debug("no settings to take secrets from")
    else:
        secrets.append(settings.master.url.get_secret_value())
        names.update(*(path.parts for path in (*settings.watch.folders, Path(settings.watch.rekordbox))))
    return secrets, names


def _catalogue(folder: DataFolder) -> tuple[dict[str, Any], set[str]]:
    """Return counts, and all names of music, which have to be taken out of the rest."""
    if not folder.catalogue.is_file():
        return {"catalogue": "none"}, set()
    from cratehand.app.wiring import open_catalogue

    names: set[str] = set()
    try:
        catalogue = open_catalogue(folder.path)
        try:
            with catalogue.reading() as stores:
                counts: dict[str, Any] = {
                    "tracks": dict(stores.tracks.counts()),
                    "jobs": {state.value: count for state, count in stores.jobs.counts().items()},
                    "folders": len(watched := stores.folders.all()),
                }
                names.update(*(each.path.parts for each in watched))
                playlists = stores.playlists.all()
                counts["playlists"] = len(playlists)
                names |= {playlist.name for playlist in playlists}
                offset: int | None = 0
                while offset is not None:
                    page = stores.tracks.query(TrackQuery(limit=_PAGE, offset=offset))
                    for track in page.items:
                        names |= {text for text in (track.title, track.artist, track.album, track.label) if text}
                        names |= {*track.path.parts, track.path.stem} if track.path else set()
                    offset = page.next_offset
        finally:
            catalogue.close()
    except CratehandError as error:
        return {"catalogue": f"{error.code}: it can not be read, see doctor.json"}, names
    return counts, names


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _LAST_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    # The first line of a cut is a piece of one; a piece of a path is not recognised as one.
    return text.partition("\n")[2] if len(text.encode()) >= _LAST_BYTES else text
