"""Our own store of tracks and facts, on the device."""

from cratehand.catalogue.backup import backup, restore
from cratehand.catalogue.check import check
from cratehand.catalogue.device import SqliteCatalogue, open_device
from cratehand.catalogue.driver import Driver, choose_driver
from cratehand.catalogue.migrate import migrate

__all__ = ["Driver", "SqliteCatalogue", "backup", "check", "choose_driver", "migrate", "open_device", "restore"]
