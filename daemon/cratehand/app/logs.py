"""Where what happens is written down: rotated files in the data folder, and the terminal."""

import logging
import logging.handlers
import re
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

DAEMON_LOG: Final = "cratehand.log"
COMMAND_LOG: Final = "commands.log"
"""Traces of commands that failed in a way we did not foresee; the daemon's file has one writer only."""
_MAX_BYTES: Final = 4 * 1024 * 1024
_KEPT: Final = 5
_FORM: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_SECRET_FORMS: Final = (
    (re.compile(r"(?i)(bearer\s+)[\w.~+/=-]{8,}"), r"\1***"),
    (re.compile(r"(://[^\s:/@]{0,200}:)[^\s@/]{1,500}@"), r"\1***@"),
    (re.compile(r"(?i)((?:token|password|secret|api_key)[\"']?\s*[=:]\s*[\"']?)[\w.~+/=-]{8,}"), r"\1***"),
)
_CHATTY: Final = ("asyncio", "apscheduler", "alembic", "sqlalchemy", "watchdog", "grpc", "aiohttp.access", "numba")


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text with known secrets, and what looks like one, replaced by ``***``."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    for form, replacement in _SECRET_FORMS:
        text = form.sub(replacement, text)
    return text


class SecretFilter(logging.Filter):
    """Removes secrets from every record before any handler sees it."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        self._secrets = tuple(secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place where it holds a secret; every record passes."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            return True
        if (clean := without_secrets(message, self._secrets)) != message:
            record.msg, record.args = clean, ()
        if record.exc_info or record.exc_text:
            # Formatters keep and reuse this text, also one that another handler wrote before us.
            trace = record.exc_text or logging.Formatter().formatException(record.exc_info or (None, None, None))
            record.exc_text = without_secrets(trace, self._secrets)
        return True


@cache
def terminal() -> "Console":
    """Return the one console on stderr: log lines and progress bars that share it do not tear each other."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def log_warnings() -> None:
    """Let warnings of what a verb calls reach stderr, each as the one line it is."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("cratehand: %(message)s"))
    _install(handler, "warning", ())


def log_to_terminal(level: str, *, secrets: Iterable[str] = ()) -> None:
    """Send records to stderr: through rich on a terminal, as plain lines elsewhere (a journal, a pipe).

    Takes the place of whatever was set up here before.
    """
    close_logs()
    handler: logging.Handler
    if sys.stderr.isatty():
        from rich.logging import RichHandler

        handler = RichHandler(console=terminal(), show_path=False, log_time_format="[%X]")
        handler.setFormatter(logging.Formatter("%(message)s"))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    _install(handler, level, secrets)


def log_to_file(folder: Path, level: str, *, secrets: Iterable[str] = (), max_bytes: int = _MAX_BYTES) -> Path:
    """Send records to a rotated file as well; return its path. One process a file, or the rotation loses lines.

    A folder that can not be written costs the file, not the work: a warning says so.

    Args:
        folder: Where the file and its predecessors lie; made where it is not there.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        secrets: Texts that no record may hold.
        max_bytes: Size at which a file becomes a predecessor; five of these are kept.
    """
    path = folder / DAEMON_LOG
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=max_bytes, backupCount=_KEPT, encoding="utf-8", errors="backslashreplace"
        )
    except OSError as error:
        logging.getLogger(__name__).warning("no log file %s: %s", path, error.strerror or error)
        return path
    handler.setFormatter(logging.Formatter(_FORM))
    _install(handler, level, secrets)
    return path


def _install(handler: logging.Handler, level: str, secrets: Iterable[str]) -> None:
    handler.setLevel(level.upper())
    handler.addFilter(SecretFilter(secrets))
    root = logging.getLogger()
    root.addHandler(handler)
    lowest = min((each.level for each in root.handlers if each.level), default=handler.level)
    root.setLevel(lowest)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(lowest, logging.WARNING))


def close_logs() -> None:
    """Flush and close every handler that was set up here and take it off."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if any(isinstance(each, SecretFilter) for each in handler.filters):
            root.removeHandler(handler)
            handler.close()
    root.setLevel(logging.WARNING)


def keep_trace(folder: Path, error: BaseException) -> Path:
    """Write the trace of an unforeseen error into the log of the commands; return its path."""
    path = folder / COMMAND_LOG
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.RotatingFileHandler(
            path, maxBytes=_MAX_BYTES, backupCount=1, encoding="utf-8", errors="backslashreplace"
        )
    except OSError:
        return path
    handler.setFormatter(logging.Formatter(_FORM))
    handler.addFilter(SecretFilter())
    text = f"command failed: {' '.join(sys.argv[1:])}"
    trace = (type(error), error, error.__traceback__)
    # Handed to this one handler: nothing of it goes to the terminal.
    handler.handle(logging.LogRecord(__name__, logging.ERROR, __file__, 0, text, (), trace))
    handler.close()
    return path
