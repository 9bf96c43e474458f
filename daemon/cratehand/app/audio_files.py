"""The audio files that a person's paths mean."""

from collections.abc import Sequence
from pathlib import Path

from cratehand.watch.ignore import IgnoreRules
from cratehand.watch.mounts import MountTable
from cratehand.watch.walk import TreeWalk


def audio_files(paths: Sequence[Path], *, ignore: Sequence[str] = ()) -> list[Path]:
    """Return the files to read, each once: a file as it was named, of a folder what is music for us, sorted.

    A path that is not there stays in the list; reading it gives the reason.
    """
    found: dict[Path, None] = {}
    for path in paths:
        found.update(dict.fromkeys(_inside(path, ignore) if path.is_dir() else [path]))
    return list(found)


def _inside(folder: Path, ignore: Sequence[str]) -> list[Path]:
    walk = TreeWalk(IgnoreRules(ignore), MountTable.read(), [str(folder)])
    walk.walk(str(folder), str(folder))
    walk.follow_links(lambda _: False)
    return sorted(Path(file.path) for file in walk.files.values())
