"""Playlists out of a file of any kind that we read."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from cratehand.domain.collection import PlaylistKind
from cratehand.domain.fields import Field
from cratehand.domain.matching import WantedTrack
from cratehand_rekordbox_export.m3u8 import parse_m3u8
from cratehand_rekordbox_export.playlists import folder_path
from cratehand_rekordbox_export.reader import read_collection
from cratehand_rekordbox_export.text_file import decode_text, read_bytes
from cratehand_rekordbox_export.text_lists import is_table, parse_lines, parse_table

_XML_BEGINNINGS: Final = ("<?xml", "<DJ_PLAYLISTS", "<!DOCTYPE", "<NML")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPlaylist:
    """One playlist of a file; its tracks are still to be found in the catalogue."""

    name: str
    entries: tuple[WantedTrack, ...]
    folders: tuple[str, ...] = ()
    """Names of the folders around it, the outermost first."""


def read_playlists(path: Path) -> list[ImportedPlaylist]:
    """Read every playlist of a file: Rekordbox XML, M3U, M3U8, a table with a header, or plain lines.

    The kind follows from the suffix where that is certain (``.xml .m3u .m3u8 .csv .tsv``), else from the content. All
    kinds but XML hold one playlist, named as the file.

    Raises:
        NotFoundError, UnavailableError: No such file, or it can not be read now.
        InvalidInputError: Another kind of file, or a table without a usable header.
        CorruptFileError: Damaged, or no text at all.
    """
    suffix = path.suffix.lower()
    if suffix == ".xml":
        return _from_xml(path)
    text = decode_text(read_bytes(path), name=str(path))
    beginning = text.lstrip("\ufeff \t\r\n")[:200]
    if suffix not in {".csv", ".tsv", ".m3u", ".m3u8"} and beginning.startswith(_XML_BEGINNINGS):
        return _from_xml(path)
    folder = os.path.abspath(path.parent)  # noqa: PTH100 - links in the user's folder stay as they are
    if suffix in {".m3u", ".m3u8"} or beginning.upper().startswith("#EXTM3U"):
        playlist = parse_m3u8(text, folder=folder)
        return [ImportedPlaylist(name=playlist.name or path.stem, entries=playlist.entries)]
    if suffix in {".csv", ".tsv"} or is_table(text):
        entries = parse_table(text, name=str(path), folder=folder)
    else:
        entries = parse_lines(text, folder=folder)
    return [ImportedPlaylist(name=path.stem, entries=tuple(entries))]


def _from_xml(path: Path) -> list[ImportedPlaylist]:
    change = read_collection(path)
    playlists = change.playlists or ()
    wanted = {
        track.id: WantedTrack(
            artist=cast("str | None", track.values.get(Field.ARTIST)),
            title=cast("str | None", track.values.get(Field.TITLE)),
            path=track.location or None,
            duration_s=cast("float | None", track.values.get(Field.DURATION_S)),
        )
        for track in change.tracks
    }
    return [
        ImportedPlaylist(
            name=playlist.name,
            entries=tuple(wanted[entry] for entry in playlist.entries),
            folders=folder_path(playlist, playlists),
        )
        for playlist in playlists
        if playlist.kind is not PlaylistKind.FOLDER
    ]
