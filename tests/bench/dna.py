"""What the DNA finds on music it never heard: ``python -m tests.bench.dna [--record]``.

The music lies below ``CRATEHAND_DNA_MUSIC``, a folder for each album: the free game music named in
``models/training/dna/README.md``; only the albums that the shipped model was not trained on are asked. FFmpeg decodes
it. Each track is cut in two, the middle minute of each half is analysed on its own, and each half is looked for among
the other halves of all tracks. What was heard is kept in the cache folder of the benchmarks: the first run takes about
3 s of processor a track. The cost is measured on the tracks of ``CRATEHAND_BENCH_DATA``.
"""

import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt

from cratehand.analysis.dna.features import FEATURE_GROUPS, FEATURE_NAMES
from cratehand.app.reading_tools import reading_tools
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.embedding import Vector
from cratehand.domain.sound_tags import SoundDescription, likely_tags
from cratehand.usecases.file_reading import ReadingTools, SignalAnalyser, read_file
from tests.bench.rekordbox_collection import BENCH_DATA
from tests.bench.report import Report, command
from tests.bench.truth.cache_folder import cache_folder

MUSIC: Final = "CRATEHAND_DNA_MUSIC"
POINTS: Final = 15.0
COST: Final = 0.2
ROOT: Final = Path(__file__).resolve().parents[2]
_QUICK: Final = 12

Floats = npt.NDArray[np.float64]


def run(quick: bool) -> Report | None:
    """Listen to the held-out albums and measure; None without them."""
    folder = os.environ.get(MUSIC)
    tools = reading_tools()
    if folder is None or tools.fuser is None:
        return None
    sys.path.append(str(ROOT / "models" / "training" / "dna"))
    from halves import HELD_OUT, load_halves

    cache = cache_folder() / "dna"
    _listen(Path(folder), cache, HELD_OUT, most=_QUICK if quick else None)
    whole = load_halves(cache)
    report = Report(title="Musical DNA: the other half of a track, on albums outside the training")
    dna = _joined(tools, whole)
    found = {"DNA": dna, "MusiCNN": whole.embedding, "DSP vector": whole.dsp, "random": _random(len(whole))}
    _retrieval(report, found, whole)
    altered = load_halves(cache, "altered")
    kept = {digest: row for row, digest in enumerate(whole.digests)}
    rows = np.array([kept[digest] for digest in altered.digests])
    other = {"DNA": _joined(tools, altered), "MusiCNN": altered.embedding, "DSP vector": altered.dsp}
    _altered(report, found, other, rows)
    _features(report, whole.features.reshape(-1, whole.features.shape[2]))
    _cost(report, tools, quick=quick)
    return report


def _listen(music: Path, cache: Path, albums: tuple[str, ...], *, most: int | None) -> None:
    from listen import find_tracks, hear_altered, hear_halves, save

    cache.mkdir(parents=True, exist_ok=True)
    tracks = [track for album in albums if (music / album).is_dir() for track in find_tracks(music, only=album)]
    for track in tracks[:most]:
        for name, listen in (("whole", hear_halves), ("altered", hear_altered)):
            path = cache / f"{track.digest}.{name}.npz"
            if path.exists():
                continue
            heard = listen(track)
            if heard is None:
                break
            save(heard, track, path)


def _joined(tools: ReadingTools, halves: Any) -> Floats:
    """Return the DNA of both halves, ``(tracks, 2, 512)``."""
    fuser = tools.fuser
    assert fuser is not None

    def fuse(track: int, half: int) -> Vector:
        features, embedding, tags = (
            np.asarray(values[track, half], dtype=np.float32)
            for values in (halves.features, halves.embedding, halves.tags)
        )
        sound = SoundDescription(
            model="musicnn", version="1", tags=likely_tags(tags), probabilities=tags, embedding=embedding
        )
        return fuser.fuse(features, sound)

    return np.array([[fuse(track, half) for half in (0, 1)] for track in range(len(halves))], dtype=np.float64)


def _random(count: int) -> Floats:
    return np.random.default_rng(1).standard_normal((count, 2, 512))


