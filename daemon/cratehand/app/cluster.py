"""The workers of a Dask cluster behind `concurrent.futures.Executor`, in the place of processes of our own.

Dask runs a task again whose worker died; one that takes several workers along is the task's own fault. `distributed`
comes with the extra ``cluster`` and is imported with the first task.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

from cratehand import __version__
from cratehand.app.cluster_task import run_there
from cratehand.app.settings import AnalysisSettings
from cratehand.app.shared_folders import SharedFolder, parse_resource, parse_shared_folders, path_there
from cratehand.audio.stamp import stamp_of
from cratehand.domain.errors import CorruptFileError, CratehandError, UnavailableError, UnsupportedError
from cratehand.domain.track import FileStamp
from cratehand.domain.track_analysis import FileReading

logger = logging.getLogger(__name__)

R = TypeVar("R")

INSTALL: Final = 'pip install "cratehand[cluster]"'
DEFAULT_PORT: Final = 8786
_CONNECT_S: Final = 3.0
_LOOK_S: Final = 5.0
"""How long what was said of the workers holds."""
_AGAIN_S: Final = 10.0


class ClusterExecutor(Executor):
    """Hands tasks to the workers of a scheduler. `submit` never waits: all talking is done by a thread of its own.

    A future can be cancelled: a task that waits there is taken back, one that runs is run to its end for nothing, since
    Dask kills no thread, unless it looks by itself (`cluster_task.while_wanted`).

    Args:
        address: Of the scheduler, e.g. ``tcp://studio:8786``.
        folders: Folders that the workers see elsewhere.
        resources: What a worker must have for these tasks, e.g. ``{"GPU": 1}``; see ``dask worker --resources``.
        connect_s: How long to wait for the scheduler.
    """

    def __init__(
        self,
        address: str,
        *,
        folders: Sequence[SharedFolder] = (),
        resources: Mapping[str, float] | None = None,
        connect_s: float = _CONNECT_S,
    ) -> None:
        if find_spec("distributed") is None:
            raise UnsupportedError(f"[analysis] cluster is set and Dask is not installed: {INSTALL}")
        self.address = address if address.rpartition(":")[2].isdigit() else f"{address}:{DEFAULT_PORT}"
        self._folders = tuple(folders)
        self._resources = dict(resources) if resources else None
        self._connect_s = connect_s
        self._talk = ThreadPoolExecutor(1, thread_name_prefix="cluster")
        self._client: Any = None
        self._has_ended = threading.Event()
        self._threads, self._asked_s = 1, -_LOOK_S
        self._open: set[Future[Any]] = set()

    @property
    def width(self) -> int:
        """How many tasks the workers can run at once; 1 as long as that is not known."""
        if time.monotonic() - self._asked_s > _LOOK_S and not self._has_ended.is_set():
            self._asked_s = time.monotonic()
            self._talk.submit(self._count)
        return max(self._threads, 1)

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Run a picklable function of an installed module on a worker.

        Paths among the arguments are those of this device. The future fails with `UnavailableError` where no scheduler
        can be reached, `UnsupportedError` where its versions do not fit, `CorruptFileError` where the task kills its
        workers, else with what the function raised.
        """
        if self._has_ended.is_set():
            raise UnavailableError("the cluster was let go of: cratehand is ending")
        future: Future[R] = Future()
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        self._talk.submit(self._send, future, partial(fn, **kwargs) if kwargs else fn, args)
        return future

    def look(self) -> int:
        """Return how many tasks the workers can run at once; waits for the answer, raises as futures do."""
        threads: int = self._talk.submit(lambda: sum(self._connected().nthreads().values())).result()
        return threads

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take back what waits and hang up."""
        if self._has_ended.is_set():
            return
        self._has_ended.set()
        for future in list(self._open):
            future.cancel()
        self._talk.submit(self._hang_up)
        self._talk.shutdown(wait=wait)

    # --- on the thread that talks -------------------------------------------------------------------------------

    def _send(self, future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if future.cancelled():
            return
        there = tuple(path_there(each, self._folders) if isinstance(each, str) else each for each in args)
        try:
            stamp = _stamp(args)
            client = self._connected()
            self._require_resources(client)
            task = client.submit(run_there, __version__, fn, there, pure=False, resources=self._resources)
        except CratehandError as error:
            _settle(future, error=error)
            return
        except Exception as error:
            # Whatever Dask makes of a connection that is breaking: the task was not run.
            reason = f"{type(error).__name__}: {error}"
            _settle(future, error=UnavailableError(f"the cluster {self.address} takes no task ({reason})"))
            return
        future.add_done_callback(partial(self._take_back, task))
        task.add_done_callback(partial(self._ended, future, (args, there), stamp))

    def _connected(self) -> Any:
        if self._client is not None and self._client.status == "running":
            return self._client
        from distributed import Client

        self._hang_up()
        try:
            self._client = Client(self.address, timeout=self._connect_s, set_as_default=False, name="cratehand")
            require_same_versions(self._client.get_versions())
        except CratehandError:
            self._hang_up()
            raise
        except (OSError, ValueError, RuntimeError) as error:
            self._hang_up()
            raise UnavailableError(
                f"the Dask scheduler {self.address} of [analysis] cluster does not answer: `dask scheduler` starts one "
                f"there, and `cratehand config check` shows the setting ({' '.join(str(error).split())[:200]})",
                retry_after_s=_AGAIN_S,
            ) from error
        logger.info("analyses run on the workers of %s", self.address)
        return self._client

    def _require_resources(self, client: Any) -> None:
        for name, amount in (self._resources or {}).items():
            workers = client.scheduler_info(n_workers=-1)["workers"].values()
            if not any(worker["resources"].get(name, 0) >= amount for worker in workers):
                raise UnavailableError(
                    f"no worker of {self.address} offers {name}={amount:g}: start one with `dask worker {self.address} "
                    f'--resources "{name}={amount:g}"`',
                    retry_after_s=_AGAIN_S,
                )

    def _count(self) -> None:
        with suppress(Exception):
            self._threads = sum(self._client.nthreads().values()) if self._client is not None else 1

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                client.close(timeout=1.0)

    def _take_back(self, task: Any, future: Future[Any]) -> None:
        if future.cancelled():
            with suppress(RuntimeError):  # the thread ends
                self._talk.submit(_cancel, task)

    # --- on a thread of Dask ------------------------------------------------------------------------------------

    def _ended(
        self,
        future: Future[Any],
        paths: tuple[tuple[Any, ...], tuple[Any, ...]],
        stamp: FileStamp | None,
        task: Any,
    ) -> None:
        if task.status == "finished":
            _settle(future, result=_here(task.result(), paths, stamp))
        elif task.status == "error":
            _settle(future, error=_understood(task.exception(), str(paths[0][0]) if paths[0] else "a task"))
        else:
            reason = f"the cluster {self.address} lost the task: is its scheduler still there?"
            _settle(future, error=UnavailableError(reason, retry_after_s=_AGAIN_S))


def cluster_executor(analysis: AnalysisSettings, *, for_stems: bool = False) -> ClusterExecutor:
    """Return the cluster that the settings name; raises `UnsupportedError` where Dask is not installed."""
    rules = analysis.cluster_stem_resources if for_stems else analysis.cluster_resources
    wanted = dict(parse_resource(text) for text in rules)
    folders = parse_shared_folders(analysis.cluster_folders)
    return ClusterExecutor(analysis.cluster, folders=folders, resources=wanted)


def _settle(future: Future[Any], *, result: Any = None, error: BaseException | None = None) -> None:
    if not future.set_running_or_notify_cancel():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


def _cancel(task: Any) -> None:
    with suppress(Exception):
        task.cancel()


def _stamp(args: tuple[Any, ...]) -> FileStamp | None:
    """Return the stamp of the file that a task is about, as this device sees it."""
    with suppress(CratehandError, OSError):
        return stamp_of(Path(args[0])) if args and isinstance(args[0], str) else None
    return None


def _here(result: Any, paths: tuple[tuple[Any, ...], tuple[Any, ...]], stamp: FileStamp | None) -> Any:
    """Return a reading as this device would have made it: its path, and its stamp from before the file was read."""
    if not isinstance(result, FileReading):
        return result
    here, there = str(paths[0][0]), str(paths[1][0])
    errors = tuple(error.replace(there, here) for error in result.errors)
    return replace(result, path=here, stamp=stamp if result.stamp is not None else None, errors=errors)


def _understood(error: BaseException, name: str) -> BaseException:
    from distributed.scheduler import KilledWorker

    if isinstance(error, KilledWorker):
        return CorruptFileError(f"{name}: it killed every worker of the cluster that read it: the file is damaged")
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModuleNotFoundError):
            missing = f"a worker of the cluster has no {cause.name}: install the same cratehand there"
            return UnsupportedError(f"{missing}, with the extras cpu and cluster")
        cause = cause.__cause__
    return error


def require_same_versions(versions: Mapping[str, Any]) -> None:
    """See that everybody has our Dask, Python and numpy, else bits may differ; raises `UnsupportedError`."""
    mine = _versions(versions["client"])
    others = {f"the worker {name}": found for name, found in versions["workers"].items()}
    for who, found in {"the scheduler": versions["scheduler"], **others}.items():
        theirs = _versions(found)
        if differences := [
            f"{name} {theirs[name]} instead of {mine[name]}" for name in mine if mine[name] != theirs[name]
        ]:
            raise UnsupportedError(
                f"{who} has {', '.join(differences)}: install the same cratehand on all computers of the cluster"
            )


def _versions(found: Mapping[str, Any]) -> dict[str, str]:
    packages = found.get("packages", {})
    python = ".".join(str(packages.get("python")).split(".")[:2])
    return {"Dask": str(packages.get("distributed")), "Python": python, "numpy": str(packages.get("numpy"))}
