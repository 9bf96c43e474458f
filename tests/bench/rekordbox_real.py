"""Reads a real Rekordbox 6 excerpt and checks what is known of it: ``python -m tests.bench.rekordbox_real [--record]``.

Six tracks with eight cues, MyTags and analysis files; the excerpt has five tables only and no registry.
"""

import shutil
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from cratehand.domain.beatgrid import BeatGrid
from cratehand.domain.collection import CollectionTrack
from cratehand.domain.cue import CueKind
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.waveform import Waveform
from cratehand_bridges.rekordbox import RekordboxDatabase
from cratehand_bridges.rekordbox.anlz import read_tags
from tests.bench.rekordbox_collection import BENCH_DATA
from tests.bench.report import Report, command

REAL = BENCH_DATA / "rekordbox" / "cuegen_rb6"


def run(quick: bool) -> Report | None:
    """Read the excerpt and compare with what is known of it; there is nothing to make quicker."""
    if not (REAL / "test.db").exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "master.db"
        shutil.copyfile(REAL / "test.db", path)
        reader = RekordboxDatabase(path, anlz_root=REAL / "share", cache_dir=Path(folder) / "cache")
        change = reader.read(None)
        began_s = time.perf_counter()
        analysis = reader.analysis_of([track.id for track in change.tracks])
        took_s = time.perf_counter() - began_s
        again = reader.read(change.mark)
        reader.close()
    rows = [_row(track, analysis.get(track.id, {})) for track in change.tracks]
    problems = _problems(list(change.tracks), analysis)
    if not again.is_empty:
        problems.append("a second read found changes")
    return Report(
        title="A real Rekordbox 6 excerpt",
        head=("track", "BPM", "grid", "sections", "overview", "cues", "tags"),
        rows=list(rows),
        notes=[f"Analysis files: {1000 * took_s / len(change.tracks):.0f} ms a track.", *problems],
        missed=problems,
    )


def _row(track: CollectionTrack, analysis: object) -> list[str]:
    values = dict(analysis) if isinstance(analysis, dict) else {}
    grid, sections, overview = (values.get(key) for key in (Field.BEAT_GRID, Field.SECTIONS, Field.WAVEFORM))
    return [
        str(track.values.get(Field.TITLE)),
        str(track.values.get(Field.TEMPO_BPM)),
        f"{len(grid.anchors)} anchors from {grid.anchors[0].start_s} s" if isinstance(grid, BeatGrid) else "",
        " ".join(section.label for section in sections[:4]) + " …" if isinstance(sections, tuple) else "",
        f"{overview.levels.shape[1]} x {overview.step_s:.3f} s" if isinstance(overview, Waveform) else "",
        " ".join(f"{cue.start_s}" for cue in track.cues),
        " ".join(str(tag) for tag in track.values.get(Field.TAGS, ())),  # type: ignore[attr-defined]  # a tuple of text
    ]


def _problems(tracks: list[CollectionTrack], analysis: dict[ForeignId, dict[Field, object]]) -> list[str]:
    cues = [cue for track in tracks for cue in track.cues]
    problems = []
    if len(tracks) != 6 or len(cues) != 8:
        problems.append(f"expected 6 tracks and 8 cues, not {len(tracks)} and {len(cues)}")
    if any(cue.kind is not CueKind.MEMORY or cue.is_loop for cue in cues):
        problems.append("all cues of the excerpt are memory points")
    for track in tracks:
        grid = analysis.get(track.id, {}).get(Field.BEAT_GRID)
        sections = analysis.get(track.id, {}).get(Field.SECTIONS)
        if not isinstance(grid, BeatGrid) or not isinstance(sections, tuple) or not 10 < len(sections) <= 30:
            problems.append(f"{track.values[Field.TITLE]}: no grid, or {len(sections or ())} sections")  # type: ignore[arg-type]
            continue
        if abs(grid.main_tempo_bpm - float(str(track.values[Field.TEMPO_BPM]))) > 0.02:
            problems.append(f"{track.values[Field.TITLE]}: the grid has {grid.main_tempo_bpm} BPM")
        if any(later.start_s != earlier.end_s for earlier, later in pairwise(sections)):
            problems.append(f"{track.values[Field.TITLE]}: the sections do not touch")
    return problems + _grids_off(REAL / "share")


def _grids_off(root: Path) -> list[str]:
    """Compare every beat of the grids with every beat in the files."""
    from cratehand_bridges.rekordbox.anlz import AnalysisFiles

    problems = []
    for file in root.rglob("ANLZ0000.DAT"):
        grid = AnalysisFiles(root).read(str(file.relative_to(root)))[Field.BEAT_GRID]
        tags, _ = read_tags(file.read_bytes())
        stored = [(beat.time / 1000, beat.beat) for beat in tags["PQTZ"].content.entries]
        assert isinstance(grid, BeatGrid)
        found = [beat for beat in grid.beats(until_s=stored[-1][0] + 0.1) if beat[0] >= stored[0][0] - 0.01]
        worst_s = max(abs(ours[0] - theirs[0]) for ours, theirs in zip(found, stored, strict=False))
        if len(found) != len(stored) or worst_s > 0.003 or [each[1] for each in found] != [each[1] for each in stored]:
            problems.append(f"{file.parent.name}: {len(found)} beats for {len(stored)}, {worst_s * 1000:.1f} ms off")
    return problems


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
