"""Device and master in step, on loopback: ``python -m tests.bench.master [--record] [--quick]``.

50,000 tracks with a million facts and 50,000 embeddings of 512 numbers go up to an empty master and down to a new
device; then small changes, and nothing at all.
"""

import secrets
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from cratehand.catalogue import SqliteCatalogue, open_device
from cratehand.catalogue.master.address import MasterAddress, parse_address
from cratehand.catalogue.master.bound import bind
from cratehand.catalogue.master.embedded import EmbeddedServer
from cratehand.catalogue.master.listening import Listener
from cratehand.catalogue.master.setting_up import set_up
from cratehand.catalogue.master.sync import PostgresMaster
from cratehand.domain.collection import CollectionChange, CollectionTrack
from cratehand.domain.cue import Cue, CueKind
from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.key import parse_key
from cratehand.domain.provenance import PERSON, AnyFact, Fact, Source, SourceKind
from cratehand.domain.search import TrackFilter
from tests.bench.report import Report, command

TRACKS, QUICK_TRACKS = 50_000, 5_000
TOLD, MEASURED = 15, 5
SPACE = EmbeddingSpace(model="bench", version="1", dimension=512)


def run(quick: bool) -> Report:
    """Measure everything once, from an empty master on."""
    report = Report(title="Device and master in step")
    count = QUICK_TRACKS if quick else TRACKS
    with server() as address, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, second = open_device(folder / "first.db"), open_device(folder / "second.db")
        fill(first, count)
        up, down = PostgresMaster(first, address, name="first"), PostgresMaster(second, address, name="second")
        took_s, cpu_s = timed(up)
        report.at_most(
            what(count, "up to an empty master"), took_s, 60.0, "s", remark=f" ({cpu_s:.1f} s of processor here)"
        )
        took_s, cpu_s = timed(down)
        report.at_most(
            what(count, "down to a new device"), took_s, 60.0, "s", remark=f" ({cpu_s:.1f} s of processor here)"
        )
        assert counts(first) == counts(second)
        small_changes(report, (first, up), (second, down), address)
        for each in (up, down):
            each.close()
        noting(report, folder, count)
    report.notes.append("One computer: server, both devices and the measuring share its processors.")
    return report


