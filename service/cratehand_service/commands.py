"""Runs the commands of the operating system."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cratehand.domain.errors import UnavailableError, UnsupportedError

_LONGEST_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended."""

    code: int
    output: str = ""
    errors: str = ""

    @property
    def words(self) -> str:
        """What the command said, in one line."""
        return " ".join((self.errors.strip() or self.output.strip() or f"exit code {self.code}").split())


Runner = Callable[[Sequence[str]], Outcome]
"""Runs a command with its arguments to its end; raises `UnsupportedError` where there is no such command."""


def run_command(command: Sequence[str]) -> Outcome:
    """Run a command of the operating system.

    Raises:
        UnsupportedError: There is no such command.
        UnavailableError: It did not end within a minute.
    """
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_LONGEST_S,
            check=False,
        )
    except (FileNotFoundError, PermissionError) as error:
        raise UnsupportedError(
            f"{command[0]} can not be run on this computer; start cratehand with `cratehand run` instead"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{' '.join(command)} did not end within {_LONGEST_S:.0f} s; try again") from error
    return Outcome(code=done.returncode, output=done.stdout, errors=done.stderr)
