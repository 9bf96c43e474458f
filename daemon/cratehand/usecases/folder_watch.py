"""Follows the watched folders: events at once, sweeps for what events missed."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.folders import WatchedFolder
from cratehand.domain.ports import FolderWatcher
from cratehand.usecases.folder_sync import FolderSync, FolderSyncReport
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.watched_folders import WatchedFolders

logger = logging.getLogger(__name__)

_FIRST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 30.0


class FolderWatch:
    """Owns the watcher; folders come and go at run time through `refresh`."""

    def __init__(
        self,
        watcher: FolderWatcher,
        *,
        folders: WatchedFolders,
        sync: FolderSync,
        lanes: Lanes,
        silent: Callable[[], bool],
    ) -> None:
        self._watcher = watcher
        self._folders = folders
        self._sync = sync
        self._lanes = lanes
        self._silent = silent
        self._watched: dict[Path, WatchedFolder] = {}

    async def start(self) -> None:
        """Arm the watcher before the first sweep, so that nothing falls between the two."""
        await self._watcher.start()
        await self.refresh(sweep=False)

    async def stop(self) -> None:
        """Stop watching."""
        await self._watcher.stop()

    async def refresh(self, *, sweep: bool = True) -> None:
        """Bring the watcher in step with the list of folders; new ones are swept."""
        wanted = {folder.path: folder for folder in await self._lanes.quick(self._folders.all)}
        for path in self._watched.keys() - wanted.keys():
            await self._watcher.unwatch(path)
        new = wanted.keys() - self._watched.keys()
        for path in new:
            await self._watcher.watch(wanted[path])
        self._watched = wanted
        if new and sweep:
            await self.sweep()

    async def sweep(self) -> FolderSyncReport:
        """Look at everything once."""
        return await self._lanes.slow(self._sync.sweep)

    async def sweep_unless_silent(self) -> None:
        """Look at everything, for the scheduler; not during a gig."""
        if await self._lanes.quick(self._silent):
            return
        try:
            await self.sweep()
        except CratehandError as error:
            logger.warning("the sweep of the folders failed, the next one tries again: %s", error)

    async def follow(self) -> None:
        """Bring what the watcher tells into the catalogue, for ever."""
        async for paths in self._watcher.batches():
            await self._look_at(paths)
            await asyncio.sleep(0)

    async def _look_at(self, paths: frozenset[Path]) -> None:
        """Look at changed paths; where the catalogue can't be written now, again until it can."""
        wait_s, told = _FIRST_RETRY_S, ""
        while True:
            try:
                await self._lanes.slow(self._sync.look_at, paths)
                return
            except UnavailableError as error:
                if str(error) != told:
                    told = str(error)
                    logger.warning("%d changed paths wait and are tried again: %s", len(paths), error)
            except CratehandError as error:
                logger.warning("%d changed paths wait for the next sweep: %s", len(paths), error)
                return
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_RETRY_S)
