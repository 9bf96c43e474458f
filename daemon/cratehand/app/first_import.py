"""The first import of the DJ's collection, in a process of its own.

It makes a million objects, of which none is needed afterwards. In the daemon they would leave 90 MB behind that the
interpreter can't give back, and for those seconds no answer would come quickly.
"""

import gc
import multiprocessing
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cratehand.app.clock import SystemClock, new_id
from cratehand.app.worker import end_with_parent
from cratehand.domain.collection import ImportReport
from cratehand.domain.errors import CratehandError, UnavailableError

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

PROCESS_NAME: Final = "first import"


class FirstImport:
    """Reads one Rekordbox database completely and writes it into a catalogue; call it in a thread.

    Args:
        database: The user's master.db.
        cache: Where the reader of the daemon will look for what this one saw.
        catalogue: File of the catalogue, which must exist.
    """

    def __init__(self, database: Path, *, cache: Path, catalogue: Path) -> None:
        self._paths = database, cache, catalogue
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._is_stopped = False

    def __call__(self) -> ImportReport:
        """Run it to its end.

        Raises:
            CratehandError: As reading and writing do; nothing was written then.
            UnavailableError: The process died, or `stop` was called.
        """
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_work, args=(sender, *self._paths), name=PROCESS_NAME, daemon=True)
        with self._lock, sender:
            if self._is_stopped:
                raise UnavailableError("the daemon ends; the first import is done at the next start")
            process.start()
            self._process = process
        with receiver:
            try:
                answer = receiver.recv()
            except EOFError:
                answer = UnavailableError("the first import was broken off; it is tried again", retry_after_s=1.0)
        process.join()
        if isinstance(answer, CratehandError):
            raise answer
        assert isinstance(answer, ImportReport)
        return answer

    def stop(self) -> None:
        """End it where it is; the catalogue then holds nothing of it."""
        with self._lock:
            self._is_stopped = True
            if self._process is not None and self._process.is_alive():
                self._process.kill()


def import_everything(database: Path, cache: Path, catalogue: Path) -> ImportReport:
    """Read a whole Rekordbox database into a catalogue, in this process; raises `CratehandError`."""
    from cratehand.catalogue.device import open_device
    from cratehand_bridges.rekordbox import RekordboxDatabase

    reader = RekordboxDatabase(database, cache_dir=cache)
    try:
        change = reader.read(None)
        device = open_device(catalogue)
        try:
            with device.writing() as stores:
                return stores.collection.apply(change, source=reader.source, at_s=SystemClock().now_s(), new_id=new_id)
        finally:
            device.close()
    finally:
        reader.close()


def _work(sender: "Connection[object, object]", database: Path, cache: Path, catalogue: Path) -> None:
    end_with_parent()
    # A million new objects, no circles among them, and an end in ten seconds: looking through them takes one of those.
    gc.disable()
    try:
        answer: object = import_everything(database, cache, catalogue)
    except CratehandError as error:
        answer = error
    sender.send(answer)
