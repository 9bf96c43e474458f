"""TrackIDs: the numbers by which a file's playlists name its tracks."""

import hashlib
from collections.abc import Iterable

from cratehand.domain.ids import ForeignId

_LARGEST_FOREIGN = 2**32 - 1
_MOST_DIGITS = 10


def assign_numbers(ids: Iterable[ForeignId]) -> dict[ForeignId, int]:
    """Give every track the same number in every export.

    An id that is a Rekordbox content id (a number of 32 bits) is taken as it is. Any other gets 31 bits of its SHA-256;
    where two of one file collide, the later in the order of the ids gets the next digest, so that the order of the
    tracks does not matter.

    Args:
        ids: Ids of the tracks of one file; a repeated id counts once.
    """
    distinct = dict.fromkeys(ids)
    numbers: dict[ForeignId, int] = {}
    taken: set[int] = set()
    for foreign_id in sorted(distinct, key=lambda each: (len(each), each)):
        own = _foreign_number(foreign_id)
        if own is not None and own not in taken:
            numbers[foreign_id] = own
            taken.add(own)
    for foreign_id in sorted(distinct.keys() - numbers.keys()):
        attempt = 0
        while (derived := _derived_number(foreign_id, attempt)) in taken or derived == 0:
            attempt += 1
        numbers[foreign_id] = derived
        taken.add(derived)
    return numbers


def _foreign_number(foreign_id: str) -> int | None:
    if not (foreign_id.isascii() and foreign_id.isdigit() and len(foreign_id) <= _MOST_DIGITS):
        return None
    number = int(foreign_id)
    return number if 0 < number <= _LARGEST_FOREIGN else None


def _derived_number(foreign_id: str, attempt: int) -> int:
    text = foreign_id if attempt == 0 else f"{foreign_id}\n{attempt}"
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:4], "big") >> 1
