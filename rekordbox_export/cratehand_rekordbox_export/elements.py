"""XML text in the layout of Rekordbox: attributes, escapes, indentation and line breaks as in its own exports."""

import re
from collections.abc import Iterable
from typing import BinaryIO, Final

Attributes = Iterable[tuple[str, str]]
"""Name and value, in the order of the file."""

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
LINE_WRAP_BYTES: Final = 60
"""A line is broken before the next attribute once its attributes are longer than this, as JUCE's XML writer does."""
ATTRIBUTE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")

_SPECIAL: Final = re.compile("[&<>\"'\t\n\r]")
_ENTITIES: Final = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
}  # fmt: skip
_ILLEGAL: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 can not hold in any spelling."""
_SPECIAL_OR_ILLEGAL: Final = re.compile("[^ !#-%(-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FLUSH_CHARACTERS: Final = 1 << 16


def escape(text: str) -> str:
    """Return attribute text with the five entities of Rekordbox, and tab and line ends as numbers."""
    return _SPECIAL.sub(lambda match: _ENTITIES[match[0]], text)


class ElementWriter:
    """Writes elements one after another; memory stays at one buffer whatever the size of the file.

    Attributes:
        removed_characters: How many characters had to be left out because XML 1.0 can not hold them.
    """

    def __init__(self, target: BinaryIO, *, newline: str = "\n") -> None:
        self._target = target
        self._newline = newline
        self._open: list[str] = []
        self._parts: list[str] = []
        self._waiting = 0
        self.removed_characters = 0

    def declaration(self) -> None:
        """Write the first line and the blank one after it."""
        self._put(DECLARATION + self._newline * 2)

    def start(self, name: str, attributes: Attributes = ()) -> None:
        """Open an element; what follows until `end` is inside it."""
        self._put(self._tag(name, attributes) + ">" + self._newline)
        self._open.append(name)

    def end(self) -> None:
        """Close the element that was opened last."""
        name = self._open.pop()
        self._put(f"{'  ' * len(self._open)}</{name}>{self._newline}")

    def empty(self, name: str, attributes: Attributes = ()) -> None:
        """Write an element without content."""
        self._put(self._tag(name, attributes) + "/>" + self._newline)

    def flush(self) -> None:
        """Hand everything to the target."""
        self._target.write("".join(self._parts).encode("utf-8"))
        self._parts.clear()
        self._waiting = 0

    def _put(self, text: str) -> None:
        self._parts.append(text)
        self._waiting += len(text)
        if self._waiting > _FLUSH_CHARACTERS:
            self.flush()

    def _tag(self, name: str, attributes: Attributes) -> str:
        indent = "  " * len(self._open)
        parts = [indent, "<", name]
        wrap = self._newline + indent + " " * (len(name) + 1)
        line_bytes = 0
        for key, value in attributes:
            if line_bytes > LINE_WRAP_BYTES:
                parts.append(wrap)
                line_bytes = 0
            part = f' {key}="{self._value(value)}"'
            parts.append(part)
            line_bytes += len(part) if part.isascii() else len(part.encode("utf-8"))
        return "".join(parts)

    def _value(self, text: str) -> str:
        if not _SPECIAL_OR_ILLEGAL.search(text):
            return text
        legal, removed = _ILLEGAL.subn("", text)
        self.removed_characters += removed
        return escape(legal)
