import subprocess
import sys
import time

HANGS = """
import os, threading, time
from cratehand.app.last_resort import LastResort
with LastResort(after_s=0.2, clean_up=lambda: print("cleaned up", flush=True)) as last_resort:
    last_resort.arm()
    last_resort.arm()
    time.sleep({sleep_s})
print("ended by itself", flush=True)
time.sleep(0.5)
"""


def test_a_process_that_does_not_end_is_ended() -> None:
    began_s = time.monotonic()
    done = run(sleep_s=60.0)
    assert time.monotonic() - began_s < 30.0
    assert (done.returncode, done.stdout) == (0, "cleaned up\n")


def test_one_that_ends_by_itself_is_left_alone() -> None:
    assert run(sleep_s=0.0).stdout == "ended by itself\n"


def run(*, sleep_s: float) -> "subprocess.CompletedProcess[str]":
    script = HANGS.format(sleep_s=sleep_s)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
