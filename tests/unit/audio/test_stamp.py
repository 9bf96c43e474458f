import os
import time
from pathlib import Path

import pytest

from cratehand.audio import stamp_of
from cratehand.domain.errors import NotFoundError


def test_a_stamp_sees_a_change_also_when_the_time_was_put_back(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"one")
    before = stamp_of(path)
    assert stamp_of(path) == before
    time.sleep(0.02)  # file systems keep time in steps of a few milliseconds
    path.write_bytes(b"two")
    os.utime(path, ns=(before.mtime_ns, before.mtime_ns))
    after = stamp_of(path)
    assert (after.size_bytes, after.mtime_ns, after.inode) == (before.size_bytes, before.mtime_ns, before.inode)
    assert after != before


def test_a_missing_file_has_no_stamp(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        stamp_of(tmp_path / "none")
