"""Paths as the catalogue keeps them.

The text of a path is the path itself, byte for byte. A name that is not valid Unicode (or could not be told from this
notation) is kept as ``bytes:`` and the hex digits of its bytes, which no absolute path can look like.
"""

import os
import unicodedata
from pathlib import Path
from typing import Final

_BYTES: Final = "bytes:"
ESCAPED_RANGE: Final = (_BYTES, "bytes;")
"""The half-open range of all kept texts that stand for a name that is not Unicode."""


def text_of(path: Path) -> str:
    """Return the text under which a path is kept; `path_of` gives the very same path back."""
    return text_of_name(str(path))


def text_of_name(name: str) -> str:
    """Return the text under which a path given as a string is kept."""
    if name.isascii() and "\0" not in name and not name.startswith(_BYTES):
        return name
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return _escaped(name)
    return _escaped(name) if "\0" in name or name.startswith(_BYTES) else name


def path_of(text: str) -> Path:
    """Return the path of a kept text."""
    return Path(name_of(text))


def name_of(text: str) -> str:
    """Return the same as a string."""
    return os.fsdecode(bytes.fromhex(text.removeprefix(_BYTES))) if text.startswith(_BYTES) else text


def path_key(text: str, *, ignore_case: bool) -> str:
    """Return what two spellings of one path share.

    NFC and NFD are one path: macOS hands out either for the same file. Upper and lower case are one only where the
    file systems of the platform take them for one.

    Args:
        text: A path as `text_of` gives it.
        ignore_case: Whether case makes no difference.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.casefold() if ignore_case and not text.startswith(_BYTES) else text


def location_text(location: str) -> str | None:
    """Return the text of a location that a DJ program states; None for an empty one."""
    if not location:
        return None
    # Path() tidies up and, on Windows, turns the slashes; it costs more than all else here, so only where needed.
    is_tidy = os.sep == "/" and "//" not in location and "/." not in location and location[-1] != "/"
    return text_of_name(location if is_tidy else str(Path(location)))


def key_range(folder_key: str) -> tuple[str, str]:
    """Return the half-open range of keys that lie under a folder's key, in its own notation."""
    separator = "\\" if "\\" in folder_key and "/" not in folder_key else "/"
    stem = folder_key.rstrip(separator)
    return stem + separator, stem + chr(ord(separator) + 1)


def is_escaped(text: str) -> bool:
    """Whether a kept text stands for a name that is not Unicode."""
    return text.startswith(_BYTES)


def _escaped(name: str) -> str:
    # surrogatepass after fsencode's own handler has failed: half a pair can come from a foreign database.
    try:
        raw = os.fsencode(name)
    except UnicodeEncodeError:
        raw = name.encode("utf-8", "surrogatepass")
    return _BYTES + raw.hex()
