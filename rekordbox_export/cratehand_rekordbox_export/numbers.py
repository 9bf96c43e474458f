"""Numbers and dates as exports of many programs write them."""

import datetime as dt
import math
import re

_DATE = re.compile(r"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")
_SAFE_DIGITS = 15
_LARGEST = 2**53
"""Beyond it a number is damage, and the catalogue's integers and JSON could not hold it exactly."""


def parse_decimal(text: str | None) -> float | None:
    """Read a finite number with a point or a comma; None where there is none."""
    if not text:
        return None
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) and abs(number) <= _LARGEST else None


def parse_count(text: str | None) -> int | None:
    """Read a whole number from 0 up, whose fraction is cut; None where there is none."""
    if text and len(text) <= _SAFE_DIGITS and text.isascii() and text.isdecimal():
        return int(text)
    number = parse_decimal(text)
    return int(number) if number is not None and number >= 0 else None


def parse_positive(text: str | None) -> int | None:
    """Read a whole number from 1 up; None for 0, by which Rekordbox means "not known"."""
    return parse_count(text) or None


def parse_date(text: str | None) -> str | None:
    """Read ``yyyy-mm-dd``, also with single digits and with a time behind it; None where it is no date."""
    match = _DATE.match(text or "")
    if not match:
        return None
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        return None


def format_seconds(time_s: float) -> str:
    """Return a time of the track with 3 decimals, never before the start."""
    return f"{max(time_s, 0.0) + 0.0:.3f}"
