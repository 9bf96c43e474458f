"""Random things that people do to folders, and whether the scanner's reports add up to what is there."""

import os
import random
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from cratehand.domain.folders import KnownFile
from cratehand.domain.track import FileStamp, Presence
from cratehand.watch import DiskScanner, IgnoreRules
from tests.unit.watch.disk import apply, later

NAMES = ["a", "B", "Bj\u00f6rk", "Bjo\u0308rk", "日本", "new\nline", "x" * 100, "a b", "ü"]


class RandomDisk:
    """A folder that random operations work on.

    Args:
        root: The watched folder.
        seed: Chooses the operations.
        names: What files and folders are called.
    """

    def __init__(self, root: Path, seed: int, names: Sequence[str] = NAMES) -> None:
        self.root = root
        self.names = names
        self.luck = random.Random(seed)
        self.done: list[str] = []

    def step(self) -> None:
        """Do one random thing."""
        action: Callable[[], str] = self.luck.choice(
            [self.add, self.add, self.add, self.add_elsewhere, self.write, self.write, self.write_back, self.move,
             self.move, self.move_folder, self.delete, self.delete_folder, self.replace, self.copy, self.link]
        )  # fmt: skip
        try:
            self.done.append(f"{action.__name__} {action()}")
        except OSError as error:
            self.done.append(f"{action.__name__} failed: {error}")

    def audio(self) -> set[Path]:
        """Return all audio files that are no links, by walking."""
        return {
            Path(folder, name)
            for folder, _, names in os.walk(self.root)
            for name in names
            if name.endswith(".mp3") and not Path(folder, name).is_symlink()
        }

    def folders(self) -> list[Path]:
        return sorted(Path(folder) for folder, _, _ in os.walk(self.root))

    def add(self) -> str:
        path = self._new_path()
        path.write_bytes(self.luck.randbytes(self.luck.randint(1, 50)))
        return repr(path.name)

    def add_elsewhere(self) -> str:
        folder = self.luck.choice(self.folders()) / self._name()
        folder.mkdir(exist_ok=True)
        return repr(folder.name)

    def write(self) -> str:
        path = self._some()
        path.write_bytes(self.luck.randbytes(self.luck.randint(1, 50)))
        return repr(path.name)

    def write_back(self) -> str:
        path = self._some()
        before = path.stat()
        path.write_bytes(self.luck.randbytes(before.st_size))
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return repr(path.name)

    def move(self) -> str:
        before, after = self._some(), self._new_path()
        before.rename(after)
        return f"{before.name!r} to {after.name!r}"

    def move_folder(self) -> str:
        folder = self.luck.choice(self.folders()[1:] or [self.root / "none"])
        target = self.luck.choice(self.folders()) / self._name()
        folder.rename(target)
        return f"{folder.name!r} to {target.name!r}"

    def delete(self) -> str:
        path = self._some()
        path.unlink()
        return repr(path.name)

    def delete_folder(self) -> str:
        folder = self.luck.choice(self.folders()[1:] or [self.root / "none"])
        shutil.rmtree(folder)
        return repr(folder.name)

    def replace(self) -> str:
        path, spare = self._some(), self.root / "spare"
        spare.write_bytes(self.luck.randbytes(self.luck.randint(1, 50)))
        spare.replace(path)
        return repr(path.name)

    def copy(self) -> str:
        before, after = self._some(), self._new_path()
        shutil.copy2(before, after)
        return f"{before.name!r} to {after.name!r}"

    def link(self) -> str:
        link = self.luck.choice(self.folders()) / self._name()
        target = self.luck.choice(self.folders())
        link.symlink_to(target)
        return repr(link.name)

    def _some(self) -> Path:
        files = sorted(self.audio())
        if not files:
            raise FileNotFoundError("no file yet")
        return self.luck.choice(files)

    def _name(self) -> str:
        return self.luck.choice(self.names) + str(self.luck.randint(0, 5))

    def _new_path(self) -> Path:
        return self.luck.choice(self.folders()) / f"{self._name()}.mp3"


def check_random_life(root: Path, seed: int, *, steps: int) -> None:
    """Do random things, look every now and then, and hold the catalogue's view against the disk."""
    disk = RandomDisk(root, seed)
    scanner = DiskScanner(ignore=IgnoreRules(), clock=later(), settle_s=0.0)
    (root / "always.mp3").write_bytes(b"keeps the folder from looking unmounted")
    known: list[KnownFile] = []
    for step in range(steps):
        disk.step()
        if step % disk.luck.randint(1, 6):
            continue
        change = scanner.sweep([root], known) if disk.luck.random() < 0.7 else scanner.look_at([root], [root], known)
        for path in change.gone:
            assert not path.exists(), disk.done
        known = apply(change, known)
        present = [file for file in known if file.presence is Presence.PRESENT]
        for file in present:
            assert file.stamp == FileStamp.of(file.path.stat()), (file.path, disk.done[-10:])
        missed = {normal(path) for path in disk.audio()} - {normal(file.path) for file in present}
        assert not missed, (missed, disk.done[-10:])
        assert scanner.sweep([root], known).is_empty, disk.done[-10:]


def normal(path: Path) -> str:
    """Return what all spellings of a path share."""
    from cratehand.watch.paths import path_key

    return path_key(str(path))
