"""SIGKILL at many points of writing into a master.db and of undoing it: the old state or the new, and a sound file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.rekordbox_database import MasterDb
from tests.unit.bridges.rekordbox.killed_writer import KilledWriter
from tests.unit.bridges.rekordbox.test_writer_faults import kill_at
from tests.unit.bridges.rekordbox.written import PLAYLISTS_FILE, fill

pytestmark = pytest.mark.soak

POINTS = 200
"""Each of them once while applying and once while undoing."""


@pytest.fixture(scope="module")
def killed() -> Iterator[KilledWriter]:
    killed = KilledWriter()
    yield killed
    killed.close()


@pytest.mark.parametrize("encrypted", [False, True])
def test_no_kill_leaves_anything_half_done(killed: KilledWriter, tmp_path: Path, encrypted: bool) -> None:
    for number in range(20 if encrypted else POINTS):
        folder = tmp_path / str(number)
        path = folder / "rekordbox" / "master.db"
        with MasterDb(path, encrypted=encrypted) as master:
            fill(master)
        path.with_name("masterPlaylists6.xml").write_text(PLAYLISTS_FILE, encoding="utf-8")
        kill_at(killed, path, folder, number / (19 if encrypted else POINTS - 1))
