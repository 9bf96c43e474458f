"""Excerpts stand evenly over a track whatever its length and however it is fed."""

import numpy as np
import pytest

from cratehand.analysis.analysis_rate import ANALYSIS_RATE_HZ
from cratehand.analysis.excerpts import EXCERPT_S, ExcerptStream
from cratehand.domain.audio import Samples

FRAMES = int(EXCERPT_S * ANALYSIS_RATE_HZ)


def counting(seconds: float) -> Samples:
    """Return samples that say at which excerpt they stand: 1.0 in the first three seconds, 2.0 in the next ..."""
    return (np.arange(int(seconds * ANALYSIS_RATE_HZ)) // FRAMES + 1.0).astype(np.float32)


def excerpts_of(mono: Samples, *, block: int = 131_072) -> tuple[Samples, ...]:
    stream = ExcerptStream()
    for start in range(0, len(mono), block):
        stream.feed(mono[start : start + block])
    return stream.finish()


def loud(mono: Samples) -> Samples:
    return np.where(mono > 0, 100.0 + mono, 0.0).astype(np.float32)


@pytest.mark.parametrize(("seconds", "count", "step"), [(90, 8, 4), (180, 15, 4), (300, 13, 8), (3600, 10, 128)])
def test_the_excerpts_are_few_and_evenly_spread(seconds: float, count: int, step: int) -> None:
    found = excerpts_of(loud(counting(seconds)))
    places = [float(each[0, 0]) - 101.0 for each in found]
    assert len(found) == count
    assert places == [step * number for number in range(count)]
    assert all(each.shape == (1, FRAMES) for each in found)


def test_the_sizes_of_the_blocks_change_nothing() -> None:
    mono = np.random.default_rng(5).uniform(-0.5, 0.5, ANALYSIS_RATE_HZ * 40).astype(np.float32)
    for one, other in zip(excerpts_of(mono), excerpts_of(mono, block=7_777), strict=True):
        np.testing.assert_array_equal(one, other)


def test_pauses_are_left_out_and_silence_has_none() -> None:
    mono = np.full(ANALYSIS_RATE_HZ * 60, 0.5, dtype=np.float32)
    mono[: ANALYSIS_RATE_HZ * 20] = 0.001
    assert len(excerpts_of(mono)) == 3
    assert excerpts_of(np.zeros(ANALYSIS_RATE_HZ * 30, dtype=np.float32)) == ()
    assert excerpts_of(np.zeros(0, dtype=np.float32)) == ()


def test_one_second_is_one_short_excerpt() -> None:
    [found] = excerpts_of(np.full(ANALYSIS_RATE_HZ, 0.5, dtype=np.float32))
    assert found.shape == (1, ANALYSIS_RATE_HZ)
