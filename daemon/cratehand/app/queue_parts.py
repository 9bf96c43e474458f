"""The queues of work on tracks, and who does it, put together."""

from typing import Any

from cratehand.app.clap_switch import reading_task
from cratehand.app.clock import new_id
from cratehand.app.cluster import ClusterExecutor, cluster_executor
from cratehand.app.common_parts import CommonParts
from cratehand.app.stem_parts import stem_queue
from cratehand.app.workers import WorkerPool
from cratehand.audio.stamp import stamp_of
from cratehand.usecases.analysis_queue import AnalysisQueue
from cratehand.usecases.quiet import Quiet
from cratehand.usecases.stem_queue import StemQueue
from cratehand.usecases.unplaced_tracks import UnplacedTracks


def readers_of_files(common: CommonParts, pool: WorkerPool) -> WorkerPool | ClusterExecutor:
    """Return who reads files: the processes here, or a cluster where one is named."""
    analysis = common.settings.analysis
    return cluster_executor(analysis) if analysis.cluster else pool


def analysis_queue(common: CommonParts, analysts: WorkerPool | ClusterExecutor, quiet: Quiet) -> AnalysisQueue:
    """Return the queue of files that want to be analysed."""
    return AnalysisQueue(
        common.offline.catalogue,
        executor=analysts,
        read_file=reading_task(common.settings.analysis, common.folder.models),
        stamp_of=stamp_of,
        workers=lambda: analysts.width,
        quiet=quiet,
        bus=common.bus,
        clock=common.clock,
        lanes=common.lanes,
        spaces=common.spaces,
    )


def unplaced_tracks(common: CommonParts) -> UnplacedTracks:
    """Return what finds tracks that have no place yet in a space that was switched on."""
    told: dict[str, Any] = {"clock": common.clock, "new_id": new_id, "publish": common.bus.publish}
    return UnplacedTracks(common.offline.catalogue, spaces=common.spaces, **told)


def queue_of_stems(common: CommonParts, quiet: Quiet) -> StemQueue:
    """Return the queue of separations."""
    return stem_queue(
        common.settings,
        common.folder,
        common.offline.catalogue,
        silent=lambda: quiet.reason() is not None,
        bus=common.bus,
        lanes=common.lanes,
    )
