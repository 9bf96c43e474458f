"""What the settings say of a cluster: folders that its workers see at other places, and what they have to offer."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath, PureWindowsPath

from cratehand.domain.errors import InvalidInputError


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedFolder:
    """One folder: where it is on this device, and where the workers see it."""

    here: PurePath
    there: PurePath


def parse_shared_folders(rules: Iterable[str]) -> tuple[SharedFolder, ...]:
    """Read rules such as ``/Users/anna/Music=/mnt/music``; the longest folder comes first.

    Raises:
        InvalidInputError: A rule has no ``=``, or a side is no absolute path.
    """
    folders = []
    for rule in rules:
        here, sign, there = rule.partition("=")
        sides = (_absolute(here.strip()), _absolute(there.strip()))
        if not sign or sides[0] is None or sides[1] is None:
            raise InvalidInputError(
                f"{rule!r} is no shared folder: write HERE=THERE, two whole paths, e.g. /Users/anna/Music=/mnt/music"
            )
        folders.append(SharedFolder(here=sides[0], there=sides[1]))
    return tuple(sorted(folders, key=lambda folder: len(str(folder.here)), reverse=True))


def parse_resource(rule: str) -> tuple[str, float]:
    """Read what a worker has to offer, e.g. ``GPU=1``; raises `InvalidInputError`."""
    name, _, amount = rule.partition("=")
    try:
        number = float(amount)
    except ValueError:
        number = 0.0
    if not name.strip() or not 0.0 < number < float("inf"):
        raise InvalidInputError(f"{rule!r} is no resource of a worker: write a name and how much of it, e.g. GPU=1")
    return name.strip(), number


def path_there(path: str, folders: Sequence[SharedFolder]) -> str:
    """Return where the workers see a path of this device; the path itself where no shared folder holds it."""
    for folder in folders:
        kind = type(folder.here)
        if kind(path).is_relative_to(folder.here):
            return str(folder.there.joinpath(*kind(path).relative_to(folder.here).parts))
    return path


def _absolute(text: str) -> PurePath | None:
    # Of either system, whichever this one is: a Windows laptop and a Linux server share folders, too.
    for kind in (PurePosixPath, PureWindowsPath):
        if text and kind(text).is_absolute():
            return kind(text)
    return None
