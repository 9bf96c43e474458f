"""Whether Rekordbox, or the agent that syncs for it, runs."""

import re
from collections.abc import Callable, Iterable
from typing import Final

import psutil

from cratehand.domain.errors import UnavailableError

ProcessLister = Callable[[], Iterable[str]]
"""Returns the names of all running programs; raises where they can't be listed."""

_REKORDBOX: Final = re.compile(r"rekordbox(agent)?[ \d.]*")
"""With a version behind it, as some folders of programs are named."""

_RETRY_S: Final = 30.0


def running_programs() -> list[str]:
    """Return the name of every process, as the system tells it; those that it does not tell are left out."""
    return [name for process in psutil.process_iter(["name"]) if (name := process.info["name"])]


def running_rekordbox(programs: ProcessLister) -> list[str]:
    """Return which programs that write master.db run: ``rekordbox``, ``rekordboxAgent``, in any spelling.

    Raises:
        UnavailableError: The processes can't be listed, so that it is not known.
    """
    try:
        names = list(programs())
    except Exception as error:
        raise UnavailableError(
            f"can not tell whether Rekordbox runs ({error}); nothing is written to its database", retry_after_s=_RETRY_S
        ) from error
    if not names:
        # There is always at least this process: an empty list is a list that was withheld.
        raise UnavailableError(
            "can not tell whether Rekordbox runs (no process is shown); nothing is written to its database",
            retry_after_s=_RETRY_S,
        )
    return sorted({name for name in names if _REKORDBOX.fullmatch(name.lower().removesuffix(".exe"))})


def refuse_while_running(programs: ProcessLister) -> None:
    """Raise where Rekordbox or its agent runs.

    Raises:
        UnavailableError: It does, or that is not known.
    """
    if running := running_rekordbox(programs):
        raise UnavailableError(
            f"{' and '.join(running)} is running; close Rekordbox and its agent, then it is written",
            retry_after_s=_RETRY_S,
        )
