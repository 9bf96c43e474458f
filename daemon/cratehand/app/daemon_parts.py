"""The parts that only the daemon has, put together."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cratehand import __version__
from cratehand.app.clock import SystemClock, new_id
from cratehand.app.cluster import ClusterExecutor
from cratehand.app.common_parts import CommonParts
from cratehand.app.data_folder import DataFolder
from cratehand.app.drum_parts import drum_generation
from cratehand.app.freed_memory import FreedMemory
from cratehand.app.master_parts import MasterParts, master_parts
from cratehand.app.music_places import database_of, demo_folders
from cratehand.app.queue_parts import analysis_queue, queue_of_stems, readers_of_files, unplaced_tracks
from cratehand.app.rekordbox_parts import RekordboxNeeds, RekordboxParts, rekordbox_parts
from cratehand.app.settings import Settings
from cratehand.app.stem_parts import stem_jobs
from cratehand.app.upgrade_parts import RekordboxQueue, UpgradeNeeds, build_upgrades
from cratehand.app.wiring import OfflineUseCases, offline_use_cases
from cratehand.app.workers import WorkerPool, make_executor
from cratehand.audio.digest import AudioDigester
from cratehand.catalogue.fingerprint_index import FingerprintIndexFile
from cratehand.servers.grpc.server import GrpcServer
from cratehand.servers.http.server import HttpServer
from cratehand.servers.osc.server import OscServer
from cratehand.usecases.analysis_queue import AnalysisQueue
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.folder_sync import FolderSync
from cratehand.usecases.folder_watch import FolderWatch
from cratehand.usecases.health import Health
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.live_session import LiveSession
from cratehand.usecases.pattern_playback import PatternPlayback
from cratehand.usecases.quiet import Quiet, parse_hours
from cratehand.usecases.stem_queue import StemQueue
from cratehand.usecases.unplaced_tracks import UnplacedTracks
from cratehand.usecases.upgrade_watch import UpgradeWatch
from cratehand.usecases.upgrades import Upgrades
from cratehand.usecases.use_cases import UseCases
from cratehand.watch.power import PsutilPower
from cratehand.watch.scan import DiskScanner
from cratehand.watch.watcher import WatchdogWatcher
from cratehand_bridges.midi import open_midi_out

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonParts:
    """Everything that lives as long as the daemon."""

    offline: OfflineUseCases
    use_cases: UseCases
    bus: EventBus
    queue: AnalysisQueue
    stem_queue: StemQueue
    folder_watch: FolderWatch
    rekordbox: RekordboxParts | None
    master: MasterParts | None
    pool: WorkerPool
    """Processes of our own."""
    analysts: WorkerPool | ClusterExecutor
    """Who reads files: the pool, or a cluster."""
    scanner: DiskScanner
    clock: SystemClock
    settings: Settings
    token: str
    bulk_folder: str
    """Where Live devices write what they fetch."""
    index: FingerprintIndexFile
    upgrade_watch: UpgradeWatch
    rekordbox_queue: RekordboxQueue | None
    unplaced: UnplacedTracks
    freed_memory: FreedMemory = field(default_factory=FreedMemory)

    @property
    def sweep_minutes(self) -> float:
        """How often everything is looked at."""
        return self.settings.watch.sweep_minutes

    def http_server(self) -> HttpServer:
        """Return the bulk server, not yet started."""
        servers = self.settings.servers
        return HttpServer(host=servers.host, port=servers.http_port, clock=self.clock)

    def grpc_server(self) -> GrpcServer:
        """Return the gRPC server, not yet started."""
        servers = self.settings.servers
        return GrpcServer(self.use_cases, host=servers.host, port=servers.grpc_port, token=self.token)

    def osc_server(self, http: HttpServer) -> OscServer:
        """Return the OSC server, not yet started."""
        servers = self.settings.servers
        return OscServer(
            self.use_cases,
            http,
            host=servers.host,
            port=servers.osc_port,
            clock=self.clock,
            token=self.token,
            bulk_folder=self.bulk_folder,
        )

    def still_growing(self) -> bool:
        """Whether the last sweep saw files that were still being written."""
        return bool(self.scanner.growing)

    def welcome(self) -> str:
        """Say what the daemon looks after, or how to give it something."""
        with self.offline.catalogue.reading() as stores:
            counts = stores.tracks.counts()
        folders = self.offline.folders.paths()
        if not folders and self.rekordbox is None and not counts["total"]:
            return (
                "no music yet: `cratehand watch add FOLDER` adds a folder, `cratehand run --rekordbox PATH` reads a "
                "Rekordbox database"
            )
        return f"{counts['total']} tracks, {counts['analysed']} analysed, {len(folders)} watched folders"

    def prune_jobs(self, keep_s: float) -> None:
        """Forget jobs that ended long ago."""
        with self.offline.catalogue.writing() as stores:
            stores.jobs.prune(ended_before_s=self.clock.now_s() - keep_s)

    def recover_plans(self) -> None:
        """Bring plans that a crash left half way to one of their ends."""
        self.use_cases.upgrades.recover()

    def empty_trash(self) -> None:
        """Throw away what was replaced long ago."""
        self.use_cases.upgrades.history.empty_trash(older_than_s=self.settings.upgrade.trash_days * 24 * 3600.0)

    def release_if_idle(self) -> None:
        """Give memory and processes back while nothing is to be done."""
        if not self.queue.running:
            self.pool.close_if_idle()
            self.offline.catalogue.release_memory()
            self.freed_memory.give_back()

    def close(self) -> None:
        """Close what is not an async context manager."""
        self.analysts.shutdown()
        self.pool.shutdown()
        if self.master is not None:
            self.master.close()
        if self.rekordbox is not None:
            self.rekordbox.close()
        self.index.close()
        self.offline.close()


def build_parts(
    settings: Settings, data_dir: Path, watch: tuple[Path, ...], rekordbox: str, lanes: Lanes, *, demo: bool
) -> DaemonParts:
    """Open the catalogue and build every part; nothing runs yet.

    Raises:
        CratehandError: The catalogue can't be opened.
    """
    folder, bus, clock = DataFolder(data_dir), EventBus(), SystemClock()
    database = database_of(rekordbox)
    if demo:
        watch = (*watch, *demo_folders(settings, data_dir, watch, database))
    offline = offline_use_cases(settings, data_dir, publish=bus.publish, extra_folders=watch)
    common = CommonParts(settings=settings, folder=folder, offline=offline, bus=bus, clock=clock, lanes=lanes)
    watcher = WatchdogWatcher(ignore=common.ignore, settle_s=settings.watch.settle_s)
    scanner, quiet = _scanner(common, watcher), _quiet(common)
    pool = make_executor(common.workers, log=folder.logs / "workers.log")
    needs = UpgradeNeeds(
        offline=offline, folder=folder, pool=pool, clock=clock, publish=bus.publish, rekordbox_is_off=rekordbox == "off"
    )
    plans = build_upgrades(needs, rekordbox=database if settings.upgrade.write_rekordbox else None)
    folder_sync = _folder_sync(common, scanner, plans.upgrades)
    plans.settled.look = folder_sync.look_at
    queue = analysis_queue(common, analysts := readers_of_files(common, pool), quiet)
    parts = None if database is None else _rekordbox(common, database, pool, quiet, folder_sync)
    folder_watch = _folder_watch(common, watcher, folder_sync, quiet)
    others = _Others(state=_collection_state(parts, rekordbox), master=_master(common), upgrades=plans.upgrades)
    return DaemonParts(
        offline=offline,
        use_cases=_use_cases(common, quiet, queue, folder_watch, others),
        bus=bus,
        queue=queue,
        stem_queue=queue_of_stems(common, quiet),
        folder_watch=folder_watch,
        rekordbox=parts,
        master=others.master,
        pool=pool,
        analysts=analysts,
        scanner=scanner,
        clock=clock,
        settings=settings,
        token=folder.token(),
        bulk_folder=folder.bulk_for_devices(),
        index=plans.index,
        upgrade_watch=_upgrade_watch(common, plans.upgrades, folder_sync, quiet),
        rekordbox_queue=plans.queue,
        unplaced=unplaced_tracks(common),
    )


def _scanner(common: CommonParts, watcher: WatchdogWatcher) -> DiskScanner:
    settle_s = common.settings.watch.settle_s
    return DiskScanner(ignore=common.ignore, clock=common.clock, settle_s=settle_s, on_growing=watcher.look_again)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Others:
    """Who else has something to say in the status, and the plans."""

    state: Callable[[], tuple[str, str | None]]
    master: MasterParts | None
    upgrades: Upgrades


def _upgrade_watch(common: CommonParts, upgrades: Upgrades, folder_sync: FolderSync, quiet: Quiet) -> UpgradeWatch:
    watch = UpgradeWatch(
        upgrades,
        folder_sync=folder_sync,
        bus=common.bus,
        lanes=common.lanes,
        policy=common.settings.upgrade.policy,
        silent=lambda: quiet.reason() is not None,
    )
    watch.start()
    return watch


def _folder_sync(common: CommonParts, scanner: DiskScanner, upgrades: Upgrades) -> FolderSync:
    return FolderSync(
        common.offline.catalogue,
        scanner=scanner,
        digester=AudioDigester(),
        folders=common.offline.folders.paths,
        clock=common.clock,
        new_id=new_id,
        publish=common.bus.publish,
        hold=upgrades.finding.hold,
    )


def _rekordbox(
    common: CommonParts, database: Path, pool: WorkerPool, quiet: Quiet, folder_sync: FolderSync
) -> RekordboxParts:
    needs = RekordboxNeeds(
        catalogue=common.offline.catalogue,
        cache=common.folder.cache,
        pool=pool,
        quiet=quiet,
        bus=common.bus,
        clock=common.clock,
        lanes=common.lanes,
        folder_sync=folder_sync,
    )
    return rekordbox_parts(database, needs)


def _master(common: CommonParts) -> MasterParts | None:
    return master_parts(
        common.settings,
        common.folder,
        common.offline.catalogue,
        lanes=common.lanes,
        clock=common.clock,
        publish=common.bus.publish,
    )


def _quiet(common: CommonParts) -> Quiet:
    analysis = common.settings.analysis
    return Quiet(
        common.offline.catalogue,
        clock=common.clock,
        power=PsutilPower(),
        publish=common.bus.publish,
        hours=parse_hours(analysis.hours) if analysis.hours else None,
        on_battery=analysis.on_battery,
    )


def _folder_watch(common: CommonParts, watcher: WatchdogWatcher, folder_sync: FolderSync, quiet: Quiet) -> FolderWatch:
    return FolderWatch(
        watcher,
        folders=common.offline.folders,
        sync=folder_sync,
        lanes=common.lanes,
        silent=lambda: quiet.reason() is not None,
    )


def _use_cases(
    common: CommonParts,
    quiet: Quiet,
    queue: AnalysisQueue,
    folder_watch: FolderWatch,
    others: "_Others",
) -> UseCases:
    offline = common.offline
    # Who serves is asked again and again; a verb of the command line only once.
    offline.catalogue.keep_vectors_in_memory()
    health = Health(
        offline.catalogue,
        version=__version__,
        data_dir=common.folder.path,
        clock=common.clock,
        quiet_reason=quiet.reason,
        folders=offline.folders.paths,
        collection=others.state,
        master=None if others.master is None else others.master.sync.describe,
    )
    return UseCases(
        lanes=common.lanes,
        bus=common.bus,
        library=offline.library,
        playlists=offline.playlists,
        similarity=offline.similarity,
        text_search=offline.text_search,
        jobs=offline.jobs,
        export=offline.export,
        stems=stem_jobs(offline.catalogue, common.folder, common.bus),
        drums=drum_generation(),
        live=LiveSession(
            offline.catalogue,
            text_search=offline.text_search,
            stems=common.folder.stems,
        ),
        playback=PatternPlayback(open_midi_out),
        folders=offline.folders,
        refresh_folders=folder_watch.refresh,
        quiet=quiet,
        wake_background=queue.wake,
        health=health,
        upgrades=others.upgrades,
    )


def _collection_state(parts: RekordboxParts | None, rekordbox: str) -> Callable[[], tuple[str, str | None]]:
    def state() -> tuple[str, str | None]:
        if parts is None:
            return ("off" if rekordbox == "off" else "no Rekordbox database found here", None)
        return parts.sync.describe(), parts.sync.last_error

    return state
