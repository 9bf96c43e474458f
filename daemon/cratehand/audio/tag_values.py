"""From the text that programs write into tags to domain values; nonsense gives None."""

import math
import re
from collections.abc import Callable, Iterable
from typing import Final

from cratehand.domain.fields import Field
from cratehand.domain.key import parse_key

_MAX_TEXT: Final = 1_000
_MAX_COMMENT: Final = 4_000
_MAX_PARTS: Final = 50
_YEAR: Final = re.compile(r"(?<!\d)(1[89]\d\d|2[01]\d\d)(?!\d)")
_COUNT: Final = re.compile(r"^\s*(\d{1,5})(?:\s*(?:/|of)\s*\d+)?\s*$")
_ISRC: Final = re.compile(r"^[A-Z]{2}[A-Z0-9]{3}\d{7}$")
_TEMPO_BPM: Final = (20.0, 999.0)


def value_of(field: Field, texts: Iterable[str]) -> object | None:
    """Turn what a tag holds, one text or several, into the value of `field`.

    Returns:
        The type that `cratehand.domain.fact_values` names for the field, or None where the texts hold nothing usable:
        empty, a tempo or year of 0, an energy outside 1..10, words where a number belongs.
    """
    parts = [cleaned for text in list(texts)[:_MAX_PARTS] if (cleaned := _clean(text, field))]
    if not parts:
        return None
    if parser := _PARSERS.get(field):
        return next((value for part in parts if (value := parser(part)) is not None), None)
    # Several artists or genres are several values of one tag; the same one twice is one.
    separator = "\n" if field is Field.COMMENT else ", "
    return separator.join(dict.fromkeys(parts))[: _limit(field)]


def _limit(field: Field) -> int:
    return _MAX_COMMENT if field is Field.COMMENT else _MAX_TEXT


def _clean(text: str, field: Field) -> str:
    """Cut, drop control characters and what can not be encoded, and trim."""
    text = text[: 2 * _limit(field)]
    text = "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text if letter != "\0")
    if field is not Field.COMMENT:
        text = text.replace("\n", " ")
    return text.strip()[: _limit(field)]


def _number(text: str) -> float | None:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _tempo_bpm(text: str) -> float | None:
    number = _number(text.lower().removesuffix("bpm").strip())
    return number if number is not None and _TEMPO_BPM[0] <= number <= _TEMPO_BPM[1] else None


def _year(text: str) -> int | None:
    match = _YEAR.search(text)
    return int(match[1]) if match else None


def _count(text: str) -> int | None:
    match = _COUNT.match(text)
    return int(match[1]) or None if match else None


def _isrc(text: str) -> str | None:
    code = text.upper().removeprefix("ISRC").replace("-", "").replace(" ", "")
    return code if _ISRC.match(code) else None


def _energy(text: str) -> int | None:
    number = _number(text.lower().removeprefix("energy").strip())
    return int(number) if number is not None and number.is_integer() and 1 <= number <= 10 else None


def _rating(text: str) -> int | None:
    """Read stars: 1..5 as they are, above that a percentage."""
    number = _number(text)
    if number is None or not 0 < number <= 100:
        return None
    return round(number) if number <= 5 else max(1, round(number / 20))


_PARSERS: Final[dict[Field, Callable[[str], object | None]]] = {
    Field.TEMPO_BPM: _tempo_bpm,
    Field.YEAR: _year,
    Field.TRACK_NUMBER: _count,
    Field.DISC_NUMBER: _count,
    Field.ISRC: _isrc,
    Field.ENERGY: _energy,
    Field.RATING: _rating,
    Field.KEY: parse_key,
}


def stars_of_popularimeter(rating: int, email: str) -> int | None:
    """Turn an ID3 POPM rating, 0..255, into stars.

    Traktor counts 51 a star. Everyone else follows the Windows Media Player: 1, 64, 128, 196, 255 (MediaMonkey and
    foobar2000 write values in between). 0 is "not rated".
    """
    if not 0 < rating <= 255:
        return None
    if "traktor" in email.lower():
        return max(1, round(rating / 51))
    return 1 + sum(rating >= edge for edge in (32, 96, 160, 224))
