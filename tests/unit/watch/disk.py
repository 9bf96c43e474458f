"""What the tests of watched folders share: a clock, and a catalogue's view of what was reported."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cratehand.domain.folders import FolderChange, KnownFile
from cratehand.domain.ids import TrackId
from cratehand.domain.track import Presence
from cratehand.watch.paths import path_key


class SystemClock:
    """The real time."""

    def now_s(self) -> float:
        return time.time()

    def monotonic_s(self) -> float:
        return time.monotonic()


@dataclass
class HandClock:
    """A clock wound by hand; the wall time can be far from the monotonic one."""

    wall_s: float
    steady_s: float = 0.0

    def now_s(self) -> float:
        return self.wall_s

    def monotonic_s(self) -> float:
        return self.steady_s

    def pass_s(self, seconds: float) -> None:
        self.wall_s += seconds
        self.steady_s += seconds


def later(seconds: float = 3600.0) -> HandClock:
    """Return a clock for which everything that happens in a test happened long ago."""
    return HandClock(wall_s=time.time() + seconds)


def apply(change: FolderChange, known: Sequence[KnownFile], *, roots: Iterable[Path] = ()) -> list[KnownFile]:
    """Keep a change as the catalogue would: what is known afterwards."""
    files = {path_key(str(file.path)): file for file in known}
    for path in change.gone:
        key = path_key(str(path))
        files[key] = replace(files[key], presence=Presence.MISSING)
    for path in change.returned:
        key = path_key(str(path))
        files[key] = replace(files[key], presence=Presence.PRESENT)
    for drive in change.offline:
        for key, file in files.items():
            if drive in file.path.parents:
                files[key] = replace(file, presence=Presence.OFFLINE)
    moved = [(files.pop(path_key(str(before))), seen) for before, seen in change.moved]
    for file, seen in moved:
        files[path_key(str(seen.path))] = replace(
            file, name=str(seen.path), stamp=seen.stamp, presence=Presence.PRESENT
        )
    for seen in change.altered:
        key = path_key(str(seen.path))
        files[key] = replace(files[key], name=str(seen.path), stamp=seen.stamp, presence=Presence.PRESENT)
    for seen in change.landed:
        key = path_key(str(seen.path))
        assert key not in files, f"{seen.path} landed although it is known"
        track_id = TrackId(f"{len(files):016x}")
        files[key] = KnownFile(track_id=track_id, name=str(seen.path), stamp=seen.stamp, presence=Presence.PRESENT)
    return list(files.values())