def _retrieval(report: Report, found: dict[str, Floats], whole: Any) -> None:
    from evaluate import first_is_right, precision

    gallery = f"among {len(whole)} tracks of {len(set(whole.albums))} albums"
    rank_1 = {name: 100.0 * float(first_is_right(one[:, 0], one[:, 1]).mean()) for name, one in found.items()}
    wanted = min(rank_1["MusiCNN"] + POINTS, 100.0 - (100.0 - rank_1["MusiCNN"]) / 2.0)
    report.at_least(f"other half at rank 1 {gallery}, DNA", rank_1["DNA"], wanted, "%")
    for name in ("MusiCNN", "DSP vector", "random"):
        report.add(f"the same, {name}", f"{rank_1[name]:.1f} %")
    for what, names in (("artist", whole.artists), ("playlist", whole.playlists)):
        told = {name: precision(one.mean(axis=1), names) for name, one in found.items()}
        rows = ", ".join(f"{name} {100.0 * hit:.1f} %" for name, (hit, _) in told.items())
        report.add(f"same {what} among the 5 nearest (chance {100.0 * told['DNA'][1]:.1f} %)", rows)


def _altered(report: Report, found: dict[str, Floats], other: dict[str, Floats], rows: npt.NDArray[np.intp]) -> None:
    from evaluate import first_is_right

    shares = {name: float(first_is_right(found[name][rows, 0], heard[:, 1]).mean()) for name, heard in other.items()}
    told = ", ".join(f"{name} {100.0 * share:.1f} %" for name, share in shares.items())
    report.add(f"other half equalised, at another gain, re-encoded, from elsewhere, {len(rows)} tracks", told)


def _features(report: Report, features: Floats) -> None:
    from filters import fit_scale

    groups = [group for group, count in FEATURE_GROUPS.items() for _ in range(count)]
    scale = fit_scale(features, groups)
    report.at_least("features, named", len(FEATURE_NAMES), 1_000, "")
    report.at_least("left after the filters on these tracks (variance, then |r| < 0.95)", scale.kept.size, 300, "")
    report.add("left by the filter on variance", f"{scale.varying}")


class _Watched:
    """Describes, measures and joins as the shipped tools do, and adds up the processor time of each."""

    def __init__(self, tools: ReadingTools) -> None:
        self._tools = tools
        self.tags_s = self.dna_s = 0.0

    def tools(self) -> ReadingTools:
        """Return tools that are watched."""
        return replace(self._tools, describer=self, fuser=self, analyser=self._analyser)

    def describe(self, excerpts: Sequence[Samples], *, sample_rate_hz: int) -> SoundDescription | None:
        describer, began_s = self._tools.describer, time.process_time()
        assert describer is not None
        found = describer.describe(excerpts, sample_rate_hz=sample_rate_hz)
        self.tags_s += time.process_time() - began_s
        return found

    def fuse(self, features: Vector, sound: SoundDescription) -> Vector:
        fuser, began_s = self._tools.fuser, time.process_time()
        assert fuser is not None
        found = fuser.fuse(features, sound)
        self.dna_s += time.process_time() - began_s
        return found

    def _analyser(self, declared: AudioFormat) -> SignalAnalyser:
        made = self._tools.analyser(declared)
        measure = made.dna_features

        def watched() -> Vector | None:
            began_s = time.process_time()
            found = measure()
            self.dna_s += time.process_time() - began_s
            return found

        made.dna_features = watched  # type: ignore[method-assign]  # this one analyser is watched
        return made


def _cost(report: Report, tools: ReadingTools, *, quick: bool) -> None:
    """Measure what models add to reading a file, inside the same reading, so that a busy machine slows all alike."""
    tracks = sorted((BENCH_DATA / "audio").glob("*.flac"))[: 2 if quick else None]
    if not tracks:
        return
    read_file(tools, tracks[0])  # imports and graphs are loaded once a worker
    watched, began_s = _Watched(tools), time.process_time()
    for path in tracks:
        read_file(watched.tools(), path)
    added_s = watched.tags_s + watched.dna_s
    bare_s = time.process_time() - began_s - added_s
    name = f"MusiCNN and DNA on top of the analysis, {len(tracks)} tracks"
    report.at_most(name, 100.0 * added_s / bare_s, 100.0 * COST, "%")
    report.add("of that MusiCNN", f"{100.0 * watched.tags_s / bare_s:.1f} %")
    report.add("features and DNA a track", f"{1000.0 * watched.dna_s / len(tracks):.0f} ms of CPU")


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
