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
        status = path.stat()
    return FileStamp(
        size_bytes=status.st_size, mtime_ns=status.st_mtime_ns, ctime_ns=status.st_ctime_ns, inode=status.st_ino
    )
