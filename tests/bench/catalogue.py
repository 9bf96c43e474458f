"""Speed and size of the catalogue with 50,000 tracks: ``python -m tests.bench.catalogue [--record] [--quick]``."""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from cratehand.catalogue import SqliteCatalogue, backup, check, open_device
from cratehand.domain.collection import CollectionChange, CollectionPlaylist, CollectionTrack, PlaylistKind
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.embedding import DSP_SPACE
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.job import JobKind, JobState, Priority
from cratehand.domain.key import Mode, MusicalKey
from cratehand.domain.provenance import PERSON, Fact, Source, SourceKind
from cratehand.domain.search import SortOrder, TrackFilter, TrackQuery
from tests.bench.report import Report, command

SOURCE = Source(kind=SourceKind.REKORDBOX, name="master.db", version="7")
Row = tuple[str, str, str]

_IDLE = """
import sys, time
from pathlib import Path
from cratehand.catalogue import open_device
from cratehand.domain.search import TrackQuery
def rss(): return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
before = rss()
catalogue = open_device(Path(sys.argv[1]))
with catalogue.reading() as stores:
    stores.tracks.query(TrackQuery(limit=100)); stores.tracks.known_files()
used = rss()
catalogue.release_memory()
print(f"{before:.0f} {used:.0f} {rss():.0f}")
"""


def synthetic_collection(tracks: int, *, cues: int, playlists: int, seed: int = 1) -> CollectionChange:
    """Return a collection of that many tracks with about 18 facts, and cues and playlists shared out among them."""
    rng = random.Random(seed)
    letters = ["abcdefghijklmnopqrstuvwxyz"] * 19 + ["abcdefghijklmnopqrstuvwxyzäéø"]
    words = ["".join(rng.choices(rng.choice(letters), k=rng.randint(3, 9))) for _ in range(4000)]

    def some(count: int) -> str:
        return " ".join(rng.choices(words, k=count)).title()

    artists, labels = [some(2) for _ in range(4000)], [some(2) for _ in range(800)]
    genres = ["Techno", "House", "Drum & Bass", "Électro", "Minimal"]
    per_track = cues // tracks
    rows = [
        CollectionTrack(
            id=ForeignId(str(100_000 + number)),
            location=f"/Users/dj/Music/{some(1)}/{some(2)} {number}.mp3",
            values=_values(rng, number, some, artists, labels, genres),
            cues=tuple(_cue(number, at) for at in range(per_track)),
            grid_locked=number % 50 == 0,
        )
        for number in range(tracks)
    ]
    lists = [
        CollectionPlaylist(
            id=ForeignId(str(number + 1)),
            name=some(2),
            kind=PlaylistKind.PLAYLIST,
            position=number,
            entries=tuple(row.id for row in rng.choices(rows, k=100)),
        )
        for number in range(playlists)
    ]
    return CollectionChange(full=True, tracks=rows, playlists=lists, mark={"usn": 1})


def _values(
    rng: random.Random,
    number: int,
    some: Callable[[int], str],
    artists: list[str],
    labels: list[str],
    genres: list[str],
) -> dict[Field, object]:
    return {
        Field.TITLE: some(3), Field.ARTIST: rng.choice(artists), Field.ALBUM: some(2), Field.GENRE: rng.choice(genres),
        Field.LABEL: rng.choice(labels), Field.REMIXER: rng.choice(artists), Field.COMMENT: some(4),
        Field.YEAR: 1990 + number % 35, Field.RATING: number % 6, Field.COLOUR: "Red", Field.PLAY_COUNT: number % 40,
        Field.DATE_ADDED: f"20{number % 24:02d}-0{number % 9 + 1}-11", Field.DURATION_S: 200.0 + number % 300,
        Field.TEMPO_BPM: rng.randint(8000, 18000) / 100, Field.KEY: MusicalKey(tonic=number % 12, mode=Mode.MINOR),
        Field.BIT_RATE_KBPS: 320.0, Field.SAMPLE_RATE_HZ: 44_100, Field.FILE_SIZE_BYTES: 9_000_000 + number,
    }  # fmt: skip


