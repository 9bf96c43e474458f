"""The master as the program uses it: from the settings, or the embedded server of the data folder."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cratehand.app.data_folder import DataFolder
from cratehand.app.process_lock import ProcessLock
from cratehand.app.settings import Settings
from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.errors import InvalidInputError, UnavailableError
from cratehand.domain.master import SyncReport
from cratehand.usecases.event_bus import Publish
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.master_sync import MasterSync

if TYPE_CHECKING:
    from cratehand.app.clock import SystemClock
    from cratehand.catalogue.master.address import MasterAddress
    from cratehand.catalogue.master.embedded import EmbeddedServer
    from cratehand.catalogue.master.listening import Listener
    from cratehand.catalogue.master.sync import PostgresMaster

_TURN_S: Final = 120.0


def configured_address(settings: Settings) -> "MasterAddress | None":
    """Return the master of the settings, None where there is none; raises `InvalidInputError` for an unfit URL."""
    url = settings.master.url.get_secret_value()
    if not url:
        return None
    from cratehand.catalogue.master.address import parse_address

    return parse_address(url, collection=settings.master.collection)


def master_secrets(settings: Settings) -> tuple[str, ...]:
    """Return what may stand in no log: the URL, and the password in it; raises as `configured_address`."""
    address = configured_address(settings)
    return () if address is None else (settings.master.url.get_secret_value(), *address.secrets)


def find_address(settings: Settings, folder: DataFolder) -> "MasterAddress":
    """Return the master of the settings, else the embedded one where it runs.

    Raises:
        InvalidInputError: There is neither.
    """
    address = configured_address(settings)
    if address is not None:
        return address
    server = embedded_server(folder)
    running = server.running() if server.exists else None
    if running is None:
        raise InvalidInputError(
            "there is no master: set [master] url in cratehand.toml, or `cratehand master start` one of your own"
        )
    from cratehand.catalogue.master.address import parse_address

    return parse_address(running.url, collection=settings.master.collection)


def embedded_server(folder: DataFolder) -> "EmbeddedServer":
    """Return the server of a data folder, running or not."""
    from cratehand.catalogue.master.embedded import EmbeddedServer

    return EmbeddedServer(folder.path / "postgres", logs=folder.logs)


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Hold a lock between the processes of this computer; raises `UnavailableError` where another one keeps it."""
    lock = ProcessLock(path)
    until_s = time.monotonic() + _TURN_S
    while not lock.acquire():
        if time.monotonic() > until_s:
            raise UnavailableError(
                f"process {lock.holder()} is at it already; try again in a minute", retry_after_s=60.0
            )
        time.sleep(0.05)
    try:
        yield
    finally:
        lock.release()


def open_master(catalogue: SqliteCatalogue, address: "MasterAddress", folder: DataFolder) -> "PostgresMaster":
    """Return the way to the master; nothing is connected yet."""
    from cratehand.catalogue.master.sync import PostgresMaster

    return PostgresMaster(catalogue, address, alone=lambda: one_at_a_time(folder.path / "master.lock"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MasterParts:
    """What the daemon needs to keep in step."""

    sync: MasterSync
    master: "PostgresMaster"
    listener: "Listener"

    def close(self) -> None:
        """Hang up."""
        self.master.close()


class _WithServer:
    """A master whose own server is started before the first meeting, where it is the one of this data folder."""

    def __init__(self, master: "PostgresMaster", start: Callable[[], None]) -> None:
        self._master = master
        self._start: Callable[[], None] | None = start
        self.state = master.state
        self.waiting = master.waiting
        self.close = master.close

    def sync(self) -> SyncReport:
        if self._start is not None:
            self._start()
            self._start = None
        report: SyncReport = self._master.sync()
        return report


def master_parts(
    settings: Settings,
    folder: DataFolder,
    catalogue: SqliteCatalogue,
    *,
    lanes: Lanes,
    clock: "SystemClock",
    publish: Publish,
) -> MasterParts | None:
    """Build them; None where the settings name no master."""
    address = configured_address(settings)
    if address is None:
        return None
    from cratehand.catalogue.master.listening import Listener

    master = open_master(catalogue, address, folder)

    def start() -> None:
        server = embedded_server(folder)
        if server.exists and server.serves(address.parameters.get("port")):
            with one_at_a_time(folder.path / "postgres.lock"):
                server.start()

    sync = MasterSync(_WithServer(master, start), address=address.spoken, lanes=lanes, clock=clock, publish=publish)
    return MasterParts(sync=sync, master=master, listener=Listener(address, heard=sync.heard))
