"""What the daemon holds while nothing is to be done."""

import os
import subprocess
import sys
import time

import psutil
import pytest

from cratehand.app.freed_memory import FreedMemory
from cratehand.app.workers import WorkerPool


def test_the_daemon_starts_without_what_only_workers_need() -> None:
    seen = "import sys, cratehand.app.lifetime; print(sorted({'scipy', 'soundfile', 'alembic'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)
    assert "scipy" not in done.stdout
    assert "alembic" not in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="glibc keeps freed blocks, others don't")
def test_freed_memory_goes_back_to_the_system() -> None:
    freed = FreedMemory()
    freed.give_back()
    blocks = [bytes(1000) for _ in range(60_000)]
    # One block at the top keeps all below it, as in real life.
    last = bytes(1000)
    full = psutil.Process().memory_info().rss
    blocks.clear()
    freed.give_back()
    assert psutil.Process().memory_info().rss < full - 40e6
    assert len(last) == 1000


@pytest.mark.skipif(sys.platform == "win32", reason="no fork server there")
def test_an_idle_pool_leaves_no_process_behind_and_works_again() -> None:
    pool = WorkerPool(1, idle_s=0.0)
    try:
        worker, fork_server = pool.submit(os.getpid).result(60), pool.submit(os.getppid).result(60)
        assert psutil.pid_exists(fork_server)
        pool.close_if_idle()
        until_s = time.monotonic() + 10
        while any(map(psutil.pid_exists, (worker, fork_server))) and time.monotonic() < until_s:
            time.sleep(0.05)
        assert not psutil.pid_exists(worker)
        assert not psutil.pid_exists(fork_server)
        assert pool.submit(os.getpid).result(60) != worker
    finally:
        pool.shutdown()
