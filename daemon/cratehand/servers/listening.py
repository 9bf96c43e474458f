"""Where a server listens, in the form others need it, and one clear error where it can't."""

import errno
import ipaddress
import socket
from dataclasses import dataclass
from typing import Literal

import psutil

from cratehand.domain.errors import ConflictError, CratehandError, InvalidInputError, UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One server's place in the network, as the settings name it."""

    server: str
    """Name for people: ``gRPC``, ``OSC``, ``HTTP``."""
    host: str
    port: int
    kind: Literal["tcp", "udp"]
    setting: str
    """Name of the port in the section ``[servers]`` of the settings: ``grpc_port``."""

    @property
    def socket_type(self) -> socket.SocketKind:
        """What its sockets are."""
        return socket.SOCK_STREAM if self.kind == "tcp" else socket.SOCK_DGRAM


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def reachable_address(host: str, port: int) -> str:
    """Return ``HOST:PORT`` under which a client on this computer reaches a server that listens on `host`."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return f"{host}:{port}"
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"{address}:{port}" if address.version == 4 else f"[{address}]:{port}"


def bind_error(listener: Listener, cause: OSError | None = None) -> CratehandError:
    """Say why a server can't listen, and what to do. Blocking: looks at the connections of this computer.

    Args:
        listener: Where it was to listen.
        cause: What the system said; None where the library hid it, then it is found out by trying.

    Returns:
        `ConflictError` where the port is taken, `InvalidInputError` where host or port can't be right, else
        `UnavailableError`.
    """
    cause = cause or _try_to_bind(listener)
    place = f"{listener.server} can not listen on {listener.host} port {listener.port}"
    if cause is None or cause.errno in {errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)}:
        return ConflictError(
            f"{place}: the port is taken by {_owner(listener)}. Stop that program, or choose another port: "
            f"{listener.setting} under [servers] in cratehand.toml or the environment variable "
            f"CRATEHAND__SERVERS__{listener.setting.upper()} (0 picks a free one)"
        )
    if isinstance(cause, socket.gaierror) or cause.errno == errno.EADDRNOTAVAIL:
        return InvalidInputError(f"{place}: that is no address of this computer; check host under [servers]")
    if cause.errno in {errno.EACCES, errno.EPERM}:
        return InvalidInputError(f"{place}: the system does not allow it; choose a port above 1023")
    return UnavailableError(f"{place}: {cause.strerror or cause}")


def _try_to_bind(listener: Listener) -> OSError | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listener.host, listener.port, type=listener.socket_type
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
    except OSError as error:
        return error
    return None


def _owner(listener: Listener) -> str:
    """Name the program on a port as far as the system tells; users see their own programs only."""
    try:
        holders = {
            connection.pid
            for connection in psutil.net_connections(kind=listener.kind)
            if connection.laddr
            and connection.laddr[1] == listener.port
            and (listener.kind == "udp" or connection.status == psutil.CONN_LISTEN)
        }
        for pid in sorted(pid for pid in holders if pid):
            return f"{psutil.Process(pid).name()} (process {pid})"
    except (psutil.Error, OSError):
        pass
    return f"a program that this user can not see (`lsof -i :{listener.port}`, on Windows `netstat -ano`, names it)"
