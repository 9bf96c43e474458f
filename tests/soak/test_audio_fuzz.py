"""Thousands of damaged audio files: no crash, no hang, no process left, no error but ours."""

from pathlib import Path

import pytest

from tests.unit.audio import fuzz

FILES = 2_400


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_thousands_of_damaged_files_neither_crash_hang_nor_leak(tmp_path: Path) -> None:
    tally = fuzz.run(tmp_path, files=FILES, seed=2024)
    print(f"\n{tally.files} files, slowest {tally.slowest_s:.1f} s, largest child {tally.largest_mb:.0f} MB")
    for outcome, count in sorted(tally.outcomes.items()):
        print(f"  {outcome}: {count}")
    assert tally.files == FILES
    assert tally.faults == []
    assert tally.largest_mb < 500
