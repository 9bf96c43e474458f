"""Separation on the workers of a Dask cluster: they send the stems back, the cache of this device keeps them."""

import threading
from collections.abc import Callable
from concurrent.futures import TimeoutError as NotYetError
from dataclasses import replace
from pathlib import Path
from typing import Final

from cratehand.app.cluster import ClusterExecutor
from cratehand.app.cluster_task import StemsThere, separate_there
from cratehand.app.process_lock import held_lock
from cratehand.audio.digest import AudioDigester
from cratehand.domain.stem import StemOrder
from cratehand.usecases.stem_cache import StemCache
from cratehand.usecases.stem_queue import StemWorker, StoppedWorkError

_LOOK_S: Final = 0.2
_LOCK: Final = "lock"


class ClusterStems:
    """Implements `StemWorker`. Stopping it takes back what waits there; what runs there is run to its end for nothing.

    Args:
        connect: Gives who separates, for one separation at a time.
        cache: The folder of all stems of this device.
        here: Writes the stems from the cache to where somebody wants them.
        task: What runs there: path and name of the model to the stems.
    """

    def __init__(
        self,
        connect: Callable[[], ClusterExecutor],
        *,
        cache: Path,
        here: StemWorker,
        task: Callable[[str, str], StemsThere] = separate_there,
    ) -> None:
        self._connect = connect
        self._cache = StemCache(cache)
        self._here = here
        self._task = task

    def run(self, order: StemOrder, *, on_progress: Callable[[float], None], stopped: threading.Event) -> None:
        """Separate; see `StemWorker.run`. Nothing is told of the progress: a worker tells only of the end."""
        digest = AudioDigester().digest(Path(order.path))
        found = self._wait(order, stopped)
        work = self._cache.open(digest, found.model)
        if not work.is_complete:
            with held_lock(work.path / _LOCK):
                for kind, flac in found.stems.items():
                    work.put(kind, flac)
                work.complete(found.peaks)
        on_progress(1.0)
        if order.out:
            model, _, _ = found.model.rpartition("-")
            self._here.run(replace(order, model=model), on_progress=on_progress, stopped=stopped)

    def _wait(self, order: StemOrder, stopped: threading.Event) -> StemsThere:
        with self._connect() as cluster:
            future = cluster.submit(self._task, order.path, order.model)
            while not stopped.is_set():
                try:
                    return future.result(_LOOK_S)
                except NotYetError:
                    continue
            future.cancel()
        raise StoppedWorkError(order.path)
