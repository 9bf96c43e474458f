from pathlib import Path

from tests.unit.audio import fuzz


def test_sixty_damaged_files_neither_crash_hang_nor_leak(tmp_path: Path) -> None:
    tally = fuzz.run(tmp_path, files=60, seed=7)
    assert tally.files == 60
    assert tally.faults == []
    assert tally.largest_mb < 400
