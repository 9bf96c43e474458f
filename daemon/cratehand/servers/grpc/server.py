"""The gRPC server: starts, answers with the services of `cratehand_api.v1`, stops within two seconds."""

import asyncio
import contextlib
import logging
from typing import Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from cratehand.servers.grpc.authorization import TokenGuard
from cratehand.servers.grpc.calls import CallRules
from cratehand.servers.grpc.daemon import DaemonService
from cratehand.servers.grpc.drums import DrumsService
from cratehand.servers.grpc.events import EventsService
from cratehand.servers.grpc.export import ExportService
from cratehand.servers.grpc.jobs import JobsService
from cratehand.servers.grpc.library import LibraryService
from cratehand.servers.grpc.search import SearchService
from cratehand.servers.grpc.stems import StemsService
from cratehand.servers.grpc.upgrades import UpgradesService
from cratehand.servers.listening import Listener, bind_error, reachable_address
from cratehand.usecases.use_cases import UseCases
from cratehand_api.v1 import (
    daemon_pb2,
    daemon_pb2_grpc,
    drums_pb2,
    drums_pb2_grpc,
    events_pb2,
    events_pb2_grpc,
    export_pb2,
    export_pb2_grpc,
    jobs_pb2,
    jobs_pb2_grpc,
    library_pb2,
    library_pb2_grpc,
    search_pb2,
    search_pb2_grpc,
    stems_pb2,
    stems_pb2_grpc,
    upgrades_pb2,
    upgrades_pb2_grpc,
)

logger = logging.getLogger(__name__)

_MODULES: Final = (
    daemon_pb2, drums_pb2, events_pb2, export_pb2, jobs_pb2, library_pb2, search_pb2, stems_pb2, upgrades_pb2,
)  # fmt: skip
SERVICES: Final = tuple(
    service.full_name for module in _MODULES for service in module.DESCRIPTOR.services_by_name.values()
)
"""Full names of the services that have something behind them."""

_OPTIONS: Final = (
    # Two daemons on one port would each get some of the calls; the second has to be told.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 1024 * 1024),
    ("grpc.max_send_message_length", 32 * 1024 * 1024),
    ("grpc.max_concurrent_streams", 100),
    # A client that vanished or was stopped is noticed, and its streams are freed.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)
_CALLS: Final = 256
"""Calls at the same time, of all clients together; the next one gets RESOURCE_EXHAUSTED."""
_GRACE_S: Final = 1.0


class GrpcServer:
    """Serves while its context is open.

    Args:
        use_cases: What the services call.
        host: Name or address to listen on; anything but loopback is for the user to ask for.
        port: 0 picks a free one.
        token: What callers have to show; not empty.
    """

    def __init__(self, use_cases: UseCases, *, host: str = "127.0.0.1", port: int = 0, token: str) -> None:
        self._use_cases = use_cases
        self._listener = Listener(server="gRPC", host=host, port=port, kind="tcp", setting="grpc_port")
        self._guard = TokenGuard(token)
        self._rules = CallRules()
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]  # the package has no types
        self._server: grpc.aio.Server | None = None
        self._port = 0

    @property
    def address(self) -> str:
        """``HOST:PORT`` for clients on this computer, e.g. ``127.0.0.1:50551``."""
        return reachable_address(self._listener.host, self._port)

    @property
    def port(self) -> int:
        """The port it listens on; 0 before it does."""
        return self._port

    @property
    def open_streams(self) -> int:
        """How many streams clients have open now."""
        return self._rules.open_streams

    async def __aenter__(self) -> "GrpcServer":
        """Listen.

        Raises:
            ConflictError: The port is taken.
            InvalidInputError: No such host here, or a port the system keeps.
        """
        server = grpc.aio.server(
            interceptors=(self._guard, self._rules), options=_OPTIONS, maximum_concurrent_rpcs=_CALLS
        )
        self._add_services(server)
        host = f"[{self._listener.host}]" if ":" in self._listener.host else self._listener.host
        try:
            self._port = server.add_insecure_port(f"{host}:{self._listener.port}")
        except RuntimeError as error:
            await server.stop(None)
            raise await asyncio.to_thread(bind_error, self._listener) from error
        await server.start()
        for name in SERVICES:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        self._server = server
        logger.info("gRPC listens on %s", self.address)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop: streams end at once, other calls have a second to end."""
        assert self._server is not None
        with contextlib.suppress(TimeoutError):
            # A watcher of the health service that does not read would hold this up.
            await asyncio.wait_for(self._health.enter_graceful_shutdown(), 0.2)
        self._rules.end_streams()
        await self._server.stop(_GRACE_S)
        self._server = None

    def _add_services(self, server: grpc.aio.Server) -> None:
        library_pb2_grpc.add_LibraryServicer_to_server(LibraryService(self._use_cases), server)
        search_pb2_grpc.add_SearchServicer_to_server(SearchService(self._use_cases), server)
        jobs_pb2_grpc.add_JobsServicer_to_server(JobsService(self._use_cases), server)
        stems_pb2_grpc.add_StemsServicer_to_server(StemsService(self._use_cases), server)
        drums_pb2_grpc.add_DrumsServicer_to_server(DrumsService(self._use_cases), server)
        export_pb2_grpc.add_ExportServicer_to_server(ExportService(self._use_cases), server)
        events_pb2_grpc.add_EventsServicer_to_server(EventsService(self._use_cases.bus), server)
        daemon_pb2_grpc.add_DaemonServicer_to_server(DaemonService(self._use_cases), server)
        upgrades_pb2_grpc.add_UpgradesServicer_to_server(UpgradesService(self._use_cases), server)
        # These two packages have no types.
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)  # type: ignore[no-untyped-call]
        names = (*SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, server)  # type: ignore[no-untyped-call]
