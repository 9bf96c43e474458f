"""What Rekordbox's analysis files become."""

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.fields import Field
from cratehand.domain.structure import Section, SectionLabel
from cratehand.domain.waveform import Waveform
from cratehand_bridges.rekordbox import RekordboxDatabase
from cratehand_bridges.rekordbox.anlz import AnalysisFiles, grid_from_beats
from tests.fakes.rekordbox_database import MasterDb
from tests.unit.bridges.rekordbox.anlz_files import anlz, even_beats, pqtz, pssi, pwv3, pwv4, tag, write

DATA = "/PIONEER/USBANLZ/b72/2f306-40b5/ANLZ0000.DAT"
COMPLETE = anlz(
    pwv3(150 * 60), tag(b"XXXX", b"unknown"), pssi(1, 121, [(1, 1), (33, 2), (65, 5)]), pwv4([(127, 64, 0)])
)


def grid_of(beats: list[tuple[int, float, float]]) -> BeatGrid | None:
    places, bpms, times_s = (np.array(column) for column in zip(*beats, strict=True))
    return grid_from_beats(places, bpms, np.round(times_s, 3))


def test_one_tempo_is_one_anchor_at_its_first_beat() -> None:
    assert grid_of(even_beats(800, 128.0, start_s=0.071, place=3)) == BeatGrid(
        anchors=(GridAnchor(start_s=0.071, tempo_bpm=128.0, beat_in_bar=3),)
    )


def test_a_tempo_finer_than_it_is_stored_is_recovered() -> None:
    exact_bpm = 126.0247
    beats = [(place, 126.02, time_s) for place, _, time_s in even_beats(1200, exact_bpm)]
    grid = grid_of(beats)
    assert grid is not None
    assert grid.is_constant
    assert grid.main_tempo_bpm == pytest.approx(exact_bpm, abs=1e-3)


def test_each_tempo_change_is_an_anchor_and_every_beat_stays_in_place() -> None:
    beats = even_beats(100, 120.0)
    beats += even_beats(100, 128.0, start_s=50.0, place=1)
    beats += even_beats(50, 96.5, start_s=50.0 + 100 * 60 / 128)
    grid = grid_of(beats)
    assert grid is not None
    assert [anchor.tempo_bpm for anchor in grid.anchors] == [120.0, 128.0, 96.5]
    found = list(grid.beats(until_s=beats[-1][2] + 0.1))
    assert [place for _, place in found] == [place for place, _, _ in beats]
    assert max(abs(found[n][0] - beats[n][2]) for n in range(len(beats))) < 0.003


def test_a_free_grid_keeps_every_beat_within_the_tolerance() -> None:
    luck = random.Random(5)
    beats, time_s = [], 0.2
    for number in range(300):
        bpm = luck.uniform(118.0, 122.0)
        beats.append((number % 4 + 1, round(bpm, 2), time_s))
        time_s += 60.0 / bpm
    grid = grid_of(beats)
    assert grid is not None
    found = list(grid.beats(until_s=time_s - 0.1))
    assert len(found) == len(beats)
    assert max(abs(found[n][0] - beats[n][2]) for n in range(len(beats))) < 0.003


@pytest.mark.parametrize(
    "beats", [[(1, 0.0, 0.0)], [(0, 120.0, 0.0)], [(5, 120.0, 0.0)], [(1, 120.0, 1.0), (2, 120.0, 1.0)]]
)
def test_beats_that_make_no_grid_are_none(beats: list[tuple[int, float, float]]) -> None:
    assert grid_of(beats) is None


def test_a_track_gets_grid_sections_and_overview(tmp_path: Path) -> None:
    write(tmp_path, DATA, anlz(pqtz(even_beats(120, 120.0))), COMPLETE)
    values = AnalysisFiles(tmp_path).read(DATA)
    assert values[Field.BEAT_GRID] == BeatGrid(anchors=(GridAnchor(start_s=0.0, tempo_bpm=120.0),))
    assert values[Field.SECTIONS] == (
        Section(start_s=0.0, end_s=16.0, label=SectionLabel.INTRO),
        Section(start_s=16.0, end_s=32.0, label=SectionLabel.BUILD),
        Section(start_s=32.0, end_s=60.0, label=SectionLabel.DROP),
    )
    overview = values[Field.WAVEFORM]
    assert isinstance(overview, Waveform)
    assert overview.levels.tolist() == [[255], [255], [128], [0]]
    assert overview.step_s == 60.0


