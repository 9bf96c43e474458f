"""What a worker of a cluster runs. Light to import, since the daemon names it and never runs it."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cratehand import __version__
from cratehand.domain.errors import UnavailableError, UnsupportedError
from cratehand.domain.stem import StemFile, StemKind


def run_there(version: str, task: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Run a task if this worker has the same cratehand as the device that asks: only then results are the same.

    Raises:
        UnsupportedError: It has another one.
    """
    if version != __version__:
        raise UnsupportedError(
            f"the worker on {platform.node()} has cratehand {__version__}, this device has {version}: install the same "
            "on both and restart the worker"
        )
    return task(*args)


@dataclass(frozen=True, slots=True, kw_only=True)
class StemsThere:
    """What a worker made of a file."""

    model: str
    """Name and version."""
    stems: Mapping[StemKind, bytes]
    """FLACs, as the cache keeps them."""
    peaks: Mapping[StemKind, float]


def separate_there(path: str, model: str) -> StemsThere:
    """Separate with the models and the settings of this computer; its cache lets it go on after it was killed.

    Raises:
        CratehandError: As `StemSeparation.separate`, and where the model is not here.
    """
    from cratehand.app.data_folder import DataFolder, default_data_dir
    from cratehand.app.model_parts import stem_separation
    from cratehand.app.settings import load_settings

    data_dir = default_data_dir()
    settings = load_settings(data_dir=data_dir).settings
    separation, _ = stem_separation(settings, DataFolder(data_dir), model or None)
    return packed(separation.separate(Path(path), out=None, on_progress=while_wanted()))


def while_wanted() -> Callable[[float, float | None], None]:
    """Return what ends the task of this thread between two windows once nobody waits for it any more.

    Dask kills no thread: a task that was taken back, or whose device has gone, would go on to its end. Raises
    `UnavailableError`; outside of a worker it never does.
    """
    from distributed import get_worker

    try:
        worker = get_worker()
    except ValueError:
        return lambda *_: None
    key = worker.get_current_task()

    def look(*_: float | None) -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise UnavailableError("nobody waits for this separation any more; it goes on from there when asked again")

    return look


def packed(files: list[StemFile]) -> StemsThere:
    """Return stems of the cache as they travel."""
    return StemsThere(
        model=Path(files[0].path).parent.name,
        stems={file.kind: Path(file.path).read_bytes() for file in files},
        peaks={file.kind: file.peak for file in files},
    )
