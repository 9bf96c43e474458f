"""The end that comes when the clean one takes too long."""

import logging
import multiprocessing
import os
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

logger = logging.getLogger(__name__)


class LastResort:
    """Ends this process some time after `arm`, unless the block is left before.

    A thread that waits for a drive that never answers can not be stopped. Nothing is lost by leaving it behind: the
    catalogue changes in whole transactions, files are written whole or not at all, and jobs go on at the next start.

    Args:
        after_s: How long the clean end may take.
        clean_up: Called before the end; must return at once.
    """

    def __init__(self, *, after_s: float, clean_up: Callable[[], None]) -> None:
        self._after_s = after_s
        self._clean_up = clean_up
        self._timer: threading.Timer | None = None

    def arm(self) -> None:
        """Begin to count; the first call decides."""
        if self._timer is None:
            self._timer = threading.Timer(self._after_s, self._end)
            self._timer.daemon = True
            self._timer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        logger.warning("something does not end, e.g. a look at a drive that gives no answer: it is left behind")
        try:
            for worker in multiprocessing.active_children():
                worker.kill()
            self._clean_up()
        finally:
            os._exit(0)
