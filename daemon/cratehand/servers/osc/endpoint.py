"""The UDP socket: what comes in is decoded or counted, what goes out never piles up."""

import asyncio
import logging
import socket
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from cratehand.domain.ports import Clock
from cratehand.servers.listening import Listener
from cratehand.servers.osc.datagrams import MalformedDatagramError, Message, decode
from cratehand.servers.osc.sessions import Place

logger = logging.getLogger(__name__)

RECEIVE_BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Room for what arrives while the loop is busy; systems may grant less."""

_COMPLAIN_EVERY_S: Final = 60.0
_SENDERS_KEPT: Final = 256
_UNSENT_BYTES: Final = 1024 * 1024


def open_socket(listener: Listener) -> socket.socket:
    """Bind a UDP socket that nobody else can share; raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(listener.host, listener.port, type=socket.SOCK_DGRAM)[0]
    opened = socket.socket(family, kind, protocol)
    try:
        _make_room(opened)
        opened.setblocking(False)
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    return opened


def _make_room(opened: socket.socket) -> None:
    wanted = RECEIVE_BUFFER_BYTES
    while wanted >= 65_536:
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, wanted)
        except OSError:
            # macOS refuses what Linux would cut.
            wanted //= 2
        else:
            return


class Endpoint(asyncio.DatagramProtocol):
    """Hands each message to `receive`; malformed datagrams are counted, and told once a minute for each sender."""

    def __init__(self, receive: Callable[[Message, Place], None], *, clock: Clock) -> None:
        self._receive = receive
        self._clock = clock
        self._transport: Any = None
        # An asyncio.DatagramTransport; typeshed lacks its get_write_buffer_size.
        self._complained_s: OrderedDict[str, float] = OrderedDict()
        self._closed = asyncio.Event()
        self.malformed = 0
        """Datagrams that were no message of ours."""
        self.unsent = 0
        """Answers dropped because the system took no more."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._closed.set()

    def error_received(self, exc: Exception) -> None:
        # Nobody listens on a reply port any more; the session ends by its silence.
        logger.debug("a datagram could not be delivered: %s", exc)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        place: Place = (addr[0], addr[1])
        try:
            message = decode(data)
        except MalformedDatagramError as error:
            self.complain(place, len(data), str(error))
        else:
            self._receive(message, place)

    def complain(self, place: Place, size_bytes: int, what: str) -> None:
        """Count a malformed datagram, and log it unless its sender was complained of within the minute."""
        self.malformed += 1
        now_s = self._clock.monotonic_s()
        if now_s - self._complained_s.get(place[0], -_COMPLAIN_EVERY_S) < _COMPLAIN_EVERY_S:
            return
        self._complained_s[place[0]] = now_s
        self._complained_s.move_to_end(place[0])
        while len(self._complained_s) > _SENDERS_KEPT:
            self._complained_s.popitem(last=False)
        logger.warning("OSC from %s port %d ignored, %d bytes: %s", place[0], place[1], size_bytes, what)

    def send(self, datagram: bytes, place: Place) -> None:
        """Send, or drop where the system takes no more; UDP promises nothing either."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > _UNSENT_BYTES:
            self.unsent += 1
            return
        self._transport.sendto(datagram, place)

    async def close(self) -> None:
        """Close the socket; its port is free afterwards."""
        if self._transport is not None:
            self._transport.abort()
            await self._closed.wait()
