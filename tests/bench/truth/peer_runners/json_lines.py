"""Reads one path a line, writes one JSON object a line; imported by the scripts beside it, standard library only."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any


def serve(analyse: Callable[[str], dict[str, Any]]) -> None:
    """Answer every path on the standard input; what a library prints goes to the standard error stream."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        path = line.rstrip("\n")
        wall_s, cpu_s = time.perf_counter(), _cpu_s()
        try:
            answer = analyse(path)
        except Exception as error:  # told in the answer
            answer = {"errors": [f"{type(error).__name__}: {error}"]}
        answer |= {"path": path, "seconds": time.perf_counter() - wall_s, "cpu_seconds": _cpu_s() - cpu_s}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _cpu_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system
