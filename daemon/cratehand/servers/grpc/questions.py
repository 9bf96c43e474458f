"""Messages as domain questions; what can't be meant raises `InvalidInputError` naming the field."""

import base64
import hashlib
import math
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from google.protobuf.message import Message

from cratehand.domain.errors import InvalidInputError
from cratehand.domain.key import parse_key
from cratehand.domain.search import TrackFilter
from cratehand_api.v1 import track_pb2

E = TypeVar("E", bound=StrEnum)

LONGEST_TEXT: Final = 1_000
LONGEST_PATH: Final = 4_096
_FASTEST_BPM: Final = 100_000.0
_LAST_YEAR: Final = 99_999
_LOUDEST_ENERGY: Final = 10


def limit(name: str, value: int, *, default: int, most: int) -> int:
    """Return how many are wanted: `default` for 0, never more than `most`."""
    if value < 0:
        raise InvalidInputError(f"{name}: {value} is below 0")
    return min(value or default, most)


def bounded(name: str, value: str, *, longest: int = LONGEST_TEXT) -> str:
    """Return a text that is not too long to be meant."""
    if len(value) > longest:
        raise InvalidInputError(f"{name}: {len(value)} characters; at most {longest} are read")
    return value


def reference(name: str, value: str) -> str:
    """Return the id or path of a track; an empty one is refused."""
    if not value.strip():
        raise InvalidInputError(f"{name} is empty: give a track id, the beginning of one, or an absolute path")
    if "\0" in value:
        raise InvalidInputError(f"{name} holds a NUL: that is no id and no path")
    return bounded(name, value, longest=LONGEST_PATH)


def absolute_path(name: str, value: str) -> Path:
    """Return an absolute path; the daemon's own working directory means nothing to a client."""
    path = Path(reference(name, value))
    if not path.is_absolute():
        raise InvalidInputError(f"{name}: {value[:200]!r} is no absolute path")
    return path


def choice(name: str, value: str, kind: type[E], *, default: E) -> E:
    """Return a member of an enum by its text, `default` for an empty one."""
    if not value:
        return default
    try:
        return kind(value)
    except ValueError as error:
        known = ", ".join(member.value for member in kind)
        raise InvalidInputError(f"{name}: {value[:80]!r} is none of {known}") from error


def track_filter(wanted: track_pb2.TrackFilter) -> TrackFilter:
    """Return the filter; an open end of a range is far outside everything real."""
    camelot = [bounded("camelot", code) for code in wanted.camelot[:100]]
    keys = [parse_key(code) for code in camelot]
    for code, key in zip(camelot, keys, strict=True):
        if key is None:
            raise InvalidInputError(f"camelot: {code[:80]!r} is no key; write it like 8A")
    return TrackFilter(
        text=bounded("text", wanted.text),
        tempo_bpm=_range(wanted, "tempo_from_bpm", "tempo_to_bpm", (0.0, _FASTEST_BPM)),
        camelot=frozenset(key.camelot for key in keys if key is not None),
        energy=_integers(_range(wanted, "energy_from", "energy_to", (0, _LOUDEST_ENERGY))),
        genre=bounded("genre", wanted.genre) if wanted.HasField("genre") else None,
        year=_integers(_range(wanted, "year_from", "year_to", (0, _LAST_YEAR))),
        rating_at_least=wanted.rating_at_least if wanted.HasField("rating_at_least") else None,
        playlist=bounded("playlist", wanted.playlist) if wanted.HasField("playlist") else None,
        analysed=wanted.analysed if wanted.HasField("analysed") else None,
        tempo_octaves=wanted.tempo_octaves,
        mixes_with=bounded("mixes_with", wanted.mixes_with) if wanted.HasField("mixes_with") else None,
        not_played_since_s=_finite("not_played_since_s", wanted.not_played_since_s)
        if wanted.HasField("not_played_since_s")
        else None,
        instrumental=wanted.instrumental if wanted.HasField("instrumental") else None,
        not_genres=frozenset(bounded("not_genres", name) for name in wanted.not_genres[:100]),
        without_words=tuple(bounded("without_words", words) for words in wanted.without_words[:100]),
    )


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise InvalidInputError(f"{name}: {value} is no time")
    return value


def _range(wanted: Message, begin: str, end: str, widest: tuple[float, float]) -> tuple[float, float] | None:
    if not wanted.HasField(begin) and not wanted.HasField(end):
        return None
    low = getattr(wanted, begin) if wanted.HasField(begin) else widest[0]
    high = getattr(wanted, end) if wanted.HasField(end) else widest[1]
    if not (math.isfinite(low) and math.isfinite(high)) or low > high:
        raise InvalidInputError(f"{begin} {low:g} to {end} {high:g} is no range")
    return low, high


def _integers(bounds: tuple[float, float] | None) -> tuple[int, int] | None:
    return None if bounds is None else (int(bounds[0]), int(bounds[1]))


def page_token(question: Message, offset: int | None) -> str:
    """Return the opaque token of the page that begins at `offset`; empty for None, the end.

    Args:
        question: The request without its page token and page size: a token fits this question only.
        offset: Items before the page.
    """
    if offset is None:
        return ""
    raw = offset.to_bytes(6, "big") + _mark(question)
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def page_offset(question: Message, token: str) -> int:
    """Return where the page of a token begins; 0 for an empty one.

    Raises:
        InvalidInputError: It was not given out for this question.
    """
    if not token:
        return 0
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise InvalidInputError(_FOREIGN_TOKEN) from error
    if len(raw) != 14 or raw[6:] != _mark(question):
        raise InvalidInputError(_FOREIGN_TOKEN)
    return min(int.from_bytes(raw[:6], "big"), 2**31)


_FOREIGN_TOKEN: Final = "page_token was not given out for this question: begin with an empty one"  # noqa: S105


def _mark(question: Message) -> bytes:
    return hashlib.blake2b(question.SerializeToString(deterministic=True), digest_size=8).digest()
