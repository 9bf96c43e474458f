"""Fingerprints read, compared and sampled."""

import base64

import numpy as np
import pytest

from cratehand.analysis.fingerprint_match import (
    ITEM_S,
    Codes,
    match_fingerprints,
    read_fingerprint,
    sample_items,
)
from cratehand.domain.errors import InvalidInputError


def packed(items: Codes) -> str:
    """Write items as Chromaprint does: distances of set bits, 3 bits each, exceptions of 5 behind them."""
    normal: list[int] = []
    exceptions: list[int] = []
    before = 0
    for item in items.tolist():
        last = 0
        for place in (place for place in range(32) if (item ^ before) >> place & 1):
            distance, last = place + 1 - last, place + 1
            normal.append(min(distance, 7))
            if distance >= 7:
                exceptions.append(distance - 7)
        normal.append(0)
        before = item
    bits = [_bits(normal, 3), _bits(exceptions, 5)]
    body = b"".join(np.packbits(np.array(part, dtype=np.uint8), bitorder="little").tobytes() for part in bits)
    return base64.urlsafe_b64encode(b"\x01" + len(items).to_bytes(3, "big") + body).rstrip(b"=").decode()


def _bits(values: list[int], width: int) -> list[int]:
    return [value >> place & 1 for value in values for place in range(width)]


def random_items(count: int, seed: int = 1) -> Codes:
    return np.random.default_rng(seed).integers(0, 1 << 32, count, dtype=np.uint32)


def test_a_fingerprint_comes_back_as_it_was_written() -> None:
    items = np.concatenate([random_items(500), np.array([0, 0, 1, 1 << 31, (1 << 32) - 1], np.uint32)])
    assert read_fingerprint(packed(items)).tolist() == items.tolist()


@pytest.mark.parametrize("text", ["", "no fingerprint!", "AQAB", packed(random_items(50))[:60]])
def test_what_is_no_fingerprint_is_one_clear_error(text: str) -> None:
    with pytest.raises(InvalidInputError, match="no fingerprint"):
        read_fingerprint(text)


def test_the_best_shift_is_found_with_its_errors() -> None:
    items = random_items(400)
    noisy = items.copy()
    noisy[100:110] ^= np.uint32(0xFFFF)
    found = match_fingerprints(items, np.concatenate([random_items(20, seed=2), noisy]))
    assert found is not None
    assert found.shift_s == pytest.approx(20 * ITEM_S)
    assert found.ber == pytest.approx(10 * 16 / (400 * 32))
    assert found.worst_window_ber == pytest.approx(10 * 16 / (round(8.0 / ITEM_S) * 32))


def test_different_fingerprints_differ_in_half_their_bits() -> None:
    found = match_fingerprints(random_items(900), random_items(900, seed=9))
    assert found is not None
    assert found.ber > 0.4


def test_too_short_fingerprints_say_nothing() -> None:
    assert match_fingerprints(random_items(5), random_items(400)) is None


def test_a_copy_keeps_the_same_items_wherever_it_begins() -> None:
    items = random_items(900)
    kept, places = sample_items(items)
    later, later_places = sample_items(items[7:])
    assert 60 < kept.size < 180
    assert set(later.tolist()) <= set(kept.tolist())
    assert set((later_places + 7).tolist()) <= set(places.tolist())
