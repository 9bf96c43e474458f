"""How the command line speaks: results on stdout, everything else on stderr."""

import contextlib
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

WIDE: Final = 400
"""Columns of a table that nobody looks at: a pipe gets every row on one line of its natural width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    title: str
    justify: Literal["left", "right"] = "left"
    flexible: bool = False
    """Gives way on a narrow terminal by breaking its lines; the others keep their width."""
    style: str = ""


def utf8_streams() -> None:
    """Let both streams write any path: UTF-8, with what is none of it escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError, OSError):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def write_json(value: object) -> None:
    """Write one JSON document to stdout; numbers that are none become null, lone surrogates stay escaped."""
    text = json.dumps(jsonable(value), ensure_ascii=False, indent=2, allow_nan=False)
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode("utf-8") + "\n")


def jsonable(value: object) -> Any:
    """Return the value as dict, list, str, int, float, bool or None."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case Mapping():
            return {str(key): jsonable(item) for key, item in value.items()}
        case list() | tuple():
            return [jsonable(item) for item in value]
        case None | str() | int():
            return value
        case _:
            return str(value)


def say(text: str) -> None:
    """Write prose to stderr."""
    sys.stderr.write(clean(text) + "\n")
    sys.stderr.flush()


def complain(text: str) -> None:
    """Write what went wrong to stderr, one line a fault."""
    for line in text.splitlines() or [""]:
        say(f"cratehand: {line}")


def clean(text: str) -> str:
    """Return text that any terminal takes: no control characters but the line end and tab, no lone surrogates."""
    text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(char if char.isprintable() or char in "\n\t" else f"\\x{ord(char):02x}" for char in text)


def one_line(text: str) -> str:
    """Return `clean` text without line ends."""
    return clean(text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", " "))


def print_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, title: str | None = None) -> None:
    """Write an aligned table to stdout, as wide as the terminal or, into a pipe, as wide as it has to be."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(
            column.title,
            justify=column.justify,
            style=column.style,
            no_wrap=not column.flexible,
            overflow="fold",
            header_style="bold",
        )
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    console = Console(file=sys.stdout, width=_width(), highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    # Cells are padded to the width of the column; the spaces at the end of a line help nobody.
    sys.stdout.write("".join(line.rstrip() + "\n" for line in capture.get().splitlines()))


def print_lines(lines: Iterable[str]) -> None:
    """Write lines to stdout as they are."""
    for line in lines:
        sys.stdout.write(clean(line) + "\n")


def is_terminal() -> bool:
    """Whether a person looks at stdout."""
    return sys.stdout.isatty()


def _width() -> int | None:
    return None if is_terminal() or os.environ.get("COLUMNS") else WIDE


def or_dash(value: object, show: Callable[[Any], str] = str) -> str:
    """Return a value as text; an en dash where it is not known."""
    return "–" if value is None or value == "" else show(value)


def minutes(seconds: float) -> str:
    """Return ``3:07``, or ``1:02:45`` from an hour on."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
