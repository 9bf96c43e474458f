"""The DJ's Rekordbox 6 or 7 collection, read from master.db and its analysis files; written only on request."""

from cratehand_bridges.rekordbox.bridge import RekordboxDatabase
from cratehand_bridges.rekordbox.find import find_anlz_root, find_database
from cratehand_bridges.rekordbox.writer import RekordboxWriter, WriterSettings

__all__ = ["RekordboxDatabase", "RekordboxWriter", "WriterSettings", "find_anlz_root", "find_database"]
