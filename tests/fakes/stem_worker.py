"""The process that separates, with known answers: ``python -m tests.fakes.stem_worker`` in place of the daemon's own.

An order's ``pause_s`` is slept before each window, ``windows`` names a file that takes a byte for each window done.
"""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cratehand.app.cluster_task import StemsThere, packed, while_wanted
from cratehand.app.process_lock import held_lock
from cratehand.app.stem_worker import serve
from cratehand.audio.decode import FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.stem_file import StemFilePacker
from cratehand.audio.write import FileWriter
from cratehand.domain.audio import Samples
from cratehand.domain.errors import NotFoundError
from cratehand.usecases.stem_separation import StemSeparation, StemTools
from tests.fakes.stems import KnownSeparator


class SlowSeparator(KnownSeparator):
    """Takes its time, and leaves a trace of each window."""

    def __init__(self, order: Mapping[str, Any]) -> None:
        super().__init__()
        self._pause_s = float(order.get("pause_s", 0.0))
        self._windows = Path(order["windows"])

    def separate(self, mix: Samples) -> Samples:
        time.sleep(self._pause_s)
        with self._windows.open("ab") as file:
            file.write(b".")
        return super().separate(mix)


def separation_of(order: Mapping[str, Any]) -> StemSeparation:
    if order["model"] == "nothing":
        raise NotFoundError("no model is called 'nothing'")
    if order["model"] == "dies":
        os._exit(9)
    tools = StemTools(
        reader=FileReader(), writer=FileWriter(), digester=AudioDigester(), packer=StemFilePacker(), lock=held_lock
    )
    return StemSeparation(tools, SlowSeparator(order), cache=Path(order["data_dir"]) / "cache")


def separate_on_cluster(path: str, model: str) -> StemsThere:
    """Separate as a worker of a cluster does; the model is the folder of its cache, and of its traces."""
    order = {"model": "", "pause_s": 0.05, "windows": f"{model}/windows.{os.getpid()}", "data_dir": model}
    return packed(separation_of(order).separate(Path(path), out=None, on_progress=while_wanted()))


if __name__ == "__main__":
    serve(separation_of, answers=sys.stdout)
