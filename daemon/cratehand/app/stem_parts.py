"""What makes stems in the daemon, put together."""

from collections.abc import Callable
from functools import partial

from cratehand.app.clock import SystemClock, new_id
from cratehand.app.cluster import cluster_executor
from cratehand.app.cluster_stems import ClusterStems
from cratehand.app.data_folder import DataFolder
from cratehand.app.settings import Settings
from cratehand.app.stem_process import StemProcess
from cratehand.audio.digest import AudioDigester
from cratehand.domain.model import ModelTask
from cratehand.domain.stores import Catalogue
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.stem_jobs import StemJobs
from cratehand.usecases.stem_queue import StemQueue, StemWorker


def stem_jobs(catalogue: Catalogue, folder: DataFolder, bus: EventBus) -> StemJobs:
    """Return what asks for stems."""
    return StemJobs(
        catalogue,
        cache=folder.cache / "stems",
        digester=AudioDigester(),
        clock=SystemClock(),
        new_id=new_id,
        publish=bus.publish,
    )


def stem_queue(
    settings: Settings,
    folder: DataFolder,
    catalogue: Catalogue,
    *,
    silent: Callable[[], bool],
    bus: EventBus,
    lanes: Lanes,
) -> StemQueue:
    """Return what makes them, each in a process of its own, or on a cluster."""
    told = {"data_dir": str(folder.path), "models": settings.models.model_dump(mode="json")}
    worker: StemWorker = StemProcess(told, log=folder.logs / "workers.log")
    if settings.analysis.cluster and settings.analysis.cluster_stems:
        connect = partial(cluster_executor, settings.analysis, for_stems=True)
        worker = ClusterStems(connect, cache=folder.cache / "stems", here=worker, cached_as=_cached_as)
    return StemQueue(catalogue, worker=worker, silent=silent, bus=bus, clock=SystemClock(), lanes=lanes)


def _cached_as(model: str) -> str | None:
    """See `ClusterStems`; the best of all models where none was named: no worker has a better one."""
    from cratehand_models.manifest import shipped_manifest  # a start does without

    makers = [each for each in shipped_manifest().values() if each.task is ModelTask.STEMS]
    named = [each for each in makers if each.name == model] if model else makers
    return named[0].versioned_name if named else None
