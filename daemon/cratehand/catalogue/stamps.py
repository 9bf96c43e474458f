"""Stamps of files as text: ``size mtime_ns ctime_ns inode``."""

from cratehand.domain.track import FileStamp


def stamp_text(stamp: FileStamp | None) -> str | None:
    """Return the text of a stamp."""
    return None if stamp is None else f"{stamp.size_bytes} {stamp.mtime_ns} {stamp.ctime_ns} {stamp.inode}"


def read_stamp(text: str | None) -> FileStamp | None:
    """Read a stamp back."""
    if text is None:
        return None
    size_bytes, mtime_ns, ctime_ns, inode = text.split(" ")
    return FileStamp(size_bytes=int(size_bytes), mtime_ns=int(mtime_ns), ctime_ns=int(ctime_ns), inode=int(inode))
