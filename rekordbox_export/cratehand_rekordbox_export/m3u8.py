"""M3U and M3U8 playlists."""

import ntpath
import os
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final
from urllib.parse import quote_from_bytes

from cratehand.domain.collection import CollectionTrack
from cratehand.domain.fields import Field
from cratehand.domain.matching import WantedTrack
from cratehand_rekordbox_export import location

_INFO: Final = re.compile(r"#EXTINF:\s*(-?\d+(?:[.,]\d+)?)?[^,]*,(.*)", re.IGNORECASE)
_PLAYLIST: Final = re.compile(r"#PLAYLIST:\s*(.*)", re.IGNORECASE)
_STREAM: Final = re.compile(r"[a-z][a-z0-9+.\-]+://|(?:spotify|tidal|beatport|soundcloud|deezer):", re.IGNORECASE)
_DRIVE: Final = re.compile(r"[A-Za-z]:[\\/]")
_LINE_ENDS: Final = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True, kw_only=True)
class M3uPlaylist:
    """What an M3U file says."""

    name: str | None
    """Only where the file names itself."""
    entries: tuple[WantedTrack, ...]


def parse_m3u8(text: str, *, folder: str) -> M3uPlaylist:
    """Read the entries of an M3U file.

    Understands ``#EXTINF``, ``#PLAYLIST``, comments, ``file:`` URIs, and paths of every system. Entries of streaming
    services keep their artist and title and have no path.

    Args:
        text: The whole file.
        folder: Absolute folder of the file; relative paths begin there.
    """
    name: str | None = None
    entries: list[WantedTrack] = []
    artist = title = None
    duration_s: float | None = None
    for number, raw in enumerate(_LINE_ENDS.split(text), start=1):
        line = raw.strip("\ufeff \t")
        if match := _INFO.match(line):
            duration_s = _duration(match[1])
            artist, title = _split_label(match[2])
        elif match := _PLAYLIST.match(line):
            name = match[1].strip() or name
        elif line and not line.startswith("#"):
            path = resolve_path(line, folder=folder)
            if path or title:
                entries.append(WantedTrack(artist=artist, title=title, path=path, duration_s=duration_s, line=number))
            artist = title = duration_s = None
    return M3uPlaylist(name=name, entries=tuple(entries))


def write_m3u8(
    target: BinaryIO, tracks: Iterable[CollectionTrack], *, name: str | None = None, relative_to: str | None = None
) -> int:
    """Write an M3U8 file: UTF-8 without a byte order mark, LF, one ``#EXTINF`` before each path.

    A path that a line can not hold (a line end, a blank at its ends, a ``#`` at its beginning, bytes that are no
    UTF-8) is written as a ``file:`` URI. Paths are written byte for byte as on disk, never normalised.

    Args:
        target: Open for writing bytes.
        tracks: In order; one without a location is left out.
        name: Name of the playlist, as ``#PLAYLIST``.
        relative_to: Absolute folder of the file, for paths relative to it; a path on another drive stays absolute.

    Returns:
        How many entries were written.
    """
    lines = ["#EXTM3U"]
    if name:
        lines.append(f"#PLAYLIST:{_one_line(name)}")
    count = 0
    for track in tracks:
        if not track.location:
            continue
        duration_s = track.values.get(Field.DURATION_S)
        seconds = round(duration_s) if isinstance(duration_s, int | float) else -1
        label = " - ".join(str(track.values[field]) for field in (Field.ARTIST, Field.TITLE) if track.values.get(field))
        path = _relative(track.location, relative_to) if relative_to else track.location
        lines.append(f"#EXTINF:{seconds},{_one_line(label)}")
        lines.append(path if _fits_a_line(path) else _file_uri(track.location))
        count += 1
    target.write(("\n".join(lines) + "\n").encode("utf-8", "replace"))
    return count


def resolve_path(text: str, *, folder: str) -> str | None:
    """Return the absolute path that a playlist means; None for a stream.

    Args:
        text: An absolute or relative path of any system, or a ``file:`` URI.
        folder: Absolute folder that relative paths begin in.
    """
    if text[:5].lower() == "file:":
        return location.decode(text) or None
    if _STREAM.match(text):
        return None
    if text.startswith(("/", "\\")) or _DRIVE.match(text):
        return text
    if _DRIVE.match(folder) or folder.startswith("\\\\"):
        return ntpath.normpath(ntpath.join(folder, text))
    # A list that was written on Windows and lies beside its music here.
    here = text.replace("\\", "/") if "/" not in text else text
    return posixpath.normpath(posixpath.join(folder, here))


def _split_label(label: str) -> tuple[str | None, str | None]:
    artist, dash, title = label.strip().partition(" - ")
    if not dash:
        return None, artist or None
    return artist.strip() or None, title.strip() or None


def _duration(text: str | None) -> float | None:
    seconds = float(text.replace(",", ".")) if text else 0.0
    return seconds if 0 < seconds < 1e7 else None


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _fits_a_line(path: str) -> bool:
    if _LINE_ENDS.search(path) or path != path.strip() or path.startswith(("#", "\ufeff")):
        return False
    return path.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in path)


def _relative(path: str, folder: str) -> str:
    windows = _DRIVE.match(path) is not None
    if windows != (_DRIVE.match(folder) is not None):
        return path
    try:
        relative = ntpath.relpath(path, folder) if windows else posixpath.relpath(path, folder)
    except ValueError:  # another drive
        return path
    # A stream's scheme or a blank inside the first name must not change what the line means.
    return f"./{relative}" if _STREAM.match(relative) else relative


def _file_uri(path: str) -> str:
    slashes = path.replace("\\", "/") if _DRIVE.match(path) else path
    quoted = quote_from_bytes(os.fsencode(slashes), safe="/:")
    return f"file://{quoted}" if slashes.startswith("/") else f"file:///{quoted}"
