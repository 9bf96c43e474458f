"""The text of a fact's value, checked and fast.

The texts are those of `cratehand.domain.fact_values`; plain strings and numbers, nine facts of ten, take a short cut
that a test holds to the same answers.
"""

import json
import math
from collections.abc import Callable
from functools import partial
from json.encoder import encode_basestring
from typing import Any, Final

from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fact_values import decode, encode
from cratehand.domain.fields import FLOAT_FIELDS, INTEGER_FIELDS, TEXT_FIELDS, Field
from cratehand.domain.key import MusicalKey

UNFIT: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError, InvalidInputError)
"""What encoding an unfit value raises."""

TAKEN_BACK: Final = "null"
"""The text of a statement that takes back what its source said before."""


def fact_text(field: Field, value: object) -> str:
    """Return the JSON text of a value.

    Raises:
        InvalidInputError: The value is not of the field's shape, not finite, or None.
    """
    try:
        return ENCODERS[field](value)
    except UNFIT as error:
        raise InvalidInputError(f"{field}: {str(value)[:80]!r} can not be its value") from error


def parse_fact(field: Field, text: str) -> object:
    """Read a value back; raises `InvalidInputError` where the text is not of the field's shape."""
    try:
        if field in TEXT_FIELDS:
            # A quoted text without escapes is itself; json.loads would build a decoder's worth of frames for it.
            if text[0] == '"' and text[-1] == '"' and "\\" not in text and '"' not in text[1:-1] and len(text) > 1:
                return text[1:-1]
        elif field in INTEGER_FIELDS:
            if text.isdecimal() and text.isascii():
                return int(text)
        elif field in FLOAT_FIELDS and text[0] in "0123456789" and "_" not in text:
            return float(text)
    except (ValueError, IndexError):
        pass
    return decode(field, text)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    written: str = encode_basestring(value)
    if not written.isascii():
        try:
            written.encode("utf-8")
        except UnicodeEncodeError:
            # Lone surrogates of a mangled tag: JSON's own escapes carry them through any database.
            return json.dumps(value)
    return written


def _integer(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("not an int")
    return int.__repr__(value)


def _float(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    if not math.isfinite(value):
        raise ValueError("not finite")
    return int.__repr__(value) if isinstance(value, int) else float.__repr__(value)


def _key(value: Any) -> str:
    if not isinstance(value, MusicalKey):
        raise TypeError("not a key")
    return f'"{value}"'


def _tags(value: Any) -> str:
    if type(value) is tuple and all(type(tag) is str and tag.isascii() for tag in value):
        return f"[{','.join([encode_basestring(tag) for tag in value])}]"
    return _structured(Field.TAGS, value)


def _structured(field: Field, value: Any) -> str:
    if value is None:
        raise TypeError("nothing")
    written = encode(value)
    # Its shape is proven by reading it, since whoever reads it later can no longer ask its maker.
    decode(field, written)
    return written if written.isascii() else _storable_json(written)


def _storable_json(written: str) -> str:
    try:
        written.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(written), separators=(",", ":"))
    return written


ENCODERS: Final[dict[Field, Callable[[Any], str]]] = {
    **{field: partial(_structured, field) for field in Field},
    **dict.fromkeys(TEXT_FIELDS, _text),
    **dict.fromkeys(INTEGER_FIELDS, _integer),
    **dict.fromkeys(FLOAT_FIELDS, _float),
    Field.KEY: _key,
    Field.TAGS: _tags,
}
"""What `fact_text` does for each field. An unfit value raises one of `UNFIT`."""
