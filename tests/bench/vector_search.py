"""Nearest of 100,000 and 1,000,000 vectors: ``python -m tests.bench.vector_search [--record] [--quick]``.

Vectors of 512 numbers in a catalogue on the disk, asked through its own store; next to faiss-flat and usearch on the
same vectors, each in a process and an environment of its own, all on one thread. Two kinds of vectors: *noise*, where
the ten nearest are hardly nearer than the rest, and *crates*, 2,000 clouds of different width as embeddings of music
form them. What is nearest is computed in float32 with numpy.
"""

import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from rich.console import Console

from cratehand.catalogue import SqliteCatalogue, open_device
from cratehand.catalogue.keys import id_of, key_of
from cratehand.domain.collection import CollectionChange, CollectionPlaylist, PlaylistKind
from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.provenance import PERSON, Fact
from cratehand.domain.search import TrackFilter
from tests.bench.catalogue import SOURCE, ids, synthetic_collection
from tests.bench.report import Report, command
from tests.bench.truth.peers import environment

SPACE: Final = EmbeddingSpace(model="bench", version="1", dimension=512)
PEER: Final = Path(__file__).parent / "truth" / "peer_runners" / "vector_peer.py"
PEERS: Final = ("faiss-flat", "usearch-exact", "usearch-hnsw")
PLAYLIST: Final = "Saturday"
LISTED: Final = 2_000
HALF_PLAYED_S: Final = 1.7e9
FILTERS: Final = (
    ("120-126 BPM", TrackFilter(tempo_bpm=(120.0, 126.0))),
    ("120-126 BPM or its octaves", TrackFilter(tempo_bpm=(120.0, 126.0), tempo_octaves=True)),
    ("that mix with 8A", TrackFilter(mixes_with="8A")),
    ("120-126 BPM that mix with 8A", TrackFilter(tempo_bpm=(120.0, 126.0), mixes_with="8A")),
    (
        "120-126 BPM or its octaves that mix with 8A",
        TrackFilter(tempo_bpm=(120.0, 126.0), tempo_octaves=True, mixes_with="8A"),
    ),
    ("one of five genres", TrackFilter(genre="Techno")),
    ("but two of five genres", TrackFilter(not_genres=frozenset({"Techno", "House"}))),
    ("energy 5-7", TrackFilter(energy=(5, 7))),
    ("year 1995-2005", TrackFilter(year=(1995, 2005))),
    ("rating 3 and more", TrackFilter(rating_at_least=3)),
    ("rating 1 and more", TrackFilter(rating_at_least=1)),
    ("a playlist", TrackFilter(playlist=PLAYLIST)),
    ("not played since", TrackFilter(not_played_since_s=HALF_PLAYED_S)),
    ("instrumental", TrackFilter(instrumental=True)),
    (
        "instrumental, 120-126 BPM, not played since",
        TrackFilter(instrumental=True, tempo_bpm=(120.0, 126.0), not_played_since_s=HALF_PLAYED_S),
    ),
    ("a word", TrackFilter(text="ab")),
    ("a word, 120-126 BPM", TrackFilter(text="ab", tempo_bpm=(120.0, 126.0))),
)
Floats = npt.NDArray[np.float32]


def run(quick: bool) -> Report | None:
    """Measure a small catalogue of each kind and a large one of the harder."""
    console = Console()
    report = Report(title="Nearest of 100,000 and 1,000,000 vectors of 512 numbers")
    few, many = (20_000, 50_000) if quick else (100_000, 1_000_000)
    peers = environment("vectors", ("numpy", "faiss-cpu==1.15.1", "usearch==2.26.6"), say=console.print)
    for kind, count in (("noise", few), ("crates", few), ("noise", many)):
        with tempfile.TemporaryDirectory() as folder:
            _measure(report, Path(folder), kind, count, peers, is_large=count == many)
    return report


