"""Lanes: bounded threads for blocking work, so that the event loop never waits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Lanes:
    """Two lanes: `quick` for short questions to the catalogue, `slow` for sweeps, imports and exports.

    An async context manager; leaving it waits for what runs.
    """

    def __init__(self, *, quick: int = 4, slow: int = 2) -> None:
        self._quick = ThreadPoolExecutor(quick, thread_name_prefix="quick")
        self._slow = ThreadPoolExecutor(slow, thread_name_prefix="slow")

    async def __aenter__(self) -> "Lanes":
        return self

    async def __aexit__(self, *_: object) -> None:
        for pool in (self._quick, self._slow):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def quick(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` in the lane for answers that take milliseconds."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, partial(work, *args, **kwargs))

    async def slow(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` in the lane for work that takes seconds."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, partial(work, *args, **kwargs))
