"""Chores are done at their intervals, whatever the clock of the computer does."""

import asyncio
import time

from cratehand.app.schedule import Chore, Schedule
from tests.fakes.clock import HandWoundClock

YEAR_S = 365 * 24 * 3600.0


async def test_chores_are_done_again_and_again() -> None:
    done: list[str] = []

    async def sweep() -> None:
        done.append("sweep")

    async with Schedule((Chore(name="sweep", every_s=0.1, do=sweep),), clock=now()):
        async with asyncio.timeout(5):
            while len(done) < 3:
                await asyncio.sleep(0.02)


async def test_a_clock_that_was_put_back_by_a_year_delays_nothing() -> None:
    clock = now(ahead_s=YEAR_S)
    async with Schedule((Chore(name="sweep", every_s=60.0, do=nothing),), clock=clock) as schedule:
        assert not schedule.look_at_clock()
        clock.wall_s -= YEAR_S
        assert schedule.look_at_clock()
        assert 0.0 < schedule.waits_s()["sweep"] <= 61.0
        assert not schedule.look_at_clock(), "one jump is one jump"


async def test_time_that_only_passes_is_no_jump() -> None:
    clock = now()
    async with Schedule((Chore(name="sweep", every_s=60.0, do=nothing),), clock=clock) as schedule:
        clock.wind(1000.0)
        assert not schedule.look_at_clock()
        clock.wall_s += 5.0
        assert not schedule.look_at_clock()


async def nothing() -> None: ...


def now(*, ahead_s: float = 0.0) -> HandWoundClock:
    return HandWoundClock(now_s=time.time() + ahead_s)
