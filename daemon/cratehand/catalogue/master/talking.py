"""A connection to the master that never waits for ever, and whose errors say what to do and never a password."""

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, NullPool, create_engine, exc

from cratehand.catalogue.master.address import MasterAddress
from cratehand.domain.errors import (
    ConflictError,
    CratehandError,
    InternalError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
)

SILENCE_S: Final = 60.0
"""After so long without a word the master counts as gone, whatever the network pretends."""
_RETRY_S: Final = 10.0
_FULL_S: Final = 300.0

Made = Callable[[MasterAddress, str], CratehandError]


def open_engine(address: MasterAddress) -> Engine:
    """Return an engine whose connections look into the collection's name space only."""

    def connect() -> Any:
        connection = psycopg.connect(**address.parameters)
        # PostgreSQL quotes names with ", and ours hold none.
        connection.execute(f'SET search_path TO "{address.schema}", public')
        connection.commit()
        return connection

    return create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool, use_native_hstore=False)


@contextmanager
def talking(address: MasterAddress) -> Iterator[None]:
    """Turn errors of the master into ours."""
    try:
        yield
    except exc.DBAPIError as error:
        raise translate(error.orig or error, address) from None
    except (psycopg.Error, exc.SQLAlchemyError, OSError) as error:
        raise translate(error, address) from None


@contextmanager
def patience(connection: Connection, *, silence_s: float = SILENCE_S) -> Iterator[None]:
    """Hang up where the block takes longer: a half-open connection or a black hole would hold us for ever."""
    raw: Any = connection.connection.driver_connection

    def hang_up() -> None:
        # A handle of our own: closing it leaves psycopg's open, shutting down ends both.
        with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(raw.fileno())) as handle:
            handle.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(silence_s, hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def translate(error: BaseException, address: MasterAddress) -> CratehandError:
    """Return our error for one of the server or the network; says nothing that could hold a password."""
    state = getattr(error, "sqlstate", None) or ""
    said = " ".join(str(error).split()).lower()
    for states, words, make in _KNOWN:
        if state in states or (not state and any(word in said for word in words)):
            return make(address, said)
    if isinstance(error, psycopg.OperationalError | OSError):
        reason = f" ({state})" if state else ""
        return UnavailableError(
            f"the master {address.spoken} does not answer{reason}; this device works on without it",
            retry_after_s=_RETRY_S,
        )
    return InternalError(
        f"the master {address.spoken} can not do that ({state or type(error).__name__}): {_safe(error)}"
    )


def _safe(error: BaseException) -> str:
    diagnosis = getattr(error, "diag", None)
    return str(getattr(diagnosis, "message_primary", None) or type(error).__name__)[:200]


def _refused(address: MasterAddress, said: str) -> CratehandError:
    return UnauthorizedError(
        f"the master {address.spoken} does not accept this user and password; mend [master] url, "
        "special characters in it percent-encoded"
    )


def _no_database(address: MasterAddress, said: str) -> CratehandError:
    return NotFoundError(f"there is no such database or user: {address.spoken}; have it created, or mend [master] url")


def _no_rights(address: MasterAddress, said: str) -> CratehandError:
    user = address.parameters.get("user", "?")
    return UnauthorizedError(
        f"the user {user} may not do that in {address.spoken}, collection {address.collection}: let its owner run "
        f"`cratehand master init --share {user}`, or mend [master] url"
    )


def _crowded(address: MasterAddress, said: str) -> CratehandError:
    return UnavailableError(
        f"the master {address.spoken} has too many connections; try again later", retry_after_s=_RETRY_S
    )


def _full(address: MasterAddress, said: str) -> CratehandError:
    return UnavailableError(
        f"the disk of the master {address.spoken} is full; nothing was lost here, make room there",
        retry_after_s=_FULL_S,
    )


def _not_set_up(address: MasterAddress, said: str) -> CratehandError:
    return NotFoundError(
        f"the master {address.spoken} has no collection {address.collection}: `cratehand master init` makes it"
    )


def _busy(address: MasterAddress, said: str) -> CratehandError:
    return UnavailableError(
        f"another device keeps the master {address.spoken} busy; try again in a moment", retry_after_s=_RETRY_S
    )


def _unreachable(address: MasterAddress, said: str) -> CratehandError:
    return UnavailableError(
        f"nobody answers at {address.spoken}: is the server on, and the address right? This device works on without it",
        retry_after_s=_RETRY_S,
    )


def _contradiction(address: MasterAddress, said: str) -> CratehandError:
    return ConflictError(f"the master {address.spoken} changed meanwhile; try again")


_KNOWN: Final[tuple[tuple[tuple[str, ...], tuple[str, ...], Made], ...]] = (
    (("28P01", "28000"), ("password authentication failed", "no password supplied", "pg_hba.conf"), _refused),
    (("3D000",), ('" does not exist',), _no_database),
    (("42501",), (), _no_rights),
    (("53300",), ("too many clients", "remaining connection slots", "too many connections"), _crowded),
    (("53100",), ("no space left",), _full),
    (("42P01", "3F000"), (), _not_set_up),
    (("55P03", "57014"), (), _busy),
    (("40001", "40P01"), (), _contradiction),
    (
        (),
        ("connection refused", "could not translate", "failed to resolve", "timeout", "timed out", "no route"),
        _unreachable,
    ),
)
