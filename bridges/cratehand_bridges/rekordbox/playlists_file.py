"""``masterPlaylists6.xml`` beside master.db: which playlists there are, once more. Absent in some installations.

Only the lines of the playlists that change are touched, everything else stays as it is to the byte; the file is
replaced in one step.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from cratehand.domain.collection_edit import RowChange
from cratehand.domain.errors import CorruptFileError, UnavailableError
from cratehand_bridges.rekordbox.parse import as_whole, parse_time_s

NAME: Final = "masterPlaylists6.xml"

_END: Final = re.compile(r"[ \t]*</PLAYLISTS>")
_EMPTY: Final = re.compile(r"<PLAYLISTS\s*/>")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaylistNode:
    """One playlist of the file; `timestamp_ms` is None where it shall be gone."""

    playlist_id: str
    parent_id: str
    attribute: int
    timestamp_ms: int | None

    @property
    def hex_id(self) -> str:
        """Its number as the file writes it."""
        return _hex(self.playlist_id)

    @property
    def line(self) -> str:
        """Its line of the file."""
        return (
            f'    <NODE Id="{self.hex_id}" ParentId="{_hex(self.parent_id)}" Attribute="{self.attribute}" '
            f'Timestamp="{self.timestamp_ms}" Lib_Type="0" CheckType="0"/>'
        )


def node_of(change: RowChange) -> PlaylistNode:
    """Return what becomes of the line of a playlist whose row of ``djmdPlaylist`` changed."""
    row = change.after or change.before or {}
    at_s = parse_time_s(str(row["updated_at"])) if change.after is not None else None
    return PlaylistNode(
        playlist_id=change.row_id,
        parent_id=str(row["ParentID"]),
        attribute=as_whole(row["Attribute"]) or 0,
        timestamp_ms=None if at_s is None else round(at_s * 1000),
    )


def read_playlists_file(database: Path) -> str | None:
    """Return the file beside a database; None where there is none.

    Raises:
        CorruptFileError: It is not what Rekordbox writes.
        UnavailableError: It can't be read.
    """
    path = database.with_name(NAME)
    try:
        text = path.read_bytes().decode("utf-8")
        _check(text)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnavailableError(f"can not read {path} ({error.strerror}); check its permissions") from error
    except (ValueError, ParseError, DefusedXmlException) as error:
        raise CorruptFileError(f"{path} is damaged ({error}); start Rekordbox once, it makes it anew") from error
    return text


def with_nodes(text: str, nodes: Iterable[PlaylistNode]) -> str:
    """Return the text of the file with some playlists added, renewed or taken out."""
    for node in nodes:
        known = re.compile(rf'[ \t]*<NODE\b[^>]*\bId="{node.hex_id}"[^>]*/>(\r?\n)?')
        found = known.search(text)
        if node.timestamp_ms is None:
            text = known.sub("", text)
        elif found:
            renewed = re.sub(r'Timestamp="\d*"', f'Timestamp="{node.timestamp_ms}"', found[0])
            text = text.replace(found[0], renewed, 1)
        else:
            text = _added(text, node.line)
    _check(text)
    return text


def replace_playlists_file(database: Path, text: str) -> None:
    """Write the file beside it, then put it in its place.

    Raises:
        UnavailableError: It can't be written.
    """
    path = database.with_name(NAME)
    fresh = path.with_name(f".{NAME}.cratehand")
    try:
        with fresh.open("wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UnavailableError(f"can not write {path} ({error.strerror}); check its permissions") from error


def _added(text: str, line: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    if end := _END.search(text):
        return text[: end.start()] + line + newline + text[end.start() :]
    return _EMPTY.sub(f"<PLAYLISTS>{newline}{line}{newline}  </PLAYLISTS>", text, count=1)


def _check(text: str) -> None:
    root = ElementTree.fromstring(text)
    if root.find("PLAYLISTS") is None:
        raise ValueError("it has no PLAYLISTS")


def _hex(number: str) -> str:
    return "0" if number == "root" else f"{int(number):X}"
