"""Workers may die at any moment; the pool lives."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from cratehand.app.workers import WorkerPool, make_executor


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[WorkerPool]:
    pool = make_executor(1, log=tmp_path / "workers.log")
    yield pool
    pool.shutdown()


def kill_all() -> None:
    for worker in multiprocessing.active_children():
        worker.kill()
        worker.join(10)


def test_the_pool_survives_the_death_of_working_and_of_idle_workers(pool: WorkerPool) -> None:
    assert pool.submit(os.getpid).result(60) != os.getpid()
    kill_all()
    time.sleep(0.5)  # it learns of the death while nothing is to be done
    assert pool.submit(os.getpid).result(60)
    lost: Future[None] = pool.submit(time.sleep, 60)
    while not lost.running():
        time.sleep(0.05)
    kill_all()
    with pytest.raises(Exception, match=r"(?i)abnormal|broke"):
        lost.result(20)
    assert pool.submit(os.getpid).result(60)


def test_an_end_takes_workers_along_that_are_busy(pool: WorkerPool) -> None:
    busy = pool.submit(time.sleep, 600)
    while not busy.running():
        time.sleep(0.05)
    began_s = time.monotonic()
    pool.shutdown()
    assert time.monotonic() - began_s < 3.0
    assert multiprocessing.active_children() == []
