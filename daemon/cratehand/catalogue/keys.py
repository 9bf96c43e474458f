"""Track ids outside, integer keys inside: the same 64 bits in the same order."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

from cratehand.domain.errors import NotFoundError
from cratehand.domain.ids import TrackId

T = TypeVar("T")

_ID: Final = re.compile(r"[0-9a-f]{16}")
_BIAS: Final = 1 << 63

CHUNK: Final = 500
"""How many values one statement names at most; older SQLite takes 999."""


def find_key(track_id: TrackId) -> int | None:
    """Return the key of an id; None for a text that is no id and so names no track."""
    return int(track_id, 16) - _BIAS if _ID.fullmatch(track_id) else None


def key_of(track_id: TrackId) -> int:
    """Return the key of an id; raises `NotFoundError` for a text that is no id."""
    key = find_key(track_id)
    if key is None:
        raise NotFoundError(f"{track_id!r} is no track id: 16 hex digits are")
    return key


def keys_of(track_ids: Iterable[TrackId]) -> list[int]:
    """Return the keys of those texts that are ids."""
    return [key for track_id in track_ids if (key := find_key(track_id)) is not None]


def id_of(key: int) -> TrackId:
    """Return the id of a key."""
    return TrackId(f"{key + _BIAS:016x}")


def prefix_range(prefix: str) -> tuple[int, int] | None:
    """Return the first and last key whose id begins so; None where no id can."""
    lowered = prefix.lower()
    first, last = lowered.ljust(16, "0"), lowered.ljust(16, "f")
    if not (_ID.fullmatch(first) and _ID.fullmatch(last)):
        return None
    return int(first, 16) - _BIAS, int(last, 16) - _BIAS


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Yield the values in pieces of at most `size`."""
    rest = iter(values)
    while piece := list(islice(rest, size)):
        yield piece
