"""Single values on their way into messages: text is UTF-8, numbers are finite and fit."""

import math
import os
from pathlib import Path
from typing import Any, Final

_INT32: Final = 2**31


def text(value: str) -> str:
    """Return `value` as text that any client can read; lone surrogates are escaped as in ``backslashreplace``."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")


def path_text(path: Path | str) -> str:
    r"""Return a path as text; bytes that are no UTF-8 are escaped as ``\xff``."""
    shown = str(path)
    return shown if shown.isascii() else text(os.fsencode(shown).decode("utf-8", "backslashreplace"))


def number(value: float | None) -> float | None:
    """Return a finite number, None for anything else: NaN and the infinities are never sent."""
    return value if value is not None and math.isfinite(value) else None


def int32(value: int | None) -> int | None:
    """Return a number that fits into 32 bits, None for any other."""
    return value if value is not None and -_INT32 <= value < _INT32 else None


def plain(value: Any) -> Any:
    """Return JSON-able data with text as by `text`, and None for every number that is not finite."""
    match value:
        case str():
            return text(value)
        case float():
            return number(value)
        case dict():
            return {text(str(key)): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case _:
            return value
