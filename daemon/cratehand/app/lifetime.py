"""The life of the daemon: parts begin in order, run under one owner, and end in reverse order."""

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from cratehand.app.daemon_parts import DaemonParts, build_parts
from cratehand.app.data_folder import DataFolder
from cratehand.app.progress import Progress
from cratehand.app.settings import Settings
from cratehand.usecases.lanes import Lanes

logger = logging.getLogger(__name__)

_RESTART_S: Final = 5.0
_KEEP_JOBS_S: Final = 7 * 24 * 3600.0
_IDLE_LOOK_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the command line asks of one run."""

    data_dir: Path
    watch: tuple[Path, ...] = ()
    rekordbox: str = "auto"
    """``auto``, ``off``, or the path of a master.db."""
    demo: bool = False
    once: bool = False
    progress: bool = True


def run_daemon(settings: Settings, options: RunOptions) -> int:
    """Run until asked to stop (or, with `once`, until all work is done); return the exit code.

    Raises:
        ConflictError: Another daemon has this data folder, or a port is taken.
        CratehandError: The catalogue can't be opened.
    """
    folder = DataFolder(options.data_dir)
    with folder.locked():
        return asyncio.run(_live(settings, options, folder))


async def _live(settings: Settings, options: RunOptions, folder: DataFolder) -> int:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    async with AsyncExitStack() as stack:
        lanes = await stack.enter_async_context(Lanes())
        parts = build_parts(settings, options.data_dir, options.watch, options.rekordbox, lanes, demo=options.demo)
        stack.callback(parts.close)
        parts.bus.bind(asyncio.get_running_loop())
        await lanes.quick(parts.queue.recover)
        http = await stack.enter_async_context(parts.http_server())
        grpc = await stack.enter_async_context(parts.grpc_server())
        osc = await stack.enter_async_context(parts.osc_server(http))
        folder.write_ready(grpc=grpc.address, osc=osc.address, http=http.address)
        stack.callback(folder.remove_ready)
        logger.info("ready: gRPC %s, OSC %s, HTTP %s", grpc.address, osc.address, http.address)
        await parts.folder_watch.start()
        stack.push_async_callback(parts.folder_watch.stop)
        work = asyncio.create_task(_work(parts, lanes, options, stop), name="work")
        stopped = asyncio.create_task(stop.wait(), name="stop signal")
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, stopped):
            task.cancel()
        results = await asyncio.gather(work, return_exceptions=True)
        logger.info("stopping")
        if isinstance(results[0], Exception):
            raise results[0]
    return 0


async def _work(parts: DaemonParts, lanes: Lanes, options: RunOptions, stop: asyncio.Event) -> None:
    scheduler = _scheduler(parts, lanes)
    progress = Progress(parts.bus, enabled=options.progress)
    async with asyncio.TaskGroup() as tasks:
        scheduler.start()
        try:
            tasks.create_task(_supervised("progress", progress.show))
            tasks.create_task(_supervised("analysis", parts.queue.run))
            if options.once:
                await _once(parts, lanes)
                stop.set()
                raise asyncio.CancelledError
            tasks.create_task(_supervised("folders", parts.folder_watch.follow))
            await _first_look(parts, lanes)
            if (rekordbox := parts.rekordbox) is not None:
                tasks.create_task(_supervised("collection", lambda: rekordbox.sync.follow(lanes)))
                tasks.create_task(_supervised("collection details", rekordbox.details.run))
            await asyncio.Event().wait()
        finally:
            scheduler.shutdown(wait=False)


async def _first_look(parts: DaemonParts, lanes: Lanes) -> None:
    report = await parts.folder_watch.sweep()
    logger.info("%s", await lanes.quick(parts.welcome))
    logger.debug("first sweep: %s", report)


async def _once(parts: DaemonParts, lanes: Lanes) -> None:
    """Do everything there is to do: read the collection, look at all folders until nothing grows, analyse."""
    if parts.rekordbox is not None:
        await lanes.slow(parts.rekordbox.sync.sync)
        await parts.rekordbox.details.read_all()
    await parts.folder_watch.sweep()
    while parts.still_growing():
        await asyncio.sleep(0.5)
        await parts.folder_watch.sweep()
    parts.queue.wake()
    await parts.queue.idle()


def _scheduler(parts: DaemonParts, lanes: Lanes) -> AsyncIOScheduler:
    scheduler = AsyncIOScheduler(job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 300})

    async def prune() -> None:
        await lanes.quick(parts.prune_jobs, _KEEP_JOBS_S)

    async def rest() -> None:
        await lanes.quick(parts.release_if_idle)

    scheduler.add_job(parts.folder_watch.sweep_unless_silent, "interval", minutes=parts.sweep_minutes, id="sweep")
    scheduler.add_job(prune, "interval", hours=6, id="prune jobs")
    scheduler.add_job(rest, "interval", seconds=_IDLE_LOOK_S, id="release memory")
    return scheduler


async def _supervised(name: str, live: Callable[[], Awaitable[None]]) -> None:
    """Own one part: should it fail by a bug of ours, the log has the trace and the part begins again."""
    while True:
        try:
            await live()
            return
        except Exception:
            logger.exception("%s failed and begins again in %.0f s", name, _RESTART_S)
            await asyncio.sleep(_RESTART_S)


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(stop.set))
        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(stop.set))
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
