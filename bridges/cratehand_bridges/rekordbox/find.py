"""Where Rekordbox 6 and 7 keep their database on macOS and Windows; the same places that pyrekordbox looks at."""

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from xml.etree.ElementTree import ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

_log = logging.getLogger(__name__)


def find_database(*, environment: Mapping[str, str], platform: str) -> Path | None:
    """Look for the user's master.db: where Rekordbox says it is, then where it usually is.

    Args:
        environment: ``HOME`` on macOS, ``APPDATA`` or ``USERPROFILE`` on Windows, as in `os.environ`.
        platform: As in `sys.platform`.

    Returns:
        The database, or None where there is none (on Linux always: there is no Rekordbox for it).
    """
    home = Path(environment.get("HOME") or environment.get("USERPROFILE") or "/nowhere")
    if platform == "darwin":
        settings, usual = home / "Library" / "Application Support" / "Pioneer", home / "Library" / "Pioneer"
    elif platform == "win32":
        roaming = environment.get("APPDATA")
        settings = usual = (Path(roaming) if roaming else home / "AppData" / "Roaming") / "Pioneer"
    else:
        return None
    candidates = (_path_in_options(settings), _path_in_settings(settings), usual / "rekordbox" / "master.db")
    return next((path for path in candidates if path is not None and _is_file(path)), None)


def find_anlz_root(database: Path) -> Path | None:
    """Return the folder that ``djmdContent.AnalysisDataPath`` is relative to: ``share`` beside the database."""
    root = database.parent / "share"
    return root if root.is_dir() else None


def _path_in_options(pioneer: Path) -> Path | None:
    """Read ``db-path`` of the agent's options, a JSON list of pairs."""
    file = pioneer / "rekordboxAgent" / "storage" / "options.json"
    try:
        options = dict(json.loads(file.read_text(encoding="utf-8"))["options"])
        return Path(str(options["db-path"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        _log.info("%s does not say where the database is: %s", file, error)
        return None


def _path_in_settings(pioneer: Path) -> Path | None:
    """Read ``masterDbDirectory`` of the program's settings, an XML file."""
    file = pioneer / "rekordbox6" / "rekordbox3.settings"
    try:
        for value in ElementTree.parse(file).iter("VALUE"):
            if value.get("name") == "masterDbDirectory" and value.get("val"):
                return Path(value.get("val", "")) / "master.db"
    except FileNotFoundError:
        return None
    except (OSError, ParseError, DefusedXmlException, ValueError) as error:
        _log.info("%s does not say where the database is: %s", file, error)
    return None


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False
