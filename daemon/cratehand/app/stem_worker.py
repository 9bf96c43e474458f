"""What runs in the process that separates: one order, at the lowest priority, gone when the daemon is gone.

The order comes as one line of JSON on the standard input, which stays open as long as the daemon lives; what was done
goes out as a line after each window, the last one says how it ended.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from cratehand.app.worker import lower_priority
from cratehand.domain.errors import CratehandError
from cratehand.usecases.stem_separation import StemSeparation

FindSeparation = Callable[[Mapping[str, Any]], StemSeparation]
"""Makes the use case that an order asks for."""


def serve(find_separation: FindSeparation, *, answers: TextIO) -> None:
    """Take one order and do it.

    Args:
        find_separation: Gives what separates; raises what is missing for it.
        answers: Where the lines go.
    """
    lower_priority()
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True, name="parent watch").start()

    def tell(done_s: float, total_s: float | None) -> None:
        _say(answers, progress=done_s / total_s if total_s else 0.0)

    try:
        find_separation(order).separate(
            Path(order["path"]),
            out=Path(order["out"]) if order["out"] else None,
            ending=f".{order['format']}",
            on_progress=tell,
        )
    except CratehandError as error:
        _say(answers, error=type(error).__name__, message=str(error))
    else:
        _say(answers, done=True)


def main() -> None:
    """Separate with the models of this installation."""
    # What a library prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(_installed, answers=answers)


def _installed(order: Mapping[str, Any]) -> StemSeparation:
    from cratehand.app.data_folder import DataFolder
    from cratehand.app.model_parts import stem_separation
    from cratehand.app.settings import ModelSettings, Settings

    # Only what the daemon was told of models matters here; neither a file nor the environment is read again.
    settings = Settings.model_construct(models=ModelSettings(**order["models"]))
    return stem_separation(settings, DataFolder(Path(order["data_dir"])), order["model"] or None)[0]


def _say(answers: TextIO, **told: object) -> None:
    answers.write(json.dumps(told) + "\n")
    answers.flush()


def _end_with_parent() -> None:
    sys.stdin.read()
    # Not `sys.exit`: the graph runs in another thread, and what it has settled is on the disk.
    os._exit(1)


if __name__ == "__main__":
    main()
