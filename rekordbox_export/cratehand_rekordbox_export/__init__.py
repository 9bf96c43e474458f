"""Rekordbox XML and playlist files, in and out."""

from cratehand_rekordbox_export.atomic_file import write_file_atomically
from cratehand_rekordbox_export.collection_parser import ReadReport
from cratehand_rekordbox_export.m3u8 import write_m3u8
from cratehand_rekordbox_export.playlist_files import ImportedPlaylist, read_playlists
from cratehand_rekordbox_export.reader import ReadResult, parse_collection, read_collection
from cratehand_rekordbox_export.writer import (
    Product,
    RekordboxXmlWriter,
    WriteReport,
    write_collection,
    write_collection_file,
)

__all__ = [
    "ImportedPlaylist",
    "Product",
    "ReadReport",
    "ReadResult",
    "RekordboxXmlWriter",
    "WriteReport",
    "parse_collection",
    "read_collection",
    "read_playlists",
    "write_collection",
    "write_collection_file",
    "write_file_atomically",
    "write_m3u8",
]
