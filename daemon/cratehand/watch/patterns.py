"""What the user names in ``[watch] ignore``: glob patterns, understood much like a ``.gitignore``."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cratehand.watch.paths import path_key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    regex: re.Pattern[str]
    anchored: bool
    folders_only: bool
    negated: bool


def fold(text: str) -> str:
    """Return one spelling for all spellings of a path: composed, without case, with forward slashes."""
    slashed = text.replace("\\", "/") if os.sep == "\\" else text
    return path_key(slashed).casefold()


class PathPatterns:
    """A list of glob patterns; the last one that matches decides.

    ``*`` and ``?`` stay inside one name, ``**`` crosses folders, ``[a-c]`` and ``[!a-c]`` are sets. A pattern without a
    slash matches a name at any depth; one with a slash is meant from the watched folder on, or is an absolute path.
    A slash at the end matches folders only, ``!`` at the beginning takes back. Case does not matter. Empty lines and
    lines that begin with ``#`` say nothing.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._patterns: Sequence[_Pattern] = [
            parsed for line in patterns if (parsed := _parse_pattern(line)) is not None
        ]

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def match(self, relative: str, absolute: str, *, is_folder: bool) -> bool:
        """Whether a path is meant.

        Args:
            relative: Path below the watched folder.
            absolute: The whole path.
            is_folder: Whether it is a folder.
        """
        below, whole = fold(relative), fold(absolute)
        name = below.rsplit("/", 1)[-1]
        matched = False
        for pattern in self._patterns:
            if pattern.negated != matched or (pattern.folders_only and not is_folder):
                continue
            hit = (
                pattern.regex.fullmatch(below) or pattern.regex.fullmatch(whole)
                if pattern.anchored
                else pattern.regex.fullmatch(name)
            )
            if hit:
                matched = not pattern.negated
        return matched


def _parse_pattern(line: str) -> _Pattern | None:
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    negated = text.startswith("!")
    text = fold(_expand_home(text.removeprefix("!")))
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    if not text:
        return None
    anchored = "/" in text
    # A leading slash is the watched folder for git and the root of the disk for everybody else: both are tried.
    optional_slash = "/?" if text.startswith("/") else ""
    regex = optional_slash + _translate_glob(text.lstrip("/") if optional_slash else text)
    return _Pattern(regex=re.compile(regex, re.DOTALL), anchored=anchored, folders_only=folders_only, negated=negated)


def _expand_home(text: str) -> str:
    return str(Path(text).expanduser()) + "/" * text.endswith("/") if text.startswith("~") else text


_TOKEN = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


def _translate_glob(glob: str) -> str:
    return "".join(_translate_token(token) for token in _TOKEN.findall(glob))


def _translate_token(token: str) -> str:
    fixed = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    if token in fixed:
        return fixed[token]
    if len(token) > 1:
        inside = token[1:-1]
        negation = "^/" if inside.startswith("!") else ""
        members = re.sub(r"([\\\[\]^&|~])", r"\\\1", inside.removeprefix("!"))
        return f"(?:[{negation}{members}])" if _is_valid_set(f"[{negation}{members}]") else re.escape(token)
    return re.escape(token)


def _is_valid_set(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True
