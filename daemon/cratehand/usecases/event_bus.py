"""Typed publish and subscribe inside the process."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from cratehand.domain.events import Event

_AT_ONCE: Final = 200
_KEPT: Final = 4096
"""Events kept for a subscriber that does not listen; then the oldest go."""

Publish = Callable[[Event], None]
"""What a use case needs of the bus."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """An event with its place in the daemon's life; a gap means that a slow listener missed some."""

    sequence: int
    event: Event


@dataclass(slots=True, eq=False)
class Subscription:
    """One listener's queue; iterate over it."""

    _waiting: deque[Numbered] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, numbered: Numbered) -> None:
        """Take one event; the oldest is dropped where nobody listens."""
        self._waiting.append(numbered)
        self._news.set()

    async def __aiter__(self) -> AsyncIterator[Numbered]:
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            self._news.clear()
            await self._news.wait()


class EventBus:
    """Hands every event to every subscriber, in order; a slow one never holds up the others."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._published: deque[Event] = deque()
        self._is_woken = False
        self._subscriptions: set[Subscription] = set()
        self._sequence = 0

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the loop on which subscribers live; before that events go nowhere."""
        self._loop = loop

    def publish(self, event: Event) -> None:
        """Tell everybody; may be called from any thread and returns at once."""
        if self._loop is not None and not self._loop.is_closed():
            self._published.append(event)
            # Waking the loop for each of fifty thousand events would take longer than delivering them.
            if not self._is_woken:
                self._is_woken = True
                self._loop.call_soon_threadsafe(self._deliver)

    @contextmanager
    def subscribe(self) -> Iterator[Subscription]:
        """Listen for the length of the block."""
        subscription = Subscription()
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)

    @property
    def last_sequence(self) -> int:
        """Number of the latest event; 0 before the first."""
        return self._sequence

    def _deliver(self) -> None:
        # What is published from now on wakes the loop again, even if it is delivered in this round already.
        self._is_woken = False
        for _ in range(min(len(self._published), _AT_ONCE)):
            self._sequence += 1
            numbered = Numbered(sequence=self._sequence, event=self._published.popleft())
            for subscription in self._subscriptions:
                subscription.put(numbered)
        if self._published and self._loop is not None:
            # The others on the loop have their turn, and subscribers take what they got.
            self._loop.call_soon(self._deliver)
