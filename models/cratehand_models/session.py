"""Running an ONNX graph: loaded at the first use, released when idle, one at a time on an accelerator.

A provider that fails is left once, loudly, for the processor; running out of memory halves the batch and goes on.
"""

import contextlib
import io
import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from cratehand.domain.errors import CorruptFileError, NotFoundError, UnavailableError, UnsupportedError
from cratehand.domain.model import Model
from cratehand.domain.ports import Clock
from cratehand_models.providers import CPU, PROVIDERS, ProviderChoice

logger = logging.getLogger(__name__)

Array: TypeAlias = npt.NDArray[Any]

_OUT_OF_MEMORY: Final = ("out of memory", "failed to allocate", "bad_alloc", "cudaerrormemoryallocation")

_OPTIONS: Final = {PROVIDERS["cuda"]: {"cudnn_conv_algo_search": "HEURISTIC"}}
"""Trying every algorithm, the default, costs seconds at each start and found slower ones for htdemucs."""

_ACCELERATOR: Final = threading.Lock()
"""One queue for all accelerators of this process: two models at once on one card only fight for its memory."""


class Graph(Protocol):
    """What ONNX Runtime's ``InferenceSession`` does for us."""

    def run(self, outputs: Sequence[str] | None, feeds: Mapping[str, Array]) -> list[Array]: ...

    def get_inputs(self) -> Sequence[Any]: ...

    def get_providers(self) -> Sequence[str]: ...

    def get_modelmeta(self) -> Any: ...


class OpenGraph(Protocol):
    """Opens a graph with these providers; raises whatever the runtime raises."""

    def __call__(self, path: Path, *, providers: Sequence[str], threads: int) -> Graph: ...


def open_graph(path: Path, *, providers: Sequence[str], threads: int) -> Graph:
    """Open a graph with ONNX Runtime.

    Raises:
        UnsupportedError: ONNX Runtime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise UnsupportedError(
            'ONNX Runtime is not installed: pip install "cratehand[cpu]" or "cratehand[gpu]"'
        ) from error
    if not {PROVIDERS["cuda"], PROVIDERS["tensorrt"]}.isdisjoint(providers):
        _load_cuda(onnxruntime)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads that spin while they wait take the processor from Live.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    chosen = [(name, _OPTIONS[name]) if name in _OPTIONS else name for name in providers]
    graph: Graph = onnxruntime.InferenceSession(str(path), options, providers=chosen)
    return graph


def _load_cuda(onnxruntime: Any) -> None:
    """Load NVIDIA's libraries from their packages beside us, where ONNX Runtime does not look by itself."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        onnxruntime.preload_dlls()
    for line in said.getvalue().splitlines():
        logger.info("ONNX Runtime: %s", line)


def open_shipped(path: Path, *, open_with: OpenGraph = open_graph) -> Graph:
    """Open a small graph that lies inside the package, on one core of the processor.

    For graphs that are called step after step, each step told of the last: an accelerator would only wait.

    Raises:
        UnsupportedError: ONNX Runtime is not installed.
        NotFoundError: No such file.
        CorruptFileError: It can't be read as a graph.
    """
    if not path.is_file():
        raise NotFoundError(f"{path} is not there: install cratehand anew")
    try:
        return open_with(path, providers=[CPU], threads=1)
    except UnsupportedError:
        raise
    except Exception as error:  # ONNX Runtime has no root of its own for what it raises
        raise CorruptFileError(
            f"{path} can not be loaded ({_first_line(error)}): `cratehand models verify` looks whether it is whole; "
            "install cratehand anew"
        ) from error


