"""Working on the next things while the last one is being finished, in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def looking_ahead(work: Callable[[A], B], things: Iterable[A], *, at_once: int = 2) -> Iterator[B]:
    """Do `work` on each thing, on so many at once in threads of their own, and yield the results in order.

    A separation spends half of its time in the network on an accelerator and half in transforms on the processor; two
    windows at once keep both busy. `things` is asked for in the caller's thread, at most `at_once` ahead.

    Raises:
        Whatever `work` or `things` raises; what has not begun then is not begun any more.
    """
    waiting: deque[Future[B]] = deque()
    with ThreadPoolExecutor(at_once) as pool:
        try:
            for thing in things:
                waiting.append(pool.submit(work, thing))
                if len(waiting) == at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
