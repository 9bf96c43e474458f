"""Tells which paths may have changed, soon after they did."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

from cratehand.domain.folders import WatchedFolder
from cratehand.watch.debounce import Debounce
from cratehand.watch.folder_guard import FolderGuard, GuardOptions, WatchingSystem
from cratehand.watch.ignore import IgnoreRules

_ARMING_S = 10.0
_STOPPING_S = 0.8


class WatchdogWatcher:
    """Implements `FolderWatcher`.

    From the moment `watch` returned nothing is lost: sweep the folder after it. Whenever events may have been missed (a
    drive that went or came back, a queue of the system that ran over, a folder that took more than ten seconds to be
    watched), the folder itself is in a batch and stands for all below it, as it does after it was moved or renamed.
    Folders with `WatchedFolder.polling`, those on network file systems, and those for which the system's limit is
    reached are polled. One reader of `batches` at a time.

    Args:
        ignore: What is never music for us.
        settle_s: How long a path has to be calm before it is in a batch. On Linux a file that was written is waited for
            until its writer closed it, for at most `write_patience_s` after the last byte.
        poll_interval_s: Time between two looks at a polled folder; a file in it is calm when the next look found it
            unchanged. A look that takes long is made less often.
        check_interval_s: Time between two looks whether a folder is still the one that is watched.
        write_patience_s: How long a writer that never closes its file is waited for.
        system: The operating system.
    """

    def __init__(
        self,
        *,
        ignore: IgnoreRules,
        settle_s: float = 2.0,
        poll_interval_s: float = 10.0,
        check_interval_s: float = 1.0,
        write_patience_s: float = 60.0,
        system: WatchingSystem | None = None,
    ) -> None:
        self._debounce = Debounce(settle_s=settle_s, monotonic_s=time.monotonic)
        self._options = GuardOptions(
            debounce=self._debounce,
            rules=ignore,
            on_sooner=self._wake_reader,
            system=system or WatchingSystem(),
            poll_interval_s=poll_interval_s,
            check_interval_s=check_interval_s,
            write_patience_s=write_patience_s,
        )
        self._folders: dict[Path, WatchedFolder] = {}
        self._guards: dict[Path, FolderGuard] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._noted = asyncio.Event()

    async def start(self) -> None:
        if self._loop is not None:
            return
        self._loop = asyncio.get_running_loop()
        await asyncio.gather(*(self._guard(folder) for folder in self._folders.values()))

    async def stop(self) -> None:
        guards, self._guards = list(self._guards.values()), {}
        self._loop = None
        self._noted.set()
        await _end(guards)

    async def watch(self, folder: WatchedFolder) -> None:
        await self.unwatch(folder.path)
        self._folders[folder.path] = folder
        if self._loop is not None:
            await self._guard(folder)

    async def unwatch(self, path: Path) -> None:
        self._folders.pop(path, None)
        guard = self._guards.pop(path, None)
        if guard is not None:
            await _end([guard])

    async def batches(self) -> AsyncIterator[frozenset[Path]]:
        while self._loop is not None:
            self._noted.clear()
            batch = self._debounce.take()
            if batch:
                yield batch
                continue
            try:
                async with asyncio.timeout(self._debounce.wait_s()):
                    await self._noted.wait()
            except TimeoutError:
                continue

    def look_again(self, paths: Iterable[Path]) -> None:
        """Put paths into a batch once they were calm for a while, e.g. files that still grow. Callable from any thread.

        Args:
            paths: Absolute paths of files below watched folders.
        """
        is_sooner = [self._debounce.note(str(path)) for path in paths]
        if any(is_sooner):
            self._wake_reader()

    async def _guard(self, folder: WatchedFolder) -> None:
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        guard = FolderGuard(folder, self._options, on_ready=lambda: _call_in(loop, ready.set))
        self._guards[folder.path] = guard
        guard.start()
        try:
            async with asyncio.timeout(_ARMING_S):
                await ready.wait()
        except TimeoutError:
            guard.look_when_ready()

    def _wake_reader(self) -> None:
        loop = self._loop
        if loop is not None:
            _call_in(loop, self._noted.set)


def _call_in(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        # The loop is closed: nobody is left to be told.
        return


async def _end(guards: Iterable[FolderGuard]) -> None:
    """Stop guards; one that hangs on a dead drive is left behind, it ends with the program at the latest."""
    ending = list(guards)
    for guard in ending:
        guard.ask_to_stop()
    deadline_s = time.monotonic() + _STOPPING_S
    for guard in ending:
        if guard.is_alive():
            await asyncio.to_thread(guard.join, max(0.0, deadline_s - time.monotonic()))