class ModelSession:
    """One graph of one model. Thread-safe: calls wait for each other."""

    def __init__(
        self,
        model: Model,
        path: Path,
        *,
        choice: ProviderChoice,
        clock: Clock,
        threads: int = 1,
        open_with: OpenGraph = open_graph,
    ) -> None:
        self._model = model
        self._path = path
        self._providers = choice.order
        self._clock = clock
        self.threads = threads
        self._open = open_with
        self._lock = threading.Lock()
        self._graph: Graph | None = None
        self._used_at_s = clock.monotonic_s()

    @property
    def is_loaded(self) -> bool:
        """Whether the graph is in memory now."""
        return self._graph is not None

    @property
    def provider(self) -> str:
        """The execution provider that runs it, or would."""
        return self._providers[0]

    def run(self, feeds: Mapping[str, Array]) -> list[Array]:
        """Run the graph once.

        Args:
            feeds: Input name → array, as the manifest says.

        Returns:
            The outputs in the order of the graph.

        Raises:
            CorruptFileError: The file is no graph, or one of other inputs than the manifest says.
            UnavailableError: It failed on the processor too, or the memory does not suffice.
            UnsupportedError: ONNX Runtime is not installed.
        """
        try:
            return self._run_in_turn(feeds)
        except _OutOfMemoryError as error:
            if self.provider == CPU:
                raise
            # There is no smaller piece than this one; the processor has other memory.
            with self._lock:
                self._leave_accelerator(error)
            return self._run_in_turn(feeds)

    def _run_in_turn(self, feeds: Mapping[str, Array]) -> list[Array]:
        with self._lock:
            self._used_at_s = self._clock.monotonic_s()
            try:
                if self.provider == CPU:
                    return self._run(feeds)
                with _ACCELERATOR:
                    return self._run_or_fall_back(feeds)
            finally:
                self._used_at_s = self._clock.monotonic_s()

    def run_batched(self, feeds: Mapping[str, Array], *, batch: int) -> list[Array]:
        """Run rows of a graph whose first axis is free, at most `batch` at once, fewer where memory runs out.

        Args:
            feeds: Input name → array; all have the same number of rows, at least one.
            batch: How many rows to begin with, at least 1.

        Returns:
            The outputs, rows in order.

        Raises:
            UnavailableError: Not even one row fits into the memory.
        """
        rows = len(next(iter(feeds.values())))
        done: list[list[Array]] = []
        at = 0
        while at < rows:
            some = {name: array[at : at + batch] for name, array in feeds.items()}
            try:
                done.append(self.run(some) if batch == 1 else self._run_in_turn(some))
            except _OutOfMemoryError:
                if batch == 1:
                    raise
                batch = max(1, batch // 2)
                logger.warning("%s: memory ran out, going on with %d at once", self._model.name, batch)
            else:
                at += batch
        return [np.concatenate(parts) for parts in zip(*done, strict=True)]

    def release_if_idle(self, *, idle_s: float) -> bool:
        """Let go of the graph where it was not used for so long; return whether it was let go now."""
        if self._clock.monotonic_s() - self._used_at_s < idle_s or not self._lock.acquire(blocking=False):
            return False
        try:
            released, self._graph = self._graph is not None, None
        finally:
            self._lock.release()
        return released

    def _run_or_fall_back(self, feeds: Mapping[str, Array]) -> list[Array]:
        try:
            return self._run(feeds)
        except (_OutOfMemoryError, CorruptFileError, UnsupportedError):
            raise
        except UnavailableError as error:
            self._leave_accelerator(error)
            return self._run(feeds)

    def _leave_accelerator(self, error: UnavailableError) -> None:
        logger.warning("%s: %s failed, the processor takes over from here: %s", self._model.name, self.provider, error)
        self._providers, self._graph = [CPU], None

    def _run(self, feeds: Mapping[str, Array]) -> list[Array]:
        graph = self._graph or self._load()
        self._graph = graph
        try:
            return list(graph.run(None, feeds))
        except MemoryError as error:
            raise self._out_of_memory(error) from error
        except Exception as error:  # ONNX Runtime has no root of its own for what it raises
            if any(word in str(error).lower() for word in _OUT_OF_MEMORY):
                raise self._out_of_memory(error) from error
            raise UnavailableError(f"{self._model.name} failed on {self.provider}: {_first_line(error)}") from error

    def _load(self) -> Graph:
        try:
            graph = self._open(self._path, providers=self._providers, threads=self.threads)
        except UnsupportedError:
            raise
        except MemoryError as error:
            raise self._out_of_memory(error) from error
        except Exception as error:  # as above
            if self.provider != CPU:
                raise UnavailableError(
                    f"{self.provider} can not load {self._model.name}: {_first_line(error)}"
                ) from error
            raise CorruptFileError(
                f"{self._path} can not be loaded ({_first_line(error)}): "
                "`cratehand models verify` looks whether it is whole"
            ) from error
        self._check(graph)
        if self.provider != CPU and self.provider not in graph.get_providers():
            logger.warning("%s: %s could not be had, the processor runs it", self._model.name, self.provider)
            self._providers = [CPU]
        logger.info("loaded %s %s on %s", self._model.name, self._model.version, self.provider)
        return graph

    def _check(self, graph: Graph) -> None:
        found = {entry.name: tuple(entry.shape) for entry in graph.get_inputs()}
        wanted = {entry.name: entry.shape for entry in self._model.inputs}
        fits = found.keys() == wanted.keys() and all(_same_shape(found[name], wanted[name]) for name in wanted)
        if not fits:
            raise CorruptFileError(
                f"{self._path} takes {_shapes(found)}, the manifest says {_shapes(wanted)}: it is another model; "
                f"`cratehand models fetch {self._model.name}` brings the right one"
            )

    def _out_of_memory(self, error: Exception) -> "_OutOfMemoryError":
        return _OutOfMemoryError(
            f"the memory does not suffice for {self._model.name} on {self.provider} ({_first_line(error)}): "
            "close other programs"
        )


class _OutOfMemoryError(UnavailableError):
    """The memory of the provider does not suffice."""


def _same_shape(found: Sequence[object], wanted: Sequence[int | str]) -> bool:
    """Whether the fixed lengths agree; what is free in one may be anything in the other."""
    return len(found) == len(wanted) and all(
        not isinstance(here, int) or not isinstance(there, int) or here == there
        for here, there in zip(found, wanted, strict=True)
    )


def _shapes(shapes: Mapping[str, Sequence[object]]) -> str:
    return ", ".join(f"{name}[{','.join(map(str, shape))}]" for name, shape in shapes.items()) or "nothing"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
