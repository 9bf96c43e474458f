"""The running daemon, for verbs that need it."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cratehand.app.cli.invocation import Invocation
from cratehand.app.data_folder import Ready
from cratehand.domain.errors import (
    ConflictError,
    CratehandError,
    InternalError,
    InvalidInputError,
    NotFoundError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)

_TIMEOUT_S: Final = 10.0
_SLOW_TIMEOUT_S: Final = 120.0
_LONGEST_TIMEOUT_S: Final = 600.0
_KINDS: Final[dict[str, type[CratehandError]]] = {
    "NOT_FOUND": NotFoundError,
    "INVALID_ARGUMENT": InvalidInputError,
    "ABORTED": ConflictError,
    "UNAUTHENTICATED": UnauthorizedError,
    "UNAVAILABLE": UnavailableError,
    "RESOURCE_EXHAUSTED": RateLimitedError,
    "UNIMPLEMENTED": UnsupportedError,
    "DEADLINE_EXCEEDED": UnavailableError,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonClient:
    """Stubs of the daemon's services, each asking with the token."""

    ready: Ready
    daemon: Any
    library: Any
    jobs: Any
    events: Any
    upgrades: Any
    timeout_s: float = _TIMEOUT_S
    slow_timeout_s: float = _SLOW_TIMEOUT_S
    """For calls that touch the disk, e.g. adding a folder on a sleeping drive."""
    longest_timeout_s: float = _LONGEST_TIMEOUT_S
    """For calls that copy and compare music."""


def not_running(given: Invocation) -> UnavailableError:
    """Return the error of a verb that needs the daemon where none runs."""
    return UnavailableError(
        f"the daemon isn't running (data folder {given.folder.path}): start it with `cratehand run`, "
        "or for good with `cratehand service install`"
    )


@contextlib.contextmanager
def connected(given: Invocation) -> Iterator[DaemonClient]:
    """Reach the daemon of the data folder.

    Raises:
        UnavailableError: It isn't running.
        CratehandError: What the daemon answered, as the error it stands for.
    """
    ready = given.folder.read_ready()
    if ready is None:
        raise not_running(given)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    import grpc

    from cratehand_api.v1 import daemon_pb2_grpc, events_pb2_grpc, jobs_pb2_grpc, library_pb2_grpc, upgrades_pb2_grpc

    # A proxy of the environment would be asked for our own loopback address.
    channel = grpc.insecure_channel(ready.grpc, options=[("grpc.enable_http_proxy", 0)])
    try:
        channel = grpc.intercept_channel(channel, _with_token(_token(ready)))
        yield DaemonClient(
            ready=ready,
            daemon=daemon_pb2_grpc.DaemonStub(channel),
            library=library_pb2_grpc.LibraryStub(channel),
            jobs=jobs_pb2_grpc.JobsStub(channel),
            events=events_pb2_grpc.EventsStub(channel),
            upgrades=upgrades_pb2_grpc.UpgradesStub(channel),
        )
    except grpc.RpcError as error:
        raise _translated(error, ready) from error
    finally:
        channel.close()


def _token(ready: Ready) -> str:
    try:
        return Path(ready.token_file).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnauthorizedError(
            f"the token {ready.token_file} can not be read: {getattr(error, 'strerror', None) or error}: "
            "run this as the user that runs the daemon"
        ) from error


def _with_token(token: str) -> Any:
    import grpc

    class TokenInterceptor(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
        """Puts the token on every call."""

        def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
            return continuation(self._told(details), request)

        def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
            return continuation(self._told(details), request)

        @staticmethod
        def _told(details: Any) -> Any:
            metadata = [*(details.metadata or ()), ("authorization", f"Bearer {token}")]
            return details._replace(metadata=metadata)

    return TokenInterceptor()


def _translated(error: Any, ready: Ready) -> CratehandError:
    code = error.code().name
    message = error.details() or code
    if code == "UNAVAILABLE" and "connect" in message.lower():
        return UnavailableError(
            f"the daemon (process {ready.pid}) does not answer at {ready.grpc}: `cratehand status` again in a moment, "
            "then restart it"
        )
    if code == "DEADLINE_EXCEEDED":
        return UnavailableError(f"the daemon (process {ready.pid}) did not answer in time: try again, or restart it")
    return _KINDS.get(code, InternalError)(message)
