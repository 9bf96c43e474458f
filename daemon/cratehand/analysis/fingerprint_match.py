"""Chromaprint fingerprints against each other: read, compared at the best shift, sampled for an index.

The compressed form is that of acoustid/chromaprint (``src/fingerprint_compressor.cpp``): a byte for the algorithm,
three for the number of items, then for each item the distances of its set bits to each other, 3 bits each with
exceptions of 5 bits behind them all; every item is the exclusive or with the one before.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.errors import InvalidInputError

ITEM_S: Final = 1365 / 11025
"""Distance of two items: a third of a frame of 4096 samples at 11,025 Hz."""
_WINDOW_ITEMS: Final = round(8.0 / ITEM_S)
_FEWEST_ITEMS: Final = 16
_LARGEST_SHIFT_S: Final = 40.0
_MIXER: Final = np.uint32(2_654_435_761)
"""Knuth's multiplicative hash: which items are kept depends on their value alone, so both sides keep the same."""

Codes = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, kw_only=True)
class FingerprintMatch:
    """How alike two fingerprints are where they fit best."""

    ber: float
    """Share of differing bits, 0..1; 0.5 is chance."""
    worst_window_ber: float
    """The same in the worst eight seconds."""
    shift_s: float
    """By how much the second one lies later."""


def read_fingerprint(text: str) -> Codes:
    """Return the items of a Chromaprint in its compressed base64 form, uint32 ``(items,)``.

    Raises:
        InvalidInputError: It is no such text.
    """
    try:
        raw = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError(f"no fingerprint: {text[:20]!r} is not base64; analyse the file again") from error
    items = int.from_bytes(raw[1:4], "big") if len(raw) >= 4 else 0
    bits = np.unpackbits(np.frombuffer(raw, dtype=np.uint8)[4:], bitorder="little")
    triples = bits[: bits.size // 3 * 3].reshape(-1, 3) @ np.array([1, 2, 4], dtype=np.uint8)
    ends = np.flatnonzero(triples == 0)
    if items == 0 or ends.size < items:
        raise InvalidInputError(f"no fingerprint: {text[:20]!r} ends early; analyse the file again")
    steps = triples[: ends[items - 1] + 1].astype(np.int64)
    large = np.flatnonzero(steps == 7)
    start = (3 * steps.size + 7) // 8 * 8
    exceptions = bits[start : start + 5 * large.size]
    if exceptions.size < 5 * large.size:
        raise InvalidInputError(f"no fingerprint: {text[:20]!r} ends early; analyse the file again")
    steps[large] += exceptions.reshape(-1, 5).astype(np.int64) @ np.array([1, 2, 4, 8, 16])
    return _items(steps, ends[:items])


def _items(steps: npt.NDArray[np.int64], ends: npt.NDArray[np.intp]) -> Codes:
    summed = np.cumsum(steps)
    row = np.zeros(steps.size, dtype=np.intp)
    row[ends[:-1] + 1] = 1
    row = np.cumsum(row)
    before = np.concatenate([[0], summed[ends[:-1]]])
    places = summed - before[row] - 1
    counted = steps > 0
    if places[counted].max(initial=0) > 31:
        raise InvalidInputError("no fingerprint: an item has more than 32 bits; analyse the file again")
    # Each bit of an item comes once, so the sum is the union; float64 holds 32 bits exactly.
    values = np.bincount(row[counted], weights=np.exp2(places[counted]), minlength=ends.size)
    items: Codes = np.bitwise_xor.accumulate(values.astype(np.uint32))
    return items


def match_fingerprints(one: Codes, other: Codes) -> FingerprintMatch | None:
    """Compare at every shift up to 40 s either way; None where one is too short to say anything (about 2 s)."""
    if min(one.size, other.size) < _FEWEST_ITEMS:
        return None
    reach = round(_LARGEST_SHIFT_S / ITEM_S)
    # At least half of the shorter one has to overlap.
    needed = max(_FEWEST_ITEMS, min(one.size, other.size) // 2)
    best: tuple[float, int] = (1.0, 0)
    for shift in range(max(-reach, needed - one.size), min(reach, other.size - needed) + 1):
        wrong = _wrong_bits(one, other, shift)
        if wrong.size >= needed:
            best = min(best, (float(wrong.mean()) / 32.0, shift))
    wrong = _wrong_bits(one, other, best[1])
    window = min(_WINDOW_ITEMS, wrong.size)
    means = np.convolve(wrong, np.ones(window), mode="valid") / (32.0 * window)
    return FingerprintMatch(ber=best[0], worst_window_ber=float(means.max()), shift_s=best[1] * ITEM_S)


def _wrong_bits(one: Codes, other: Codes, shift: int) -> npt.NDArray[np.uint8]:
    first, second = (one, other[shift:]) if shift >= 0 else (one[-shift:], other)
    common = min(first.size, second.size)
    wrong: npt.NDArray[np.uint8] = np.bitwise_count(first[:common] ^ second[:common])
    return wrong


def sample_items(items: Codes) -> tuple[Codes, npt.NDArray[np.intp]]:
    """Return the items that an index keeps, and their places: about one of eight, chosen by value."""
    chosen = np.flatnonzero((items * _MIXER) >> np.uint32(32 - 3) == 0)
    return items[chosen], chosen
