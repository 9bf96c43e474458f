"""The life of the daemon: parts begin in order, run under one owner, and end in reverse order."""

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratehand.app.daemon_parts import DaemonParts, build_parts
from cratehand.app.data_folder import DataFolder
from cratehand.app.freed_memory import use_few_heaps
from cratehand.app.last_resort import LastResort
from cratehand.app.master_parts import MasterParts
from cratehand.app.progress import Progress
from cratehand.app.schedule import Chore, Schedule
from cratehand.app.settings import Settings
from cratehand.domain.errors import CratehandError
from cratehand.usecases.lanes import Lanes

logger = logging.getLogger(__name__)

_RESTART_S: Final = 5.0
_TURN_S: Final = 0.0005
_YOUNG_OBJECTS: Final = 20_000
_KEEP_JOBS_S: Final = 7 * 24 * 3600.0
_PLANS_S: Final = 1800.0
_IDLE_LOOK_S: Final = 10.0
_UNPLACED_S: Final = 60.0
_SEARCHED_S: Final = 300.0
_FIRST_LOOK_S: Final = 30.0
_LONGEST_STOP_S: Final = 4.5


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
        CratehandError: The catalogue can't be opened; with `once`, what kept some of the work from being done.
    """
    folder = DataFolder(options.data_dir)
    _prepare_interpreter()
    with folder.locked(), LastResort(after_s=_LONGEST_STOP_S, clean_up=folder.remove_ready) as last_resort:
        return asyncio.run(_live(settings, options, folder, last_resort))


def _prepare_interpreter() -> None:
    """Tune the whole process for servers beside threads that compute, and for a long life with a large collection."""
    use_few_heaps()
    # A thread that computes (an import, a sweep) gives way to the servers after this time, by default 5 ms; an answer
    # gives way and gets its turn back several times.
    sys.setswitchinterval(_TURN_S)
    # What is there now stays for good and need not be looked through; and a sweep that makes half a million objects is
    # not to be interrupted seven hundred times, nor an answer by a search through all of them.
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 10, 10)


async def _live(settings: Settings, options: RunOptions, folder: DataFolder, last_resort: LastResort) -> int:
    stop = asyncio.Event()
    _stop_on_signals(stop, last_resort)
    async with AsyncExitStack() as stack:
        lanes = await stack.enter_async_context(Lanes())
        parts = build_parts(settings, options.data_dir, options.watch, options.rekordbox, lanes, demo=options.demo)
        stack.callback(parts.close)
        parts.bus.bind(asyncio.get_running_loop())
        await lanes.quick(parts.queue.recover)
        await lanes.slow(parts.recover_plans)
        http = await stack.enter_async_context(parts.http_server())
        grpc = await stack.enter_async_context(parts.grpc_server())
        osc = await stack.enter_async_context(parts.osc_server(http))
        folder.write_ready(grpc=grpc.address, osc=osc.address, http=http.address)
        stack.callback(folder.remove_ready)
        logger.info("ready: gRPC %s, OSC %s, HTTP %s", grpc.address, osc.address, http.address)
        stack.push_async_callback(parts.folder_watch.stop)
        work = asyncio.create_task(_work(parts, lanes, options, stop), name="work")
        stopped = asyncio.create_task(stop.wait(), name="stop signal")
        await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, stopped):
            task.cancel()
        results = await asyncio.gather(work, return_exceptions=True)
        logger.info("stopping")
        if isinstance(results[0], Exception):
            raise _first_of(results[0])
    return 0


def _first_of(error: Exception) -> Exception:
    """Return what the caller can act on: a task group wraps it."""
    while isinstance(error, ExceptionGroup):
        ours, _ = error.split(CratehandError)
        error = (ours or error).exceptions[0]
    return error


async def _work(parts: DaemonParts, lanes: Lanes, options: RunOptions, stop: asyncio.Event) -> None:
    progress = Progress(parts.bus, enabled=options.progress)
    async with (
        AsyncExitStack() as listening,
        Schedule(_chores(parts, lanes), clock=parts.clock),
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(_supervised("progress", progress.show))
        tasks.create_task(_supervised("analysis", parts.queue.run))
        tasks.create_task(_supervised("stems", parts.stem_queue.run))
        tasks.create_task(_supervised("upgrades", parts.upgrade_watch.run))
        if (queue := parts.rekordbox_queue) is not None:
            tasks.create_task(_supervised("writes into Rekordbox", lambda: queue.writes.run(lanes)))
        if options.once:
            await _once(parts, lanes)
            stop.set()
            raise asyncio.CancelledError
        await parts.folder_watch.start()
        tasks.create_task(_supervised("folders", parts.folder_watch.follow))
        first_look = tasks.create_task(_supervised("first look", lambda: _first_look(parts, lanes)))
        # So that what Rekordbox knows finds its files; but a drive that doesn't answer holds up no collection.
        await asyncio.wait({first_look}, timeout=_FIRST_LOOK_S)
        if (master := parts.master) is not None:
            await listening.enter_async_context(_heard(master))
            tasks.create_task(_supervised("master", master.sync.run))
        if (rekordbox := parts.rekordbox) is not None:
            tasks.create_task(_supervised("collection", lambda: rekordbox.sync.follow(lanes)))
            tasks.create_task(_supervised("collection details", rekordbox.details.run))
        await asyncio.Event().wait()


@contextlib.asynccontextmanager
async def _heard(master: MasterParts) -> AsyncIterator[None]:
    """Hear of pushes by others; leaving waits for a thread, which the loop does not."""
    master.listener.__enter__()
    try:
        yield
    finally:
        await asyncio.to_thread(master.listener.__exit__, None, None, None)


async def _first_look(parts: DaemonParts, lanes: Lanes) -> None:
    report = await parts.folder_watch.sweep()
    logger.info("%s", await lanes.quick(parts.welcome))
    logger.debug("first sweep: %s", report)


async def _once(parts: DaemonParts, lanes: Lanes) -> None:
    """Do everything there is to do: read the collection, look at all folders until nothing grows, analyse.

    Raises:
        CratehandError: What could not be done; all the rest is.
    """
    trouble: CratehandError | None = None
    if parts.rekordbox is not None:
        try:
            await lanes.slow(parts.rekordbox.sync.sync)
            await parts.rekordbox.details.read_all()
        except CratehandError as error:
            trouble = error
    if parts.master is not None:
        try:
            await lanes.slow(parts.master.master.sync)
        except CratehandError as error:
            logger.warning("%s", error)
    await lanes.quick(parts.unplaced.queue)
    await parts.folder_watch.sweep()
    while parts.still_growing():
        await asyncio.sleep(0.5)
        await parts.folder_watch.sweep()
    await parts.upgrade_watch.settle()
    parts.queue.wake()
    await parts.queue.idle()
    await parts.upgrade_watch.settle()
    await parts.stem_queue.idle()
    if parts.master is not None:
        try:
            await lanes.slow(parts.master.master.sync)
        except CratehandError as error:
            trouble = trouble or error
    if trouble is not None:
        raise trouble


def _chores(parts: DaemonParts, lanes: Lanes) -> tuple[Chore, ...]:
    async def prune() -> None:
        await lanes.quick(parts.prune_jobs, _KEEP_JOBS_S)

    async def tidy_plans() -> None:
        await lanes.slow(parts.recover_plans)
        await lanes.slow(parts.empty_trash)

    async def place() -> None:
        await lanes.quick(parts.unplaced.queue)

    async def let_go() -> None:
        await lanes.quick(parts.offline.text_search.rest)

    async def rest() -> None:
        await lanes.quick(parts.pool.mend)
        await lanes.quick(parts.release_if_idle)

    return (
        Chore(name="sweep", every_s=parts.sweep_minutes * 60.0, do=parts.folder_watch.sweep_unless_silent),
        Chore(name="prune jobs", every_s=6 * 3600.0, do=prune),
        Chore(name="plans", every_s=_PLANS_S, do=tidy_plans),
        Chore(name="unplaced tracks", every_s=_UNPLACED_S, do=place),
        Chore(name="models of words", every_s=_SEARCHED_S, do=let_go),
        Chore(name="release memory", every_s=_IDLE_LOOK_S, do=rest),
    )


async def _supervised(name: str, live: Callable[[], Awaitable[None]]) -> None:
    """Own one part: it begins again when it fails; where that is a bug of ours, the log has the trace."""
    told = ""
    while True:
        try:
            await live()
            return
        except Exception as error:
            cause = _first_of(error)
            if not isinstance(cause, CratehandError):
                logger.exception("%s failed and begins again in %.0f s", name, _RESTART_S)
            elif str(cause) != told:
                told = str(cause)
                logger.warning("%s waits and tries again every %.0f s: %s", name, _RESTART_S, cause)
            await asyncio.sleep(_RESTART_S)


def _stop_on_signals(stop: asyncio.Event, last_resort: LastResort) -> None:
    loop = asyncio.get_running_loop()

    def ask() -> None:
        last_resort.arm()
        stop.set()

    if sys.platform == "win32":
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(ask))
        signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(ask))
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, ask)
