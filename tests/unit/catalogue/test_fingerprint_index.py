"""The index over fingerprints finds a copy among many, follows changes, and survives damage."""

from pathlib import Path

import numpy as np
import pytest

from cratehand.analysis.fingerprint_match import Codes, sample_items
from cratehand.catalogue.fingerprint_index import FingerprintIndexFile
from cratehand.domain.errors import InvalidInputError, NotFoundError
from cratehand.domain.ids import TrackId


def sample(text: str) -> tuple[Codes, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """Take ``seed`` or ``seed+silence`` for a fingerprint: 900 random items, some of them damaged and shifted."""
    if not text[:1].isdigit():
        raise InvalidInputError("no fingerprint")
    seed, _, lead = text.partition("+")
    items = np.random.default_rng(int(seed)).integers(0, 1 << 32, 900, dtype=np.uint32)
    if lead:
        damage = np.random.default_rng(7).random(900) < 0.6
        items = np.concatenate([np.zeros(int(lead), np.uint32), np.where(damage, items ^ np.uint32(4), items)])
    return sample_items(items)


def track(number: int) -> TrackId:
    return TrackId(f"{number:016x}")


@pytest.fixture
def index(tmp_path: Path) -> FingerprintIndexFile:
    made = FingerprintIndexFile(tmp_path / "cache" / "fingerprints.db", sample)
    made.add_all([(track(number), str(number)) for number in range(200)])
    return made


def test_a_damaged_and_shifted_copy_is_found_first(index: FingerprintIndexFile) -> None:
    (best, score), *_ = index.candidates("77+13")
    assert best == track(77)
    assert 0.2 < score < 0.7


def test_a_stranger_finds_nobody(index: FingerprintIndexFile) -> None:
    assert index.candidates("5000") == []


def test_a_removed_track_is_not_found(index: FingerprintIndexFile) -> None:
    index.remove(track(77))
    index.remove(track(77))
    assert index.candidates("77") == []
    assert len(index.tracks()) == 199


def test_a_track_is_found_by_its_new_fingerprint_only(index: FingerprintIndexFile) -> None:
    index.add(track(5), "900")
    assert index.candidates("900")[0][0] == track(5)
    assert index.candidates("5") == []


def test_what_was_added_is_there_after_a_restart(index: FingerprintIndexFile, tmp_path: Path) -> None:
    index.close()
    with FingerprintIndexFile(tmp_path / "cache" / "fingerprints.db", sample) as again:
        assert again.candidates("42")[0] == (track(42), 1.0)


def test_a_damaged_file_is_made_anew(index: FingerprintIndexFile, tmp_path: Path) -> None:
    index.close()
    (tmp_path / "cache" / "fingerprints.db").write_bytes(b"no database at all" * 100)
    with FingerprintIndexFile(tmp_path / "cache" / "fingerprints.db", sample) as again:
        assert again.tracks() == frozenset()


def test_items_that_everybody_has_tell_nobody_apart(tmp_path: Path) -> None:
    with FingerprintIndexFile(tmp_path / "common.db", sample) as index:
        index.add_all([(track(number), "1") for number in range(500)])
        assert index.candidates("1") == []


def test_what_is_no_fingerprint_changes_nothing(index: FingerprintIndexFile) -> None:
    with pytest.raises(InvalidInputError):
        index.add(track(1), "nothing")
    with pytest.raises(NotFoundError):
        index.add(TrackId("no id"), "3")
    assert index.candidates("1")[0][0] == track(1)
