"""Clients of the servers: a gRPC channel that shows the token, and a device that speaks OSC."""

import asyncio
from typing import Any

import grpc
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from tests.api.house import TOKEN

OPTIONS = (("grpc.enable_http_proxy", 0),)
SHOWN = (("authorization", f"Bearer {TOKEN}"),)


def channel(address: str) -> grpc.aio.Channel:
    """Open a channel that shows nothing by itself; pass ``metadata=SHOWN``."""
    return grpc.aio.insecure_channel(address, options=OPTIONS)


class Device(asyncio.DatagramProtocol):
    """A Live device: one socket, both source and reply port; keeps what it hears."""

    def __init__(self, server_port: int, *, instance: str = "device-1") -> None:
        self.server = ("127.0.0.1", server_port)
        self.instance = instance
        self.heard: asyncio.Queue[tuple[str, list[Any]]] = asyncio.Queue()
        self.session = 0
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        assert len(data) <= 1200
        message = OscMessage(data)
        self.heard.put_nowait((message.address, message.params))

    async def __aenter__(self) -> "Device":
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    @property
    def port(self) -> int:
        return int(self._transport.get_extra_info("sockname")[1])

    def send_raw(self, datagram: bytes) -> None:
        self._transport.sendto(datagram, self.server)

    def send(self, path: str, *values: Any) -> None:
        self.send_raw(datagram(path, *values))

    async def hear(self, *, timeout_s: float = 5.0) -> tuple[str, list[Any]]:
        return await asyncio.wait_for(self.heard.get(), timeout_s)

    async def hears_nothing(self, *, for_s: float = 0.15) -> bool:
        await asyncio.sleep(for_s)
        return self.heard.empty()

    async def hello(self, *, reply_port: int | None = None, capabilities: str = "") -> list[Any]:
        port = self.port if reply_port is None else reply_port
        self.send("/cratehand/hello", 1, "1.0", self.instance, port, "9.0", "12.2", capabilities)
        path, values = await self.hear()
        assert path == "/cratehand/welcome", (path, values)
        self.session = values[1]
        return values

    async def ask(self, path: str, request: int, *values: Any) -> tuple[str, list[Any]]:
        self.send(path, self.session, request, *values)
        return await self.hear()

    async def ask_in_vain(self, path: str, request: int, *values: Any) -> tuple[str, list[Any]]:
        """Ask for what can't be done; on a slow machine an ack after 100 ms comes before the err."""
        answer = await self.ask(path, request, *values)
        return await self.hear() if answer[0] == "/cratehand/ack" else answer


def datagram(path: str, *values: Any) -> bytes:
    """Build one OSC message."""
    builder = OscMessageBuilder(address=path)
    for value in values:
        builder.add_arg(value)
    return bytes(builder.build().dgram)
