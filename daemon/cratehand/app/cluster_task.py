"""What a worker of a cluster runs. Light to import, since the daemon names it and never runs it."""

import platform
from collections.abc import Callable
from typing import Any

from cratehand import __version__
from cratehand.domain.errors import UnsupportedError


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
