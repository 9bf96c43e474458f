"""Watching folders: what is music for us, what changed on the disk, and when."""

from cratehand.watch.ignore import STEMS_MARKER, IgnoreRules
from cratehand.watch.mounts import MountTable
from cratehand.watch.power import PsutilPower
from cratehand.watch.scan import DiskScanner
from cratehand.watch.watcher import WatchdogWatcher

__all__ = ["STEMS_MARKER", "DiskScanner", "IgnoreRules", "MountTable", "PsutilPower", "WatchdogWatcher"]
