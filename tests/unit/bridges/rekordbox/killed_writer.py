"""A process that applies an upgrade and is killed with SIGKILL at a point that can be chosen.

Reads one JSON object a line: ``{"path", "point", "undo"}``; forks, writes in the child, kills it at the `point`-th call
of a function (Python or C) inside the writer's own modules, and answers ``killed`` or ``finished``.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from cratehand.domain.collection_edit_codec import edit_from_json, record_from_json
from tests.unit.bridges.rekordbox.other_process import ROOT
from tests.unit.bridges.rekordbox.written import writer_of


class KilledWriter:
    """Starts that process and speaks with it."""

    def __init__(self) -> None:
        folders = [str(ROOT), str(ROOT / "daemon"), str(ROOT / "bridges")]
        start = f"import sys; sys.path[:0] = {folders!r}; from {__name__} import main; main()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", start], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def run(self, **order: Any) -> str:
        """Let it write; returns ``killed`` or ``finished``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def main() -> None:
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _write(json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(
            "killed" if os.WIFSIGNALED(status) else f"finished {os.WEXITSTATUS(status)}".removesuffix(" 0"), flush=True
        )


def _write(order: dict[str, Any]) -> None:
    left = order["point"]

    def count(frame: Any, event: str, _: object) -> None:
        nonlocal left
        if event in {"call", "c_call", "c_return"} and "cratehand_bridges/rekordbox" in frame.f_code.co_filename:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    writer = writer_of(Path(order["path"]), seed=order["point"])
    edits = [edit_from_json(each) for each in order.get("edits", ())]
    sys.setprofile(count)
    if edits:
        writer.apply(edits, change_id="the change")
    else:
        writer.undo(record_from_json(order["record"]), change_id="the undo")
    sys.setprofile(None)
    if path := order.get("count_into"):
        Path(path).write_text(str(order["point"] - left))
