"""A runner of commands that records them and answers as it was told."""

from collections.abc import Callable, Sequence

from cratehand_service import Outcome


class Recorder:
    """Answers commands.

    Args:
        answer: Gives the outcome of a command, None for success without words.
    """

    def __init__(self, answer: Callable[[Sequence[str]], Outcome | None] = lambda command: None) -> None:
        self._answer = answer
        self.commands: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> Outcome:
        self.commands.append(list(command))
        return self._answer(command) or Outcome(code=0)


def failing_at(word: str, errors: str, *, code: int = 1) -> Callable[[Sequence[str]], Outcome | None]:
    """Return answers that fail for every command with a word in it."""
    return lambda command: Outcome(code=code, errors=errors) if word in command else None