def _measure(report: Report, folder: Path, kind: str, count: int, peers: Path | None, *, is_large: bool) -> None:
    vectors = made(kind, count, folder / "vectors.npy")
    queries = asked(vectors, 40 if is_large else 100)
    np.save(folder / "queries.npy", queries)
    truth = nearest_exactly(vectors, queries)
    track_ids = fill(folder / "catalogue.db", vectors, with_tracks=not is_large)
    ours = _child([sys.executable, "-m", "tests.bench.vector_search", "--child", str(folder)])
    at = {track_id: number for number, track_id in enumerate(track_ids)}
    found = [[at[track_id] for track_id in each] for each in ours["found"]]
    name = f"{count:,} {kind}"
    limit_ms, limit_mb = (200.0, 600.0) if is_large else (20.0, 300.0)
    report.at_most(f"{name}: median", float(np.median(ours["wall_ms"])), limit_ms, "ms", digits=1, remark=_cpu(ours))
    report.at_most(f"{name}: p95", _p95(ours["wall_ms"]), limit_ms, "ms", digits=1)
    report.at_least(f"{name}: recall at 10", recall(found, truth), 0.99, "", digits=4)
    report.at_most(f"{name}: memory of the process", ours["own_mb"], limit_mb, "MB", digits=0, remark=ours["memory"])
    report.add(
        f"{name}: first answer, from the rows", f"{ours['first_ms']:.0f} ms; in memory {ours['built_s']:.1f} s later"
    )
    for words, times in ours["filters"].items():
        report.at_most(f"{name}: filter {words} and the nearest, p95", _p95(times), 10.0, "ms", digits=1)
    if "changing" in ours:
        words = f"{name}: filter {FILTERS[0][0]} and the nearest, each right after a change, p95"
        report.at_most(words, _p95(ours["changing"]), 10.0, "ms", digits=1)
    for peer in PEERS if peers is not None else ():
        if peer == "usearch-hnsw" and (is_large or kind == "noise"):
            continue  # building it takes minutes at 100,000
        told = _child([str(peers), str(PEER), peer, str(folder / "vectors.npy"), str(folder / "queries.npy")])
        ratio = np.median(told["wall_ms"]) / np.median(ours["wall_ms"])
        words = f"median {np.median(told['wall_ms']):.1f} ms{_cpu(told)}, {ratio:.1f} x ours; recall "
        words += f"{recall(told['found'], truth):.4f}, {told['peak_mb']:.0f} MB, built in {told['built_s']:.0f} s"
        report.add(f"{name}: {peer}", words)


def made(kind: str, count: int, path: Path) -> Floats:
    """Make vectors of unit length in a file, float32 ``(count, 512)``."""
    rng = np.random.default_rng(5)
    vectors = np.lib.format.open_memmap(path, "w+", np.float32, (count, SPACE.dimension))
    centres = rng.standard_normal((2_000, SPACE.dimension), dtype=np.float32)
    widths = rng.uniform(0.2, 1.0, 2_000).astype(np.float32)
    for start in range(0, count, 20_000):
        piece = rng.standard_normal((min(20_000, count - start), SPACE.dimension), dtype=np.float32)
        if kind == "crates":
            cloud = rng.integers(0, 2_000, len(piece))
            piece = centres[cloud] + piece * widths[cloud, np.newaxis] + 2.0 * centres[0]
        vectors[start : start + len(piece)] = piece / np.linalg.norm(piece, axis=1, keepdims=True)
    return vectors


