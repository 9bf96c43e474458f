"""Rekordbox XML and playlists at the size of a large collection, and the real exports there are.

``python -m tests.bench.xml_export [--record] [--quick]``. Real exports are looked for in ``$CRATEHAND_BENCH_DATA`` (default
``../shared/data``), in ``rekordbox/xml_*``; without them that part is left out.
"""

import os
import resource
import sys
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.collection import CollectionChange, CollectionPlaylist, CollectionTrack, PlaylistKind
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.key import Mode, MusicalKey
from cratehand.domain.matching import Candidate, CandidateIndex, WantedTrack, match_all
from cratehand_rekordbox_export import Product, parse_collection, write_collection, write_collection_file
from tests.bench.report import Report, command
from tests.golden.xml_shape import differences

TRACKS = 50_000
PLAYLISTS = 200
ADJECTIVES = (
    "Deep",
    "Silver",
    "Hollow",
    "Amber",
    "Northern",
    "Quiet",
    "Electric",
    "Velvet",
    "Broken",
    "Distant",
    "Ümlaut",
)
NOUNS = (
    "Harbour",
    "Lantern",
    "Signal",
    "Motor",
    "Garden",
    "Circle",
    "Mirror",
    "Engine",
    "River",
    "Tower",
    "夜",
    "Machine",
)
VERSIONS = ("", "", "", " (Original Mix)", " (Extended Mix)", " (Dub)", " (Osten Remix)", " [Live]")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    result: str


def collection() -> CollectionChange:
    """Return 50,000 tracks with 200,000 cues and 200 playlists."""
    tracks = [_track(number) for number in range(TRACKS)]
    playlists = [
        CollectionPlaylist(
            id=ForeignId(f"list {number}"),
            name=f"List & {number}",
            kind=PlaylistKind.PLAYLIST,
            position=number,
            entries=tuple(tracks[(number * 251 + step * 7) % TRACKS].id for step in range(100)),
        )
        for number in range(PLAYLISTS)
    ]
    return CollectionChange(full=True, tracks=tracks, playlists=playlists)


def _artist(number: int) -> str:
    return f"{NOUNS[number % 12]} {ADJECTIVES[number // 12 % 11]} {number % 3000}"


def _title(number: int) -> str:
    return f"{ADJECTIVES[number % 11]} {NOUNS[number // 11 % 12]} {number // 132}{VERSIONS[number % 8]}"


def _track(number: int) -> CollectionTrack:
    green = Colour(red=number % 256, green=200, blue=20)
    return CollectionTrack(
        id=ForeignId(str(10_000_000 + number * 37)),
        location=f"/Users/dj/Music/Crate {number % 90}/{_artist(number)} - {_title(number)}.mp3",
        values={
            Field.TITLE: _title(number),
            Field.ARTIST: _artist(number),
            Field.ALBUM: f"Album {number % 4000}",
            Field.GENRE: "Deep House",
            Field.COMMENT: "it's warm & slow",
            Field.LABEL: f"Label {number % 300}",
            Field.YEAR: 1990 + number % 35,
            Field.DURATION_S: 200.0 + number % 300,
            Field.BIT_RATE_KBPS: 320.0,
            Field.SAMPLE_RATE_HZ: 44100,
            Field.FILE_SIZE_BYTES: 9_000_000 + number,
            Field.RATING: number % 6,
            Field.PLAY_COUNT: number % 50,
            Field.DATE_ADDED: f"2024-01-{number % 28 + 1:02d}",
            Field.TEMPO_BPM: 118.0 + number % 1500 / 100,
            Field.KEY: MusicalKey(tonic=number % 12, mode=Mode.MINOR if number % 2 else Mode.MAJOR),
            Field.BEAT_GRID: BeatGrid(
                anchors=(GridAnchor(start_s=number % 900 / 1000, tempo_bpm=118.0 + number % 1500 / 100),)
            ),
        },
        cues=(
            Cue(kind=CueKind.HOT, start_s=0.5, pad=0, colour=green),
            Cue(kind=CueKind.HOT, start_s=64.25, pad=1, label="drop"),
            Cue(kind=CueKind.MEMORY, start_s=128.0),
            Cue(kind=CueKind.MEMORY, start_s=160.0, end_s=168.0),
        ),
    )


