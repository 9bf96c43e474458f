"""The DJ's Rekordbox 6 or 7 collection, read from master.db and its analysis files."""

from cratehand_bridges.rekordbox.bridge import RekordboxDatabase
from cratehand_bridges.rekordbox.find import find_anlz_root, find_database

__all__ = ["RekordboxDatabase", "find_anlz_root", "find_database"]
