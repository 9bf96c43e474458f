"""The same function over many arguments in processes that may die or hang without taking the others with them."""

import multiprocessing
import os
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from pebble import ProcessPool

A = TypeVar("A")
R = TypeVar("R")
Tell = Callable[[int, int], None]
"""Is told how many of how many are done."""
_LONGEST_S: Final = 900.0
_TASKS_A_PROCESS: Final = 100


def map_each(
    function: Callable[[A], R],
    arguments: Iterable[A],
    *,
    workers: int | None = None,
    longest_s: float = _LONGEST_S,
    tell: Tell | None = None,
) -> list[R | BaseException]:
    """Return the result of each in order, or what it failed with.

    One thread a process: the numeric libraries are told so before the processes start.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    context = multiprocessing.get_context("forkserver")
    pool: Any = ProcessPool(max_workers=workers or os.cpu_count() or 1, max_tasks=_TASKS_A_PROCESS, context=context)
    with pool:
        futures = [pool.schedule(function, args=(argument,), timeout=longest_s) for argument in arguments]
        results: list[R | BaseException] = []
        for number, future in enumerate(futures):
            if tell is not None:
                tell(number, len(futures))
            try:
                results.append(future.result())
            except Exception as error:  # told to the caller, in the place of the result
                results.append(error)
    return results
