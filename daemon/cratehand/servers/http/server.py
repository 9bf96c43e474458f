"""Bulk for the Live device: what is too large for OSC is fetched here by a short-lived token."""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from cratehand.domain.ports import Clock
from cratehand.servers.http.shelf import Shelf, ShelfLimits, new_token
from cratehand.servers.listening import Listener, bind_error, reachable_address

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_TIDY_S: Final = 5.0
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class HttpServer:
    """Serves ``GET /m4l/TOKEN`` while its context is open; everything else is 404.

    The token is the permission: 128 random bits, known to whom it was sent, good for three fetches within 30 s. There
    is nothing else here, so there is no other login. A request whose Host header is a foreign name is refused, which
    keeps web pages out that point their own name at this computer.

    Args:
        host: Name or address to listen on.
        port: 0 picks a free one.
        clock: Tells the age of what waits.
        limits: How much waits at most.
    """

    def __init__(
        self, *, host: str = "127.0.0.1", port: int = 0, clock: Clock, limits: ShelfLimits | None = None
    ) -> None:
        self._listener = Listener(server="HTTP", host=host, port=port, kind="tcp", setting="http_port")
        self._shelf = Shelf(clock=clock, limits=limits or ShelfLimits())
        self._runner: web.AppRunner | None = None
        self._tidying: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """``http://HOST:PORT`` for clients on this computer."""
        return f"http://{reachable_address(self._listener.host, self._port)}"

    @property
    def port(self) -> int:
        """The port it listens on; 0 before it does."""
        return self._port

    async def __aenter__(self) -> "HttpServer":
        """Listen.

        Raises:
            ConflictError: The port is taken.
            InvalidInputError: No such host here, or a port the system keeps.
        """
        application = web.Application(middlewares=[self._check_host], client_max_size=1024)
        application.router.add_get("/m4l/{token}", self._fetch, allow_head=False)
        runner = web.AppRunner(application, access_log=None, keepalive_timeout=15.0, shutdown_timeout=0.5)
        await runner.setup()
        site = web.TCPSite(runner, self._listener.host, self._listener.port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise await asyncio.to_thread(bind_error, self._listener, error) from error
        self._port = runner.addresses[0][1]
        self._runner = runner
        self._tidying = asyncio.create_task(self._tidy(), name="http: tidy")
        logger.info("HTTP listens on %s", self.address)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop within a second; what waits is forgotten."""
        assert self._runner is not None
        assert self._tidying is not None
        self._tidying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._tidying
        await self._runner.cleanup()
        self._shelf.clear()

    def offer(self, body: bytes, *, content_type: str = "application/json", token: str | None = None) -> str:
        """Let `body` wait to be fetched; call on the event loop.

        Args:
            body: What is sent.
            content_type: Its media type.
            token: One made by `new_token` before, what waited under it goes; a new one where absent.

        Returns:
            The token: the path is ``/m4l/TOKEN``.

        Raises:
            InvalidInputError: It is too large.
        """
        token = token or new_token()
        self._shelf.put(body, content_type=content_type, token=token)
        return token

    async def _fetch(self, request: web.Request) -> web.Response:
        offer = self._shelf.take(request.match_info["token"])
        if offer is None:
            return web.Response(status=404, text="nothing waits here (any more): ask again\n", headers=_HEADERS)
        return web.Response(body=offer.body, content_type=offer.content_type, headers=_HEADERS)

    @web.middleware
    async def _check_host(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        # Not request.host: without the header that would ask the name service, and wait for it.
        if not _is_address(request.headers.get("Host", ""), self._listener.host):
            return web.Response(status=421, text="this server is reached by its address only\n", headers=_HEADERS)
        return await handler(request)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_S)
            self._shelf.tidy()


def _is_address(host_header: str, own_host: str) -> bool:
    """Whether a Host header is an address, ``localhost``, or the name that the settings give."""
    name = host_header.rpartition("]")[0].removeprefix("[") if "]" in host_header else host_header.partition(":")[0]
    if name.lower() in {"localhost", own_host.lower()}:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
