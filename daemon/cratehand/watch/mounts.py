"""Drives: which file system a path lies on, and whether the drive of a path is there at all."""

import logging
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PureWindowsPath

import psutil

from cratehand.watch.paths import is_empty_folder, parent_of, prefix_of

_log = logging.getLogger(__name__)

_NETWORK_FILE_SYSTEMS = frozenset(
    {
        "9p", "afpfs", "afs", "ceph", "cifs", "davfs", "drvfs", "fuse.davfs2", "fuse.glusterfs", "fuse.gvfsd-fuse",
        "fuse.rclone", "fuse.s3fs", "fuse.smbnetfs", "fuse.sshfs", "fuse.vmhgfs-fuse", "fuse.webdavfs", "fuse.xtreemfs",
        "lustre", "macfuse", "ncpfs", "nfs", "nfs3", "nfs4", "osxfuse", "prl_fs", "smb", "smb2", "smb3", "smbfs",
        "sshfs", "vboxsf", "virtiofs", "vmhgfs", "webdav",
    }
)  # fmt: skip
"""File systems that change without the kernel of this computer hearing of it."""

_MADE_UP_INODES = frozenset({"exfat", "fat", "fat12", "fat16", "fat32", "fuseblk", "msdos", "msdosfs", "vfat"})
"""File systems without inodes of their own: the numbers differ after every mount."""

_FSTAB = Path("/etc/fstab")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """One mounted file system."""

    place: str
    """Where it is mounted: an absolute path, on Windows a drive such as ``E:\\``."""
    file_system: str
    """Its kind in lower case, as the system names it."""
    is_remote: bool = False


class MountTable:
    """What was mounted at one moment.

    Args:
        mounts: All mounts.
        expected: Places where something is to be mounted according to the system's settings (``/etc/fstab``).
    """

    def __init__(self, mounts: Iterable[Mount], *, expected: Iterable[str] = ()) -> None:
        self._mounts = {mount.place: mount for mount in mounts}
        self._unmounted = [place for place in expected if place not in self._mounts]
        self._absent: dict[str, bool] = {}

    @classmethod
    def read(cls, fstab: Path = _FSTAB) -> "MountTable":
        """Ask the system; where it does not answer the table is empty."""
        try:
            partitions = psutil.disk_partitions(all=True)
        except (OSError, RuntimeError) as error:
            _log.warning("cannot list the mounted drives, network folders are not recognised: %s", error)
            partitions = []
        mounts = [
            Mount(
                place=partition.mountpoint,
                file_system=partition.fstype.lower(),
                is_remote="remote" in partition.opts.split(","),
            )
            for partition in partitions
        ]
        return cls(mounts, expected=_expected_mounts(fstab) if sys.platform == "linux" else ())

    def mount_of(self, path: str) -> Mount | None:
        """Return the mount a path lies on; symbolic links in `path` are to be resolved before."""
        place = path
        while place not in self._mounts:
            parent = parent_of(place)
            if parent == place:
                return None
            place = parent
        return self._mounts[place]

    def is_network(self, path: str) -> bool:
        """Whether a path lies on another computer, so that nobody tells of changes there."""
        if sys.platform == "win32" and path.startswith("\\\\"):
            return True
        mount = self.mount_of(path)
        return mount is not None and (mount.is_remote or mount.file_system in _NETWORK_FILE_SYSTEMS)

    def has_stable_inodes(self, path: str) -> bool:
        """Whether a file keeps its inode number while nobody touches it."""
        mount = self.mount_of(path)
        return mount is None or mount.file_system not in _MADE_UP_INODES | _NETWORK_FILE_SYSTEMS

    def absent_drive(self, path: Path) -> Path | None:
        """Return the drive that a path needs and that is not there, None where its drive is there.

        A drive is a level that removable drives and shares are mounted at (`drive_levels`), or a place where the
        system's settings expect one. It is absent where the level does not exist, or is an empty folder on which
        nothing is mounted.
        """
        text = str(path)
        for place in self._unmounted:
            if text.startswith(prefix_of(place)):
                return Path(place)
        for level in drive_levels(path):
            if str(level) in self._mounts:
                return None
            if self._is_absent(str(level)):
                return Path(level)
        return None

    def _is_absent(self, level: str) -> bool:
        if level not in self._absent:
            self._absent[level] = not os.path.lexists(level) or is_empty_folder(level)
        return self._absent[level]


def drive_levels(path: PurePath) -> Sequence[PurePath]:
    """Return the folders above a path at which systems mount removable drives and shares, outermost first.

    ``/Volumes/X`` on macOS; ``/mnt/X``, ``/media/X``, ``/media/USER/X``, ``/run/media/USER/X``, ``/net/HOST`` and
    ``/run/user/UID/gvfs/X`` on Linux; the drive or share on Windows.
    """
    if isinstance(path, PureWindowsPath):
        return [PureWindowsPath(path.anchor)] if path.anchor else []
    depths: tuple[int, ...] = ()
    match path.parts[1:]:
        case ("Volumes" | "mnt" | "net", *_):
            depths = (2,)
        case ("media", *_):
            depths = (2, 3)
        case ("run", "media", *_):
            depths = (4,)
        case ("run", "user", _, "gvfs", *_):
            depths = (5,)
    steps = path.parts
    return [type(path)(*steps[: depth + 1]) for depth in depths if len(steps) > depth + 1]


def _expected_mounts(fstab: Path) -> Sequence[str]:
    try:
        lines = fstab.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    fields = [line.split() for line in lines if not line.lstrip().startswith("#")]
    # fstab(5): a space in a mount point is written as \040, a tab as \011.
    places = [field[1].replace("\\040", " ").replace("\\011", "\t") for field in fields if len(field) > 1]
    return [place.rstrip("/") for place in places if place.startswith("/") and place != "/"]
