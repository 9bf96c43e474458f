"""Lanes: bounded threads for blocking work, so that the event loop never waits."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Lanes:
    """Three lanes: `quick` for short questions, `slow` for sweeps, imports and exports, `long` for what takes minutes.

    An async context manager; leaving it waits for what runs.
    """

    def __init__(self, *, quick: int = 4, slow: int = 2, long: int = 1) -> None:
        self._quick = ThreadPoolExecutor(quick, thread_name_prefix="quick")
        self._slow = ThreadPoolExecutor(slow, thread_name_prefix="slow")
        self._long = ThreadPoolExecutor(long, thread_name_prefix="long")

    async def __aenter__(self) -> "Lanes":
        return self

    async def __aexit__(self, *_: object) -> None:
        for pool in (self._quick, self._slow, self._long):
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)

    async def quick(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` in the lane for answers that take milliseconds."""
        return await asyncio.get_running_loop().run_in_executor(self._quick, partial(work, *args, **kwargs))

    async def slow(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` in the lane for work that takes seconds."""
        return await asyncio.get_running_loop().run_in_executor(self._slow, partial(work, *args, **kwargs))

    async def long(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `work` in the lane for work that takes minutes; it has to look by itself whether it is still wanted."""
        return await asyncio.get_running_loop().run_in_executor(self._long, partial(work, *args, **kwargs))
