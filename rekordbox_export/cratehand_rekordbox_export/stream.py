"""The bytes of a foreign XML file, cleaned of what makes honest exports unreadable."""

import re
from typing import BinaryIO, Final

CHUNK_BYTES: Final = 1 << 18

_CONTROL_BYTES: Final = bytes(code for code in range(32) if code not in b"\t\n\r")
_REFERENCE: Final = re.compile(rb"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,10}));")
_LONGEST_REFERENCE: Final = 16
_WIDE_STARTS: Final = (b"\xff\xfe", b"\xfe\xff", b"<\x00", b"\x00<")
"""Beginnings of UTF-16, whose zero bytes are no control characters."""


class CleanedXml:
    """Reads a stream in chunks without characters that XML 1.0 forbids.

    Tags of audio files may hold control characters, and programs have written them into exports, raw or as ``&#1;``;
    an XML parser must refuse the whole file for one of them.

    Attributes:
        removed_characters: How many were left out.
    """

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._rest = b""
        self._wide: bool | None = None
        self.removed_characters = 0

    def read(self) -> bytes:
        """Return the next bytes; empty at the end. Blanks before the first character are skipped."""
        while True:
            chunk = self._source.read(CHUNK_BYTES)
            if self._wide is None and chunk:
                self._wide = chunk.startswith(_WIDE_STARTS)
                chunk = chunk if self._wide else chunk.lstrip(b" \t\r\n")
            if self._wide:
                return chunk
            cleaned = self._clean(self._rest + chunk, at_end=not chunk)
            if cleaned or not chunk:
                return cleaned

    def _clean(self, data: bytes, *, at_end: bool) -> bytes:
        legal = data.translate(None, _CONTROL_BYTES)
        self.removed_characters += len(data) - len(legal)
        # A reference may go on in the next chunk.
        cut = legal.rfind(b"&", max(len(legal) - _LONGEST_REFERENCE, 0))
        if at_end or cut < 0 or b";" in legal[cut:]:
            cut = len(legal)
        self._rest = legal[cut:]
        return _REFERENCE.sub(self._legal_reference, legal[:cut])

    def _legal_reference(self, match: re.Match[bytes]) -> bytes:
        code = int(match[1], 16) if match[1] else int(match[2])
        legal = code in {9, 10, 13} or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code <= 0x10FFFF
        self.removed_characters += not legal
        return match[0] if legal else b""
