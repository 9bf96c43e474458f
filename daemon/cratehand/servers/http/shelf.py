"""What waits to be fetched: few things, for a short time, each under a secret."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from cratehand.domain.errors import InvalidInputError
from cratehand.domain.ports import Clock

_TOKEN_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfLimits:
    """How much waits at most; beyond it the oldest goes."""

    items: int = 256
    total_bytes: int = 64 * 1024 * 1024
    age_s: float = 30.0
    fetches: int = 3
    """How often one thing can be fetched: once, and again where an answer got lost."""


@dataclass(slots=True, kw_only=True)
class Offer:
    """One thing that waits."""

    body: bytes
    content_type: str
    offered_s: float
    fetches_left: int


class Shelf:
    """A bounded store by token. Used on the event loop only."""

    def __init__(self, *, clock: Clock, limits: ShelfLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._offers: OrderedDict[str, Offer] = OrderedDict()
        self._held_bytes = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of all that waits."""
        return self._held_bytes

    def __len__(self) -> int:
        return len(self._offers)

    def put(self, body: bytes, *, content_type: str, token: str) -> None:
        """Let `body` wait under `token`, in place of what waited there.

        Raises:
            InvalidInputError: It is larger than all that may wait together.
        """
        if len(body) > self._limits.total_bytes:
            most = self._limits.total_bytes
            raise InvalidInputError(f"an answer of {len(body)} bytes is too large, at most {most}: ask for less")
        self._drop(token)
        now_s = self._clock.monotonic_s()
        self._offers[token] = Offer(
            body=body, content_type=content_type, offered_s=now_s, fetches_left=self._limits.fetches
        )
        self._held_bytes += len(body)
        self.tidy()

    def take(self, token: str) -> Offer | None:
        """Return what waits under a token; None where nothing does, or does no more."""
        self.tidy()
        offer = self._offers.get(token)
        if offer is not None:
            offer.fetches_left -= 1
            if offer.fetches_left <= 0:
                self._drop(token)
        return offer

    def tidy(self) -> None:
        """Let go of what is too old or too much."""
        oldest_s = self._clock.monotonic_s() - self._limits.age_s
        while self._offers:
            token, offer = next(iter(self._offers.items()))
            crowded = len(self._offers) > self._limits.items or self._held_bytes > self._limits.total_bytes
            if offer.offered_s >= oldest_s and not crowded:
                return
            self._drop(token)

    def clear(self) -> None:
        """Let go of everything."""
        self._offers.clear()
        self._held_bytes = 0

    def _drop(self, token: str) -> None:
        if (offer := self._offers.pop(token, None)) is not None:
            self._held_bytes -= len(offer.body)


def new_token() -> str:
    """Return a secret of 128 random bits, 22 characters of A-Z a-z 0-9 - and _."""
    return secrets.token_urlsafe(_TOKEN_BYTES)