def _cue(number: int, at: int) -> Cue:
    is_hot = at % 2 == 0
    return Cue(
        kind=CueKind.HOT if is_hot else CueKind.MEMORY,
        start_s=10.0 + at * 30 + number % 7,
        pad=at // 2 if is_hot else None,
        label="Drop" if is_hot else "",
        colour=Colour(red=40, green=226, blue=20) if is_hot else None,
        foreign_id=f"{number}-{at}",
    )


def ids(seed: int = 2) -> Callable[[], str]:
    """Return a source of random ids that gives the same ones every time."""
    rng = random.Random(seed)
    return lambda: f"{rng.getrandbits(64):016x}"


def timed(action: Callable[[], object]) -> float:
    """Return how many seconds an action took."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def best_ms(action: Callable[[], object], *, rounds: int = 7) -> str:
    """Return the median of a few runs in milliseconds, and the slowest."""
    runs = [timed(action) * 1e3 for _ in range(rounds)]
    return f"{statistics.median(runs):.1f} ms (slowest {max(runs):.1f})"


def measure(folder: Path, *, tracks: int, cues: int, playlists: int) -> list[Row]:
    """Measure everything on a catalogue made in `folder`."""
    change, new_id = synthetic_collection(tracks, cues=cues, playlists=playlists), ids()
    path = folder / "catalogue.db"
    rows: list[Row] = [("make a new catalogue", f"{timed(lambda: open_device(path).close()) * 1e3:.0f} ms", "< 100 ms")]
    catalogue = open_device(path)

    def apply(what: CollectionChange) -> None:
        with catalogue.writing() as stores:
            stores.collection.apply(what, source=SOURCE, at_s=1e9, new_id=new_id)

    spent = timed(lambda: apply(change))
    rows.append((f"first import: {tracks} tracks, {cues} cues, {playlists} playlists", f"{spent:.2f} s", "<= 3.5 s"))
    rows.append(("size of the file", f"{path.stat().st_size / 1e6:.0f} MB", ""))
    rows.append(("the same import again, nothing new", f"{timed(lambda: apply(change)):.2f} s", ""))
    for count in (1, 100):
        some = [
            replace(row, values={**row.values, Field.RATING: 5, Field.COMMENT: f"{count}"})
            for row in change.tracks[:count]
        ]
        spent = timed(partial(apply, CollectionChange(full=False, tracks=some, mark={"usn": 2})))
        rows.append((f"change of {count} tracks", f"{spent * 1e3:.1f} ms", "milliseconds"))
    rows += _queries(catalogue)
    rows += _work(catalogue, new_id)
    rows += _vectors(catalogue)
    rows.append(("backup", f"{timed(lambda: backup(path, folder / 'copy.db')):.2f} s", ""))
    rows.append(("check of everything", f"{timed(lambda: check(path)):.1f} s", ""))
    catalogue.close()
    rows.append(("open again", best_ms(lambda: open_device(path).close()), ""))
    idle = subprocess.run([sys.executable, "-c", _IDLE, str(path)], capture_output=True, text=True, check=True)
    before, used, after = idle.stdout.split()
    rows.append(("resident: imported / after queries / idle", f"{before} / {used} / {after} MB", "< 200 MB"))
    return rows


def _queries(catalogue: SqliteCatalogue) -> list[Row]:
    asked = {
        "page by artist": TrackQuery(),
        "page by artist, the last": TrackQuery(offset=49_900),
        "page by rating, descending, in the middle": TrackQuery(order=SortOrder.RATING, descending=True, offset=25_000),
        "page of 124-126 BPM by date": TrackQuery(
            filter=TrackFilter(tempo_bpm=(124, 126)), order=SortOrder.DATE_ADDED, descending=True
        ),
        "page of a genre by energy": TrackQuery(filter=TrackFilter(genre="electro"), order=SortOrder.ENERGY),
        "page of a rare word": TrackQuery(filter=TrackFilter(text="track")),
        "page of a common letter": TrackQuery(filter=TrackFilter(text="a")),
        "page of three words": TrackQuery(filter=TrackFilter(text="a mp3 e")),
        "page of what is not analysed": TrackQuery(filter=TrackFilter(analysed=False)),
    }

    def ask(query: TrackQuery) -> object:
        with catalogue.reading() as stores:
            return stores.tracks.query(query)

    return [(name, best_ms(partial(ask, query)), "< 30 ms") for name, query in asked.items()]


def _work(catalogue: SqliteCatalogue, new_id: Callable[[], str]) -> list[Row]:
    with catalogue.reading() as stores:
        tracks = [known.track_id for known in stores.tracks.known_files()]

    def known() -> None:
        with catalogue.reading() as stores:
            stores.tracks.known_files()

    def detail() -> None:
        with catalogue.reading() as stores:
            track = random.choice(tracks)
            stores.tracks.get(track), stores.tracks.summary(track), stores.facts.facts(track), stores.cues.cues(track)

    def correct() -> None:
        with catalogue.writing() as stores:
            stores.facts.record(
                random.choice(tracks), [Fact(field=Field.TITLE, value=new_id(), source=PERSON, at_s=time.time())]
            )

    def enqueue() -> None:
        with catalogue.writing() as stores:
            stores.jobs.enqueue(JobKind.ANALYSE, tracks, priority=Priority.BACKGROUND, at_s=1.0, new_id=new_id)

    def one_job() -> None:
        with catalogue.writing() as stores:
            (job,) = stores.jobs.claim(limit=1, at_s=2.0)
        with catalogue.writing() as stores:
            stores.jobs.finish(job.id, state=JobState.DONE, at_s=3.0)

    return [
        ("all known files", best_ms(known, rounds=3), ""),
        ("one track with facts and cues", best_ms(detail, rounds=50), "< 5 ms"),
        ("a correction, on the disk", best_ms(correct, rounds=50), ""),
        (f"queue {len(tracks)} jobs", f"{timed(enqueue):.2f} s", ""),
        ("claim a job and end it", best_ms(one_job, rounds=50), ""),
    ]


def _vectors(catalogue: SqliteCatalogue) -> list[Row]:
    with catalogue.reading() as stores:
        tracks = [known.track_id for known in stores.tracks.known_files()]
    vectors = np.random.default_rng(1).standard_normal((len(tracks), DSP_SPACE.dimension)).astype(np.float32)

    def put() -> None:
        with catalogue.writing() as stores:
            for track, vector in zip(tracks, vectors, strict=True):
                stores.vectors.put(DSP_SPACE, track, vector)

    def nearest(among: Sequence[str] | None = None) -> None:
        with catalogue.reading() as stores:
            stores.vectors.nearest(DSP_SPACE, vectors[0], limit=20, among=among)  # type: ignore[arg-type]

    return [
        (f"put {len(tracks)} vectors of {DSP_SPACE.dimension}", f"{timed(put):.1f} s", ""),
        (f"20 nearest of {len(tracks)}, {catalogue.driver.name}", best_ms(nearest), ""),
        ("20 nearest among 1,000", best_ms(lambda: nearest(tracks[:1000])), ""),
    ]


def run(quick: bool) -> Report:
    """Measure a catalogue of 50,000 tracks; of 5,000 for a quick look."""
    tracks = 5_000 if quick else 50_000
    with tempfile.TemporaryDirectory(dir=os.environ.get("CRATEHAND_BENCH_TMP")) as folder:
        rows = measure(Path(folder), tracks=tracks, cues=tracks * 4, playlists=200)
    return Report(title="Catalogue", head=("what", "measured", "aim"), rows=list(rows))


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