@pytest.mark.parametrize(
    ("mood", "kinds", "labels"),
    [
        (1, (1, 2, 3, 5, 6), ("intro", "build", "break", "drop", "outro")),
        (2, (1, 2, 7, 8, 9, 10), ("intro", "verse", "verse", "break", "drop", "outro")),
        (3, (1, 4, 8, 9, 10), ("intro", "verse", "break", "drop", "outro")),
    ],
)
def test_a_phrase_means_what_its_mood_says(
    tmp_path: Path, mood: int, kinds: tuple[int, ...], labels: tuple[str, ...]
) -> None:
    phrases = [(1 + 8 * number, kind) for number, kind in enumerate(kinds)]
    write(tmp_path, DATA, anlz(pqtz(even_beats(100, 120.0))), anlz(pssi(mood, 97, phrases)))
    sections = AnalysisFiles(tmp_path).read(DATA)[Field.SECTIONS]
    assert isinstance(sections, tuple)
    assert tuple(section.label for section in sections) == labels


def test_a_file_that_was_analysed_again_is_read_again(tmp_path: Path) -> None:
    files = AnalysisFiles(tmp_path, keep=2)
    write(tmp_path, DATA, anlz(pqtz(even_beats(10, 120.0))))
    first = files.read(DATA)
    assert files.read(DATA) is first
    write(tmp_path, DATA, anlz(pqtz(even_beats(11, 130.0))))
    grid = files.read(DATA)[Field.BEAT_GRID]
    assert isinstance(grid, BeatGrid)
    assert grid.main_tempo_bpm == 130.0


@pytest.mark.parametrize("path", ["", "/../../etc/passwd", "C:/x.DAT", "/no/such/ANLZ0000.DAT"])
def test_a_path_that_leads_nowhere_or_out_gives_nothing(tmp_path: Path, path: str) -> None:
    assert AnalysisFiles(tmp_path).read(path) == {}


def test_no_damage_to_a_file_raises(tmp_path: Path) -> None:
    luck = random.Random(11)
    whole = anlz(pqtz(even_beats(40, 120.0)))
    for number in range(300):
        damaged = [bytearray(whole), bytearray(COMPLETE)]
        for content in damaged:
            for _ in range(luck.randint(1, 8)):
                content[luck.randrange(len(content))] = luck.randrange(256)
            if luck.random() < 0.4:
                del content[luck.randrange(len(content)) :]
        path = f"/{number}/ANLZ0000.DAT"
        write(tmp_path, path, bytes(damaged[0]), bytes(damaged[1]))
        values = AnalysisFiles(tmp_path).read(path)
        assert set(values) <= {Field.BEAT_GRID, Field.SECTIONS, Field.WAVEFORM}


def test_the_reader_finds_the_files_of_its_tracks(
    master: MasterDb, reader_of: Callable[[Path], RekordboxDatabase]
) -> None:
    analysed = master.add_track("a", AnalysisDataPath=DATA)
    bare = master.add_track("b")
    write(master.path.parent / "share", DATA, anlz(pqtz(even_beats(10, 120.0))), COMPLETE)
    reader = reader_of(master.path)
    track = reader.read(None).tracks[0]
    assert Field.BEAT_GRID not in track.values, "a first import must not open 50,000 files"
    found = reader.analysis_of([track.id, *[bare], "4711"])  # type: ignore[list-item]  # IDs of the fixture are text
    assert set(found) == {analysed}
    assert set(found[track.id]) == {Field.BEAT_GRID, Field.SECTIONS, Field.WAVEFORM}


def test_an_analysis_that_was_renewed_surfaces_as_a_changed_track(
    master: MasterDb, reader_of: Callable[[Path], RekordboxDatabase]
) -> None:
    track = master.add_track("a", AnalysisDataPath=DATA, AnalysisUpdated="4")
    reader = reader_of(master.path)
    mark = reader.read(None).mark
    master.change_track(track, AnalysisUpdated="5")
    assert [each.id for each in reader.read(mark).tracks] == [track]