def asked(vectors: Floats, count: int) -> Floats:
    """Return queries: vectors that are there, half of them moved by a third of their length."""
    rng = np.random.default_rng(6)
    queries = np.array(vectors[rng.integers(0, len(vectors), count)])
    noise = rng.standard_normal((count // 2, SPACE.dimension)).astype(np.float32)
    queries[: count // 2] += noise / np.linalg.norm(noise, axis=1, keepdims=True) / 3
    return queries / np.linalg.norm(queries, axis=1, keepdims=True)


def nearest_exactly(vectors: Floats, queries: Floats) -> list[list[int]]:
    """Return the ten nearest of each query."""
    best: list[list[tuple[float, int]]] = [[] for _ in queries]
    for start in range(0, len(vectors), 50_000):
        cosines = queries @ vectors[start : start + 50_000].T
        for row, mine in enumerate(best):
            top = np.argpartition(-cosines[row], 9)[:10]
            mine += [(-float(cosines[row, at]), start + int(at)) for at in top]
            mine[:] = sorted(mine)[:10]
    return [[number for _, number in mine] for mine in best]


def recall(found: list[list[int]], truth: list[list[int]]) -> float:
    """Return the share of the ten nearest that was found."""
    return float(np.mean([len(set(some) & set(all_)) / len(all_) for some, all_ in zip(found, truth, strict=True)]))


def fill(path: Path, vectors: Floats, *, with_tracks: bool) -> list[str]:
    """Make a catalogue with these vectors; return the id of the track of each."""
    catalogue = open_device(path)
    rng = np.random.default_rng(7)
    keys = rng.choice(np.iinfo(np.int64).max, len(vectors)).tolist()
    if with_tracks:
        change = a_collection(len(vectors))
        with catalogue.writing() as stores:
            stores.collection.apply(change, source=SOURCE, at_s=1e9, new_id=ids())
            keys = [key_of(track_id) for track_id in stores.tracks.matching_ids(TrackFilter())]
    with catalogue.writing() as stores:
        inserted = stores.connection.exec_driver_sql("INSERT INTO spaces (id) VALUES (?) RETURNING space", (SPACE.id,))
        space = inserted.scalar_one()
        for start in range(0, len(vectors), 5_000):
            rows = [(space, keys[at], vectors[at].tobytes()) for at in range(start, min(start + 5_000, len(vectors)))]
            stores.connection.exec_driver_sql("INSERT INTO embeddings (space, track, vector) VALUES (?, ?, ?)", rows)
    catalogue.close()
    return [id_of(key) for key in keys]


def a_collection(count: int) -> CollectionChange:
    """Return the collection of the catalogue's bench, with what filters ask for besides and a playlist."""
    change = synthetic_collection(count, cues=0, playlists=0)
    rng = random.Random(8)
    tracks = []
    for track in change.tracks:
        more: dict[Field, object] = {Field.ENERGY: rng.randint(1, 10), Field.INSTRUMENTALNESS: rng.random()}
        if rng.random() < 0.8:
            more[Field.LAST_PLAYED] = HALF_PLAYED_S + rng.uniform(-1e8, 1e8)
        tracks.append(replace(track, values={**track.values, **more}))
    playlist = CollectionPlaylist(
        id=ForeignId("1"),
        name=PLAYLIST,
        kind=PlaylistKind.PLAYLIST,
        position=0,
        entries=tuple(track.id for track in rng.sample(tracks, LISTED)),
    )
    return replace(change, tracks=tracks, playlists=[playlist])


def child(folder: Path) -> None:
    """Ask the catalogue of a folder, as the daemon would; JSON to the standard output."""
    queries = np.load(folder / "queries.npy")
    catalogue = open_device(folder / "catalogue.db")
    memory = catalogue.keep_vectors_in_memory()

    def ask(query: Floats) -> list[str]:
        with catalogue.reading() as stores:
            return [near.track_id for near in stores.vectors.nearest(SPACE, query, limit=10)]

    first_ms, _ = timed(lambda: ask(queries[0]))
    began_s = time.perf_counter()
    memory.settle()
    built_s = time.perf_counter() - began_s
    ask(queries[0])
    told: dict[str, Any] = {"first_ms": first_ms, "built_s": built_s, "found": [], "wall_ms": [], "cpu_ms": []}
    for query in queries:
        cpu_s = time.process_time()
        wall_ms, found = timed(lambda query=query: ask(query))
        told["wall_ms"].append(wall_ms)
        told["cpu_ms"].append((time.process_time() - cpu_s) * 1e3)
        told["found"].append(found)
    told["filters"] = {}
    with catalogue.reading() as stores:
        has_tracks = stores.tracks.counts()["total"] > 0
    for words, track_filter in FILTERS if has_tracks else ():

        def ask_some(query: Floats, wanted: TrackFilter = track_filter) -> int:
            with catalogue.reading() as stores:
                among = stores.tracks.matching_ids(wanted)
                near = stores.vectors.nearest(SPACE, query, limit=10, among=among)
                return len(stores.tracks.summaries([each.track_id for each in near]))

        ask_some(queries[0])
        memory.settle()  # the first filter has the columns read
        began_s = time.process_time()
        several = [timed(lambda query=query: ask_some(query)) for query in queries]
        cpu_ms = (time.process_time() - began_s) * 1e3 / len(queries)
        with catalogue.reading() as stores:
            passing = len(stores.tracks.matching_ids(track_filter))
        name = f"{words} ({passing:,} tracks, {cpu_ms:.1f} ms of processor on average)"
        told["filters"][name] = [wall_ms for wall_ms, _ in several]
    if has_tracks:
        told["changing"] = while_changing(catalogue, queries)
    told |= memory_of_this_process()
    json.dump(told, sys.stdout)


def while_changing(catalogue: SqliteCatalogue, queries: Floats) -> list[float]:
    """Return the time in ms of filtered questions, each right after a rating was changed."""
    times, wanted = [], FILTERS[0][1]
    with catalogue.reading() as stores:
        tracks = list(stores.tracks.matching_ids(wanted))
    for number, query in enumerate(queries):
        with catalogue.writing() as stores:
            said = Fact(field=Field.RATING, value=number % 6, source=PERSON, at_s=2e9 + number)
            stores.facts.record(tracks[number % 10], [said])

        def ask(query: Floats = query) -> object:
            with catalogue.reading() as stores:
                among = stores.tracks.matching_ids(wanted)
                return stores.vectors.nearest(SPACE, query, limit=10, among=among)

        times.append(timed(ask)[0])
    return times


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Return how many ms an action took, and its answer."""
    began_s = time.perf_counter()
    answer = action()
    return (time.perf_counter() - began_s) * 1e3, answer


def memory_of_this_process() -> dict[str, Any]:
    """Return what the process holds now of its own, and what else: pages of files, in whoever's cache they are."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    kib = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}
    mb = {name: kib[name] * 1024 / 1e6 for name in ("VmRSS", "RssAnon", "RssFile", "VmHWM")}
    words = f" and {mb['RssFile']:.0f} of mapped files, which the system takes back; at most {mb['VmHWM']:.0f} in all"
    return {"own_mb": mb["VmRSS"] - mb["RssFile"], "memory": words}


def _child(arguments: list[str]) -> Any:
    environment_ = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(arguments, check=True, stdout=subprocess.PIPE, env=environment_)
    return json.loads(done.stdout)


def _p95(times: list[float]) -> float:
    return float(np.percentile(times, 95))


def _cpu(told: dict[str, Any]) -> str:
    return f" ({np.median(told['cpu_ms']):.1f} of processor)"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(Path(sys.argv[2]))
    else:
        sys.exit(command(run, __doc__))
