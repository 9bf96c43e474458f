"""Everybody hears everything in order; nobody holds up the others."""

import asyncio
import threading

from cratehand.domain.events import QuietChanged
from cratehand.usecases.event_bus import EventBus, Numbered


def event(number: int) -> QuietChanged:
    return QuietChanged(quiet=True, reason=str(number))


async def take(bus: EventBus, count: int, ready: asyncio.Event) -> list[Numbered]:
    heard: list[Numbered] = []
    with bus.subscribe() as subscription:
        ready.set()
        async for numbered in subscription:
            heard.append(numbered)
            if len(heard) == count:
                return heard
    return heard


async def test_events_of_another_thread_arrive_in_order_with_numbers() -> None:
    bus, ready = EventBus(), asyncio.Event()
    bus.bind(asyncio.get_running_loop())
    listening = asyncio.create_task(take(bus, 100, ready))
    await ready.wait()
    thread = threading.Thread(target=lambda: [bus.publish(event(number)) for number in range(100)])
    thread.start()
    heard = await asyncio.wait_for(listening, 5)
    thread.join()
    assert [numbered.sequence for numbered in heard] == list(range(1, 101))
    assert [numbered.event for numbered in heard] == [event(number) for number in range(100)]


async def test_a_listener_that_sleeps_sees_a_gap_and_memory_stays_bounded() -> None:
    bus = EventBus()
    bus.bind(asyncio.get_running_loop())
    with bus.subscribe() as subscription:
        for number in range(10_000):
            bus.publish(event(number))
        while bus.last_sequence < 10_000:
            await asyncio.sleep(0)
        first = await anext(aiter(subscription))
    assert first.sequence == 10_000 - 4096 + 1


def test_publishing_without_a_loop_is_no_error() -> None:
    EventBus().publish(event(1))
