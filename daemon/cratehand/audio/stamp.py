"""How a file looks from outside: enough to see that it changed without reading it."""

from pathlib import Path

from cratehand.audio.container import translated
from cratehand.domain.track import FileStamp


def stamp_of(path: Path) -> FileStamp:
    """Return the stamp of a file.

    Raises:
        NotFoundError: No such file.
        UnavailableError: There, but can not be looked at now.
    """
    with translated(path):
        return FileStamp.of(path.stat())
