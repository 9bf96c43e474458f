"""Hearing at once that another device pushed something: LISTEN on a connection of its own, in a thread of its own."""

import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Any, Final

import psycopg

from cratehand.catalogue.master.address import MasterAddress

_log = logging.getLogger(__name__)

_TURN_S: Final = 1.0
_PROOF_EVERY: Final = 30
_RETRY_S: Final = 15.0


class Listener:
    """Calls `heard` in its thread after every push of the collection, until left.

    A context manager. Where listening is not possible (no network, a pooler between) it tries again now and then;
    whoever uses it looks by himself from time to time.

    Args:
        address: Of the master.
        heard: What to call.
    """

    def __init__(self, address: MasterAddress, *, heard: Callable[[], None]) -> None:
        self._address = address
        self._heard = heard
        self._stopped = threading.Event()
        self.listens = threading.Event()
        """Set while pushes are heard."""
        self._thread = threading.Thread(target=self._run, name="master listener", daemon=True)

    def __enter__(self) -> "Listener":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(2 * _TURN_S + 1.0)

    def _run(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(psycopg.Error, OSError):
                self._listen()
            self.listens.clear()
            self._stopped.wait(_RETRY_S)

    def _listen(self) -> None:
        with psycopg.connect(**self._address.parameters, autocommit=True) as connection:
            connection.execute(f'LISTEN "{self._address.schema}"')
            self.listens.set()
            # What came before we listened is not told any more.
            self._heard()
            turns = 0
            while not self._stopped.is_set():
                for _ in self._told(connection):
                    self._heard()
                turns += 1
                if turns % _PROOF_EVERY == 0:
                    connection.execute("SELECT 1")

    @staticmethod
    def _told(connection: "psycopg.Connection[Any]") -> "list[psycopg.Notify]":
        return list(connection.notifies(timeout=_TURN_S, stop_after=1))
