"""A plain (unencrypted) collection for what has nothing to do with the key, whose derivation takes 0.1 s a time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cratehand_bridges.rekordbox import RekordboxDatabase
from tests.fakes.rekordbox_database import MasterDb


@pytest.fixture
def master(tmp_path: Path) -> Iterator[MasterDb]:
    """An open collection without tracks."""
    with MasterDb(tmp_path / "rekordbox" / "master.db", encrypted=False) as database:
        yield database


class Stopwatch:
    """A clock that a test winds by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def reader_of(tmp_path: Path, clock: Stopwatch) -> Iterator[Callable[[Path], RekordboxDatabase]]:
    """Makes readers that are closed when the test ends."""
    made: list[RekordboxDatabase] = []

    def make(path: Path) -> RekordboxDatabase:
        made.append(RekordboxDatabase(path, cache_dir=tmp_path / "cache", monotonic_s=clock))
        return made[-1]

    yield make
    for reader in made:
        reader.close()
