"""Writes into the DJ's collection wait while its program runs, and are done in their order once it has been closed."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from cratehand.domain.collection_edit import EditRecord
from cratehand.domain.collection_write import CollectionWrite, CollectionWriteStore, WriteState
from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.ports import Clock, CollectionEditor
from cratehand.usecases.lanes import Lanes

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 10.0
"""How often it is looked whether the program has been closed; listing all processes takes some 20 ms."""


class CollectionWrites:
    """A queue of writes, kept in a store.

    Args:
        store: Keeps the writes.
        editor: Writes them.
        clock: Says when.
        ended: Called with each write that was written or refused, in the thread that did it.
        look_every_s: How long to wait between two tries.
    """

    def __init__(
        self,
        store: CollectionWriteStore,
        editor: CollectionEditor,
        *,
        clock: Clock,
        ended: Callable[[CollectionWrite], None],
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._store = store
        self._editor = editor
        self._clock = clock
        self._ended = ended
        self._look_every_s = look_every_s
        self._news = asyncio.Event()

    def ask(self, write: CollectionWrite) -> None:
        """Queue a write for the next `attempt`; blocks shortly. Call `wake` afterwards, on the event loop."""
        self._store.save(write)

    def wake(self) -> None:
        """Let `run` look at once; call on the event loop."""
        self._news.set()

    def attempt(self) -> bool:
        """Try all that wait, oldest first; blocks for seconds.

        A write that has to wait keeps those behind it waiting too, since they may stand on it. One that is refused
        does not: what stood on it meets a conflict of its own.

        Returns:
            Whether some still wait.
        """
        for write in self._store.waiting():
            done = self._tried(write)
            if done != write:
                self._store.save(done)
            if done.state is WriteState.WAITING:
                return True
            self._ended(done)
        return False

    async def run(self, lanes: Lanes) -> None:
        """Work for ever: at the start, when woken, and every few seconds while something waits."""
        while True:
            self._news.clear()
            try:
                some_wait = await lanes.slow(self.attempt)
            except CratehandError as error:
                # The store itself: what waits is safe there.
                logger.warning("waiting writes can't be looked at, cratehand tries again: %s", error)
                some_wait = True
            try:
                async with asyncio.timeout(self._look_every_s if some_wait else None):
                    await self._news.wait()
            except TimeoutError:
                continue

    def _tried(self, write: CollectionWrite) -> CollectionWrite:
        try:
            record = self._write(write)
        except UnavailableError as error:
            if str(error) == write.problem:
                return write
            logger.info("a write into the collection waits: %s", error)
            return replace(write, problem=str(error), tried_at_s=self._clock.now_s())
        except CratehandError as error:
            logger.warning("a write into the collection was refused: %s", error)
            return replace(write, state=WriteState.REFUSED, problem=str(error), tried_at_s=self._clock.now_s())
        undo = record.restore_command
        logger.info("%d rows written into the collection; to put back the state before: %s", len(record.rows), undo)
        return replace(write, state=WriteState.WRITTEN, problem="", tried_at_s=self._clock.now_s(), record=record)

    def _write(self, write: CollectionWrite) -> EditRecord:
        if write.undoes is not None:
            return self._editor.undo(write.undoes, change_id=write.id)
        return self._editor.apply(write.edits, change_id=write.id)
