"""A landed file finds the track it may be a copy of."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cratehand.analysis.fingerprint_match import read_fingerprint, sample_items
from cratehand.audio import ChromaprintFingerprinter, FileReader
from cratehand.catalogue.fingerprint_index import FingerprintIndexFile
from cratehand.domain.errors import NotFoundError
from cratehand.domain.ids import TrackId
from cratehand.usecases.copy_search import CopySearch
from tests.audio_files import write_audio
from tests.music import arrangement

KNOWN = TrackId("00000000000000aa")
OTHER = TrackId("00000000000000bb")


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> CopySearch:
    folder = tmp_path_factory.mktemp("search")
    known: dict[TrackId, str] = {}
    for track, tonic in ((KNOWN, 9), (OTHER, 2)):
        path = write_audio(folder / f"{track}.mp3", arrangement(tempo_bpm=120.0 + tonic, tonic=tonic).samples)
        session = ChromaprintFingerprinter().session(sample_rate_hz=44_100, channels=2)
        for block in FileReader().blocks(path):
            session.feed(block)
        known[track] = session.finish() or ""
    index = FingerprintIndexFile(folder / "index.db", lambda text: sample_items(read_fingerprint(text)))
    index.add_all(known.items())

    def fingerprints(tracks: Sequence[TrackId]) -> Mapping[TrackId, str]:
        return {track: known[track] for track in tracks}

    return CopySearch(FileReader(), ChromaprintFingerprinter(), index, fingerprints)


def test_a_copy_in_another_codec_finds_its_track_first(search: CopySearch, tmp_path: Path) -> None:
    landed = write_audio(tmp_path / "landed.flac", 0.5 * arrangement(tempo_bpm=129.0, tonic=9).samples)
    best, *_ = search.likely_tracks(landed)
    assert best.track == KNOWN
    assert best.ber < 0.03


def test_what_is_too_short_for_a_fingerprint_finds_nothing(search: CopySearch, tmp_path: Path) -> None:
    landed = write_audio(tmp_path / "short.flac", arrangement(tempo_bpm=129.0).samples[:, :20_000])
    assert search.likely_tracks(landed) == []


def test_a_landed_file_that_vanished_is_one_clear_error(search: CopySearch, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="gone"):
        search.likely_tracks(tmp_path / "gone.flac")
