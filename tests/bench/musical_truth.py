"""How true our analysis is, beside its peers: ``python -m tests.bench.musical_truth``.

Sound with exact truth is made by code (and kept below the temp dir, or `CRATEHAND_BENCH_TMP`), read by our own workers and,
with ``--peers``, by other analysers, each in an environment and processes of its own; the same scorers judge all of them.

    --quick        about a sixth of the files
    --only A,B     some of: tempo, key, sections, voice, quality, loudness, variants, robustness, shared
    --peers [A,B]  also ask peers
    --seed N       another draw of all sets; what was fitted on one seed is judged on another
    --out DIR      raw readings and scores as JSON, reliability plot as SVG (default: results/ in the cache folder)
    --record       keep the table in BENCHMARKS.md; a run with peers has a section of its own
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.bench.record import record
from tests.bench.truth import (
    drum_machine,
    ffmpeg,
    ours,
    peers,
    report,
    rows_beats,
    rows_doubt,
    rows_music,
    rows_sound,
    set_arrangements,
    set_key,
    set_loudness,
    set_quality,
    set_robustness,
    set_shared,
    set_tempo,
    set_variants,
    set_voice,
    voices,
)
from tests.bench.truth.cache_folder import cache_folder
from tests.bench.truth.recipes import Recipe, make_all
from tests.bench.truth.reliability_plot import write_svg
from tests.bench.truth.rows import Score
from tests.bench.truth.rows_variants import variant_scores
from tests.bench.truth.statistics import reliability
from tests.bench.truth.truth import Item, Reading

SETS: Final = {
    "tempo": set_tempo,
    "sections": set_arrangements,
    "key": set_key,
    "voice": set_voice,
    "quality": set_quality,
    "loudness": set_loudness,
    "variants": set_variants,
    "robustness": set_robustness,
}


def progress(console: Console, word: str) -> Callable[[int, int], None]:
    """Return what tells a line for every tenth of the way."""

    def tell(done: int, of: int) -> None:
        if of >= 20 and done and done * 10 // of > (done - 1) * 10 // of:
            console.print(f"{word} {done} of {of}")

    return tell


def gather(names: Sequence[str], *, seed: int, quick: bool, console: Console) -> list[Item]:
    """Make the sets that are asked for and say what is missing."""
    for word in drum_machine.missing():
        console.print(f"skipped, not installed: {word}")
    if not voices.can_speak():
        console.print("skipped, not installed: speech (Debian: espeak-ng)")
    made: list[Recipe] = [
        recipe for name, module in SETS.items() if name in names for recipe in module.recipes(seed, quick=quick)
    ]
    started_s = time.perf_counter()
    items, failed = make_all(made, tell=progress(console, "made"))
    for word in failed:
        console.print(f"could not be made: {word}")
    if "shared" in names:
        shared = set_shared.items()
        if not shared:
            console.print("skipped: the shared tracks are not there (CRATEHAND_BENCH_DATA)")
        items += shared
    minutes = sum(item.truth.duration_s for item in items) / 60.0
    console.print(f"{len(items)} files, {minutes:.0f} min of sound, made in {time.perf_counter() - started_s:.0f} s")
    return items


def judge(
    items: Sequence[Item], readings: Sequence[Reading | None], measured: dict[str, dict[str, float]]
) -> list[Score]:
    """Score one analyser on everything it was asked about."""
    pairs = [(item.truth, said) for item, said in zip(items, readings, strict=True) if said is not None]
    return [
        *rows_beats.tempo_scores(pairs),
        *rows_beats.beat_scores(pairs),
        *rows_music.key_scores(pairs),
        *rows_music.section_scores(pairs),
        *rows_music.feature_scores(pairs),
        *variant_scores(pairs),
        *rows_sound.quality_scores(pairs),
        *rows_sound.loudness_scores(pairs, measured, set_loudness.TOLERANCES),
        *rows_doubt.calibration_scores(pairs),
        *rows_doubt.doubt_scores(pairs, no_tempo=set_robustness.NO_TEMPO, no_key=set_robustness.NO_KEY),
        *rows_doubt.speed_scores(pairs),
    ]


def compare_loudness(items: Sequence[Item]) -> dict[str, dict[str, float]]:
    """Measure with ffmpeg: the EBU signals, the shared tracks, the bases, and some excerpts."""
    chosen = [
        item
        for number, item in enumerate(items)
        if item.truth.set in ("loudness", "shared")
        or item.truth.group == "base"
        or (item.truth.set in ("key", "quality") and number % 20 == 0)
    ]
    return {item.truth.name: ffmpeg.ebur128(item.path) for item in chosen}


def run(options: argparse.Namespace, console: Console) -> dict[str, list[Score]]:
    """Make, read, score, print and keep."""
    names = options.only.split(",") if options.only else [*SETS, "shared"]
    items = gather(names, seed=options.seed, quick=options.quick, console=console)
    started_s = time.perf_counter()
    readings: dict[str, list[Reading | None]] = {"cratehand": [*ours.read_all(items, tell=progress(console, "read"))]}
    console.print(f"read by cratehand in {time.perf_counter() - started_s:.0f} s")
    if options.peers is not None:
        asked = options.peers.split(",") if options.peers else list(peers.PEERS)
        readings |= peers.read_all(items, asked, say=console.print)
    measured = compare_loudness(items) if {"loudness", "shared", "variants"} & set(names) else {}
    results = {who: judge(items, said, measured if who == "cratehand" else {}) for who, said in readings.items()}
    out = Path(options.out) if options.out else cache_folder() / "results"
    _keep(out, items, readings, results)
    console.print(report.table(results))
    console.print(f"readings, scores and worst files: {out}")
    return results


def _keep(
    out: Path,
    items: Sequence[Item],
    readings: dict[str, list[Reading | None]],
    results: dict[str, list[Score]],
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for who, said in readings.items():
        rows = [
            {"path": str(item.path), "truth": item.truth.to_json(), "said": reading.to_json()}
            for item, reading in zip(items, said, strict=True)
            if reading is not None
        ]
        (out / f"{who}-readings.json").write_text(json.dumps(rows), encoding="utf-8")
        told = json.dumps([asdict(row) for row in results[who]], indent=1)
        (out / f"{who}-scores.json").write_text(told, encoding="utf-8")
        (out / f"{who}-worst.txt").write_text(report.worst(results[who]), encoding="utf-8")
    ours_said = zip(items, readings["cratehand"], strict=True)
    pairs = [(item.truth, reading) for item, reading in ours_said if reading is not None]
    data = rows_doubt.calibration_data(pairs)
    write_svg(out / "reliability.svg", {name: reliability(values, flags) for name, (values, flags) in data.items()})


def main() -> None:
    """Measure and print; with ``--record`` keep the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.musical_truth")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--peers", nargs="?", const="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", default="")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    results = run(options, Console())
    if options.record:
        title = "Musical truth" if options.peers is None else "Musical truth beside its peers"
        told = f"Seed {options.seed}{', a sixth of the files' if options.quick else ''}."
        record(title, f"{report.markdown(results)}\n\n{told}")


if __name__ == "__main__":
    main()
