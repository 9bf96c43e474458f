"""The times that SQLite gives to changes: hybrid logical time, see `cratehand.domain.hybrid_clock`."""

import sqlite3
import time

from hypothesis import given
from hypothesis import strategies as st

from cratehand.catalogue.noting import STAMP
from cratehand.domain.hybrid_clock import COUNTER_BITS


def stamp_after(latest: int) -> int:
    """Return the time of a change on a device that heard of `latest`."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE capture (stamp INTEGER NOT NULL)")
    connection.execute("INSERT INTO capture VALUES (?)", (latest,))
    stamp = int(connection.execute(f"SELECT {STAMP}").fetchone()[0])
    connection.close()
    return stamp


def wall() -> int:
    return int(time.time() * 1000) << COUNTER_BITS


@given(st.integers(0, (1 << 62) - 1))
def test_what_happens_after_something_is_later_whatever_the_clock_says(latest: int) -> None:
    assert stamp_after(latest) > latest


def test_a_time_is_the_clock_where_that_is_ahead() -> None:
    before = wall() - (2 << COUNTER_BITS)
    assert before <= stamp_after(0) <= wall() + (2 << COUNTER_BITS)


def test_a_time_is_one_tick_after_the_latest_heard_of_where_the_clock_is_behind() -> None:
    tomorrow = wall() + (86_400_000 << COUNTER_BITS)
    assert stamp_after(tomorrow) == tomorrow + 1


def test_more_things_in_a_millisecond_than_the_counter_holds_go_on_into_the_next() -> None:
    full = ((1 << 45) << COUNTER_BITS) - 1
    assert stamp_after(full) == (1 << 45) << COUNTER_BITS


def test_times_fit_64_signed_bits_for_some_thousand_years() -> None:
    year_6000_ms = 4030 * 365 * 86_400_000
    assert year_6000_ms << COUNTER_BITS < 1 << 63