def noting(report: Report, folder: Path, count: int) -> None:
    """Measure what noting changes for the master costs: a first import, and the deletion of a tenth of it."""
    spent_s = {}
    for name, is_bound in (("alone", False), ("bound", True)):
        with closing(open_device(folder / f"{name}.db")) as catalogue:
            if is_bound:
                with catalogue.writing() as stores:
                    bind(stores.connection, "measured")
            began_s = time.process_time()
            fill(catalogue, count)
            filled_s = time.process_time()
            with catalogue.writing() as stores:
                stores.tracks.remove(sorted(stores.tracks.matching_ids(TrackFilter()))[: count // 10])
            spent_s[name] = (filled_s - began_s, time.process_time() - filled_s)
    for row, done in enumerate((f"first import of {count:,} tracks", f"deletion of {count // 10:,}")):
        alone_s, bound_s = spent_s["alone"][row], spent_s["bound"][row]
        report.add(
            f"{done}, with a master beside one without", f"{bound_s / alone_s:.2f} x ({bound_s:.1f} s of processor)"
        )


def what(count: int, where: str) -> str:
    return f"{count:,} tracks, {count * (TOLD + MEASURED):,} facts, {count:,} x {SPACE.dimension} embeddings {where}"


@contextmanager
def server() -> Iterator[MasterAddress]:
    """Run an embedded server in a folder that any user may enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)
        embedded = EmbeddedServer(folder / "postgres", logs=folder / "logs")
        address = parse_address(embedded.start().url)
        try:
            set_up(address)
            yield address
        finally:
            embedded.stop()


def fill(catalogue: SqliteCatalogue, count: int) -> None:
    """Import a collection as Rekordbox holds it, then add what an analysis finds."""
    rng = np.random.default_rng(7)
    key = parse_key("A minor")
    rows = [
        CollectionTrack(
            id=ForeignId(str(number)), location=f"/music/{number % 97}/{number}.mp3",
            values={
                Field.TITLE: f"Title {number}", Field.ARTIST: f"Artist {number % 5000}", Field.ALBUM: f"Album {number % 9000}",
                Field.GENRE: f"Genre {number % 40}", Field.LABEL: f"Label {number % 900}", Field.COMMENT: "warm up, late",
                Field.YEAR: 1990 + number % 36, Field.RATING: number % 6, Field.DURATION_S: 200.0 + number % 300,
                Field.TEMPO_BPM: 118.0 + number % 20, Field.KEY: key, Field.PLAY_COUNT: number % 30,
                Field.DATE_ADDED: "2024-05-06", Field.BIT_RATE_KBPS: 320.0, Field.SAMPLE_RATE_HZ: 44100,
            },
            cues=(Cue(kind=CueKind.HOT, start_s=1.0, pad=0), Cue(kind=CueKind.MEMORY, start_s=60.0)),
        )
        for number in range(count)
    ]  # fmt: skip
    source = Source(kind=SourceKind.REKORDBOX, name="master.db", version="7")
    with catalogue.writing() as stores:
        added = stores.collection.apply(
            CollectionChange(full=True, tracks=rows), source=source, at_s=1.7e9, new_id=lambda: secrets.token_hex(8)
        ).added
    for start in range(0, count, 2000):
        with catalogue.writing() as stores:
            for track_id in added[start : start + 2000]:
                stores.facts.record(track_id, measured(float(rng.uniform(1.7e9, 1.8e9))))
                stores.vectors.put(SPACE, track_id, rng.standard_normal(SPACE.dimension).astype(np.float32))


def measured(at_s: float) -> list[AnyFact]:
    values: dict[Field, object] = {
        Field.TEMPO_BPM: 120.0 + at_s % 10, Field.ENERGY: int(at_s) % 10 + 1, Field.TUNING_CENTS: at_s % 50,
        Field.DANCEABILITY: at_s % 1, Field.VALENCE: at_s % 1,
    }  # fmt: skip
    return [
        Fact(
            field=field, value=value, at_s=at_s, confidence=0.8,
            source=Source(kind=SourceKind.ANALYSIS, name=f"cratehand.{field.value}", version="1"),
        )
        for field, value in values.items()
    ]  # fmt: skip


def small_changes(
    report: Report,
    first: tuple[SqliteCatalogue, PostgresMaster],
    second: tuple[SqliteCatalogue, PostgresMaster],
    address: MasterAddress,
) -> None:
    with first[0].reading() as stores:
        ids = list(stores.tracks.matching_ids(TrackFilter()))[:1000]
    correct(first[0], ids, "changed")
    took_s, _ = timed(first[1])
    down_s, _ = timed(second[1])
    report.at_most("1,000 changed facts, up and down", took_s + down_s, 1.0, "s", remark=f" (up {took_s:.2f} s)")
    report.at_most("a change seen on another device", seen_after(first, second, address, ids[0]), 1.0, "s", digits=3)
    for master in (first[1], second[1]):
        master.sync()
    idle_ms = []
    for _ in range(50):
        began_s = time.perf_counter()
        assert first[1].sync().is_empty
        idle_ms.append((time.perf_counter() - began_s) * 1e3)
    report.at_most("a sync without changes, median of 50", statistics.median(idle_ms), 20.0, "ms", digits=1)


def seen_after(
    first: tuple[SqliteCatalogue, PostgresMaster],
    second: tuple[SqliteCatalogue, PostgresMaster],
    address: MasterAddress,
    track_id: TrackId,
) -> float:
    """Return how long a correction takes from its commit until another device, told by the master, shows it."""
    seen = threading.Event()
    with Listener(address, heard=seen.set) as listener:
        assert listener.listens.wait(10.0)
        correct(first[0], [track_id], "seen elsewhere")
        began_s = time.perf_counter()
        first[1].sync()
        assert seen.wait(10.0)
        second[1].sync()
        with second[0].reading() as stores:
            summary = stores.tracks.summary(track_id)
        assert summary is not None
        assert summary.title == "seen elsewhere"
        return time.perf_counter() - began_s


def correct(catalogue: SqliteCatalogue, ids: list[TrackId], title: str) -> None:
    with catalogue.writing() as stores:
        for track_id in ids:
            stores.facts.record(track_id, [Fact(field=Field.TITLE, value=title, source=PERSON, at_s=time.time())])


def counts(catalogue: SqliteCatalogue) -> list[int]:
    tables = ("tracks", "facts", "provenances", "cues", "embeddings", "believed")
    with catalogue.reading() as stores:
        return [stores.connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() for table in tables]


def timed(master: PostgresMaster) -> tuple[float, float]:
    """Sync; return seconds on the clock and of this process's processor."""
    began_s, cpu_s = time.perf_counter(), time.process_time()
    master.sync()
    return time.perf_counter() - began_s, time.process_time() - cpu_s


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
