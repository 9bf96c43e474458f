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
from cratehand.domain.ids import ContentDigest
from cratehand.domain.stem import StemOrder
from cratehand.usecases.stem_cache import StemCache
from cratehand.usecases.stem_queue import StemWorker, StoppedWorkError

_LOOK_S: Final = 0.2
_LOCK: Final = "lock"


class ClusterStems:
    """Implements `StemWorker`. What this device has already is not made there; stopping takes back what runs there.

    Args:
        connect: Gives who separates, for one separation at a time.
        cache: The folder of all stems of this device.
        here: Writes the stems from the cache to where somebody wants them.
        cached_as: What the cache calls the stems of a model as it was ordered, as `StemOrder.model`; None where only
            the workers know.
        task: What runs there: path and name of the model to the stems.
    """

    def __init__(
        self,
        connect: Callable[[], ClusterExecutor],
        *,
        cache: Path,
        here: StemWorker,
        cached_as: Callable[[str], str | None],
        task: Callable[[str, str], StemsThere] = separate_there,
    ) -> None:
        self._connect = connect
        self._cache = StemCache(cache)
        self._here = here
        self._cached_as = cached_as
        self._task = task

    def run(self, order: StemOrder, *, on_progress: Callable[[float], None], stopped: threading.Event) -> None:
        """Separate; see `StemWorker.run`. Nothing is told of the progress: a worker tells only of the end."""
        digest = AudioDigester().digest(Path(order.path))
        made_by = self._cached_as(order.model)
        if made_by is None or not self._has(digest, made_by):
            made_by = self._fetch(digest, order, stopped)
        on_progress(1.0)
        if order.out:
            model, _, _ = made_by.rpartition("-")
            self._here.run(replace(order, model=model), on_progress=on_progress, stopped=stopped)

    def _has(self, digest: ContentDigest, made_by: str) -> bool:
        return any(stems.model == made_by and stems.is_complete for stems in self._cache.of(digest))

    def _fetch(self, digest: ContentDigest, order: StemOrder, stopped: threading.Event) -> str:
        """Bring what the workers make into the cache; return what it is called there."""
        found = self._wait(order, stopped)
        work = self._cache.open(digest, found.model)
        if not work.is_complete:
            with held_lock(work.path / _LOCK):
                for kind, flac in found.stems.items():
                    work.put(kind, flac)
                work.complete(found.peaks)
        return found.model

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