def bench_xml(change: CollectionChange) -> list[Row]:
    """Write to a file, read back, compare."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "export.xml"
        started = time.perf_counter()
        report = write_collection_file(path, change)
        written_s = time.perf_counter() - started
        megabytes = path.stat().st_size / 1e6
        before = _peak_mb()
        started = time.perf_counter()
        result = parse_collection(path)
        read_s = time.perf_counter() - started
        grown = _peak_mb() - before
        again = BytesIO()
        write_collection(again, result.change)
        same = again.getvalue() == path.read_bytes()
    return [
        Row(
            f"write {report.tracks:,} tracks, {report.cues:,} cues, {report.playlists} playlists", f"{written_s:.2f} s"
        ),
        Row("size of the file", f"{megabytes:.1f} MB"),
        Row("read it back", f"{read_s:.2f} s, {megabytes / read_s:.1f} MB/s"),
        Row("memory that the result of reading takes (growth of the peak)", f"{grown:.0f} MB"),
        Row("written again: the same bytes", "yes" if same else "NO"),
    ]


def bench_matching(change: CollectionChange) -> list[Row]:
    """Match 1,000 lines against the 50,000 tracks: exact, misspelt, unknown."""
    candidates = [
        Candidate(
            id=TrackId(track.id), artist=str(track.values[Field.ARTIST]), title=str(track.values[Field.TITLE]),
            path=track.location,
        )
        for track in change.tracks
    ]  # fmt: skip
    started = time.perf_counter()
    index = CandidateIndex(candidates)
    built_s = time.perf_counter() - started
    chosen = candidates[:: TRACKS // 900][:900]
    exact = [WantedTrack(artist=each.artist, title=each.title) for each in chosen[:600]]
    misspelt = [WantedTrack(artist=each.artist, title=_misspelt(str(each.title))) for each in chosen[600:]]
    unknown = [WantedTrack(artist=f"Nobody {number}", title=f"Deep Nothing {number}") for number in range(100)]
    started = time.perf_counter()
    answers = match_all([*exact, *misspelt, *unknown], index)
    matched_s = time.perf_counter() - started
    right = [
        answer.best is not None and answer.best.id == each.id for answer, each in zip(answers, chosen, strict=False)
    ]
    wrong = sum(
        answer.best is not None and answer.best.id != each.id for answer, each in zip(answers, chosen, strict=False)
    )
    return [
        Row(f"index of {len(index):,} tracks for matching", f"{built_s:.2f} s"),
        Row("match 1,000 lines", f"{matched_s:.2f} s"),
        Row("found of 600 exact ones", str(sum(right[:600]))),
        Row("found of 300 with a letter missing in the title", str(sum(right[600:]))),
        Row("taken for another track", str(wrong)),
        Row("taken of 100 unknown ones", str(sum(answer.best is not None for answer in answers[900:]))),
    ]


def _misspelt(title: str) -> str:
    # A letter of a word, not of the number: numbers are names.
    return title[:2] + title[3:]


def bench_real_exports() -> list[Row]:
    """Parse, write and compare every real export."""
    folder = Path(os.environ.get("CRATEHAND_BENCH_DATA", "../shared/data")) / "rekordbox"
    rows = []
    for path in sorted(folder.glob("xml_*/*.xml")):
        original = path.read_bytes()
        result = parse_collection(path)
        product = Product(
            name=result.report.product_name, version=result.report.product_version, company=result.report.company
        )
        target = BytesIO()
        newline = "\r\n" if b"\r\n" in original else "\n"
        write_collection(target, result.change, product=product, newline=newline)
        found = differences(path, target.getvalue())
        bytes_same = "the same bytes" if target.getvalue() == original else "other line breaks"
        tracks = len(result.change.tracks)
        rows.append(
            Row(
                f"real export {path.parent.name}: {tracks} tracks, version {product.version}",
                f"{len(found)} differences, {bytes_same}, {len(result.report.notes())} notes",
            )
        )
    return rows or [Row("real exports", f"left out: none in {folder}")]


def _peak_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def run(quick: bool) -> Report:
    """Measure with 50,000 tracks; a quick look leaves the matching out."""
    change = collection()
    rows = [*bench_xml(change), *([] if quick else bench_matching(change)), *bench_real_exports()]
    return Report(
        title="Rekordbox XML and playlists", head=("what", "result"), rows=[(row.what, row.result) for row in rows]
    )


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
