"""Takes names out of text that leaves the computer: secrets, the home folder, the user, paths and names of music."""

import getpass
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cratehand.app.logs import without_secrets

_AUDIO: Final = r"aac|aif|aifc|aiff|alac|flac|m4a|mp3|mp4|oga|ogg|opus|wav|wave"
_SUFFIX: Final = re.compile(r"\.[a-z0-9]{1,5}$", re.IGNORECASE)
_SHORTEST_NAME: Final = 5
"""Shorter names are ordinary words and would take the sense out of the logs."""
_SHORTEST_USER: Final = 3
_WORDS: Final = re.compile(r"\w+")
_ROOT: Final = r"(?:~|[A-Za-z]:)?[/\\]"
_PATHS: Final = re.compile(
    # Between quotes a path may hold anything. Elsewhere it goes to the last separator of the line, since folders have
    # spaces in their names, and from there to the suffix of music or to the next space: rather too much.
    rf"(?P<quote>['\"`])(?P<quoted>{_ROOT}[^'\"`\n]*)(?P=quote)"
    rf"|(?<![\w/\\:])(?P<bare>{_ROOT}(?:[^\n'\"`]{{0,4000}}[/\\])?"
    rf"(?:[^\n'\"`/\\]{{0,255}}?\.(?:{_AUDIO})\b|[^\s'\"`:;,()\[\]]*))"
    rf"|(?P<file>(?<!\w)[^\s/\\'\"`][^/\\'\"`\n:]{{0,255}}?\.(?:{_AUDIO})\b)",
    re.IGNORECASE,
)
_TELLING_NOTHING: Final = ("/proc/", "/sys/", "/dev/", "/usr/", "/lib/", "/etc/", "/cratehand/")


class Scrubber:
    """Replaces what tells who somebody is and what they play; the same thing always by the same stand-in.

    Args:
        secrets: Tokens and passwords, removed wherever they stand.
        names: Known names: titles, artists, albums, playlists, parts of paths.
        kept: Folders of our own that are told under a plain name: path to ``/cratehand/...``.
        home: The user's home folder; this user's where None.
        user: The user's name on this computer; this user's where None.
    """

    def __init__(
        self,
        *,
        secrets: Iterable[str] = (),
        names: Iterable[str] = (),
        kept: Mapping[Path, str] | None = None,
        home: Path | None = None,
        user: str | None = None,
    ) -> None:
        self._secrets = tuple(secret for secret in secrets if secret)
        self._kept = sorted(((str(path), name) for path, name in (kept or {}).items()), key=lambda pair: -len(pair[0]))
        self._names = {name for name in names if len(name) >= _SHORTEST_NAME}
        private = (str(home or Path.home()), _user_name() if user is None else user)
        self._private = [text for text in private if len(text) >= _SHORTEST_USER]
        self._stand_ins: dict[tuple[str, str], str] = {}

    def scrub(self, text: str) -> str:
        """Return the text without any of it."""
        text = without_secrets(text, self._secrets)
        for path, name in self._kept:
            text = text.replace(path, name)
        text = self._without_names(text)
        text = _PATHS.sub(self._path, text)
        for private in self._private:
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(private)}(?![A-Za-z0-9])", "<user>", text)
        return text

    def scrub_values(self, value: Any) -> Any:
        """Return a JSON-able value with every text in it scrubbed; keys stay."""
        if isinstance(value, str):
            return self.scrub(value)
        if isinstance(value, dict):
            return {key: self.scrub_values(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.scrub_values(item) for item in value]
        return value

    def _without_names(self, text: str) -> str:
        # A name can only stand in the text if all its words do; that leaves few of a hundred thousand to look for.
        words = set(_WORDS.findall(text))
        near = [name for name in self._names if words.issuperset(_WORDS.findall(name)) and name in text]
        for name in sorted(near, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self._stand_in("name", name), text)
        return text

    def _path(self, match: "re.Match[str]") -> str:
        if match["file"]:
            return self._file(match["file"])
        quote, path = match["quote"] or "", match["quoted"] or match["bare"]
        if path.startswith(_TELLING_NOTHING) and " " not in path:
            return match[0]
        folder, _, name = path.replace("\\", "/").rpartition("/")
        if name.endswith(".py"):
            return f"{quote}<code>/{folder.rpartition('/')[2]}/{name}{quote}"
        if not _SUFFIX.search(name):
            return f"{quote}{self._stand_in('path', path)}{quote}"
        return f"{quote}{self._stand_in('path', folder)}/{self._file(name)}{quote}"

    def _file(self, name: str) -> str:
        suffix = _SUFFIX.search(name)
        return self._stand_in("file", name).strip("<>") + (suffix[0].lower() if suffix else "")

    def _stand_in(self, kind: str, thing: str) -> str:
        number = sum(known == kind for known, _ in self._stand_ins) + 1
        return self._stand_ins.setdefault((kind, thing), f"<{kind}-{number}>")


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return os.environ.get("USER", "")
