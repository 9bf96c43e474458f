"""A data folder with a few tracks, and the command line called inside this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cratehand.app.cli.application import run_command_line
from cratehand.app.data_folder import DataFolder
from cratehand.app.wiring import open_catalogue
from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.embedding import DSP_SPACE
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, PlaylistId, TrackId
from cratehand.domain.provenance import Fact, Source, SourceKind
from cratehand.domain.track import Presence, Track
from cratehand.usecases.reading_facts import facts_of
from tests.fakes.readings import reading, unit_vector

TITLES = (
    ("Night Tram", "Depot", 132.0),
    ("Velvet Meridian", "Second Balcony", 120.0),
    ("Night Tram", "Last Stop", 138.0),
)
IDS = tuple(TrackId(f"{digit * 16}") for digit in "abc")


@dataclass(frozen=True)
class Said:
    """What one call gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.setenv("CRATEHAND_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("COLUMNS", raising=False)
    return DataFolder(tmp_path / "data")


@pytest.fixture
def cratehand(folder: DataFolder, capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Call the command line; ``cratehand("tracks", "--json")``."""

    def call(*words: str) -> Said:
        capsys.readouterr()
        code = run_command_line(words)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call


@pytest.fixture
def crate(folder: DataFolder, tmp_path: Path) -> list[Path]:
    """Three analysed tracks, the first also in Rekordbox, and a playlist with two of them."""
    catalogue = open_catalogue(folder.make().path)
    paths = [tmp_path / "music" / f"{artist} - {title}.flac" for artist, title, _ in TITLES]
    paths[0].parent.mkdir()
    with catalogue.writing() as stores:
        for track_id, path, (artist, title, tempo_bpm) in zip(IDS, paths, TITLES, strict=True):
            path.touch()
            stores.tracks.add([Track(id=track_id, path=path, presence=Presence.PRESENT, added_at_s=1.0)])
            told = {Field.ARTIST: artist, Field.TITLE: title}
            stores.facts.record(track_id, facts_of(reading(str(path), tags=told), at_s=2.0))
            source = Source(kind=SourceKind.REKORDBOX, name="master.db")
            stores.facts.record(track_id, [Fact(field=Field.TEMPO_BPM, value=tempo_bpm, source=source, at_s=3.0)])
            stores.vectors.put(DSP_SPACE, track_id, unit_vector(len(title)))
        stores.tracks.set_collection_id(IDS[0], ForeignId("4711"))
        stores.playlists.save(
            Playlist(id=PlaylistId("1" * 16), name="Peak", kind=PlaylistKind.PLAYLIST, entries=(IDS[2], IDS[0]))
        )
    catalogue.close()
    return paths
