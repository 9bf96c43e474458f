"""How right the verdict on the codec history is: ``python -m tests.bench.quality [--quick] [--seed N] [--record]``.

More than 200 files that never saw a lossy codec (brickwalled and lowpassed masters, vinyl, tape, quiet ones, other rates)
and the same music after each codec, decoded into 16-bit FLAC; the set is `tests.bench.truth.set_quality`, made once and kept.
Only the part of the analysis that the verdict needs is run, with its own processor time.
"""

import argparse
import multiprocessing
import os
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import soundfile
from rich.console import Console
from rich.table import Table

from cratehand.analysis.bandwidth import BandwidthStream
from cratehand.analysis.codec_traces import search_traces
from cratehand.analysis.passages import PassageStream
from cratehand.analysis.quality import judge
from cratehand.analysis.signal_levels import LevelStream
from cratehand.domain.audio import AudioFormat
from cratehand.domain.audio_quality import AudioQuality
from tests.bench.record import record
from tests.bench.truth import ffmpeg, set_quality
from tests.bench.truth.recipes import make_all
from tests.bench.truth.truth import Item

_BLOCK_FRAMES = 1 << 17
_VERDICTS = ("genuine", "transcode", "upsampled", "cannot_tell")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What was said of one file."""

    item: Item
    quality: AudioQuality
    search_s: float
    padded: bool
    """Whether a 24-bit file holds 16 bits, so that `upsampled` is right."""

    @property
    def verdict(self) -> str:
        return self.quality.verdict.value


def judge_file(item: Item) -> Judged:
    with soundfile.SoundFile(item.path) as file:
        rate_hz, channels, bits = file.samplerate, file.channels, int(file.subtype.split("_")[-1])
        levels = LevelStream(sample_rate_hz=rate_hz, channels=channels)
        bandwidth, passages = BandwidthStream(sample_rate_hz=rate_hz), PassageStream()
        while (block := np.ascontiguousarray(file.read(_BLOCK_FRAMES, dtype="float32", always_2d=True).T)).size:
            for stream in (levels, bandwidth, passages):
                stream.feed(block)
        declared = AudioFormat(
            codec="flac", container="flac", sample_rate_hz=rate_hz, channels=channels, lossless=True, bit_depth=bits,
            duration_s=file.frames / rate_hz,
        )  # fmt: skip
    began_s = time.process_time()
    traces = search_traces(passages.finish())
    search_s = time.process_time() - began_s
    counted = levels.finish()
    quality, _ = judge(
        counted, bandwidth.finish(), traces, sample_rate_hz=rate_hz, channels=channels, declared=declared
    )
    return Judged(item=item, quality=quality, search_s=search_s, padded=bits > 16 and counted.bits_in_use == 16)


def confusion(judged: list[Judged]) -> list[list[str]]:
    """One row a class: how many files, how often each verdict, how often codec and bitrate were named right."""
    rows = []
    for group in sorted({each.item.truth.group for each in judged}, key=_order):
        members = [each for each in judged if each.item.truth.group == group]
        said = Counter(each.verdict for each in members)
        named = [each for each in members if each.verdict == "transcode"]
        codec = sum((each.quality.source_class or "").split()[0] == group.split()[0] for each in named)
        exact = sum(each.quality.source_class == group for each in named)
        wrong = Counter(each.quality.source_class for each in named if each.quality.source_class != group)
        names = f"{codec} / {exact}" if named else ""
        others = ", ".join(f"{name} {count}" for name, count in wrong.most_common(3))
        rows.append([group, str(len(members)), *(str(said[verdict] or "") for verdict in _VERDICTS), names, others])
    return rows


def _order(group: str) -> tuple[bool, str, int]:
    name, _, strength = group.partition(" ")
    digits = "".join(letter for letter in strength if letter.isdigit())
    return group in ffmpeg.CODECS, name, int(digits or 0) + (1_000 if "V" in strength else 0)


def promises(judged: list[Judged]) -> list[list[str]]:
    """The numbers of the issue."""
    lossy = [each for each in judged if each.item.truth.codec != "lossless"]
    true = [each for each in judged if each.item.truth.codec == "lossless"]
    walled = [each for each in lossy if each.item.truth.walled]
    high = [each for each in lossy if each.item.truth.group in ("mp3 256", "mp3 320", "ogg q5", "opus 96", "opus 160")]
    full = [each for each in true if each.item.truth.full_band]
    costs_s = sorted(each.search_s for each in judged)
    return [
        ["walled below 19.9 kHz: transcode", "99 %", _share(walled, {"transcode"})],
        ["mp3 256/320, ogg q5, opus: never genuine", "99 %", _share(high, {"transcode", "cannot_tell"})],
        ["... of these transcode", "what is reached", _share(high, {"transcode"})],
        ["mp3 V0, aac 256, ogg q6/q8: transcode", "-", _share([e for e in lossy if e not in high and e not in walled], {"transcode"})],
        ["true lossless called transcode", "0 of 200", f"{sum(e.verdict == 'transcode' for e in true)} of {len(true)}"],
        ["full-band lossless: genuine (padded: upsampled)", "95 %",
         _share([e for e in full if not e.padded], {"genuine"})],
        ["processor time of the search", "about 1 s", f"median {costs_s[len(costs_s) // 2]:.2f} s, most {costs_s[-1]:.2f} s"],
    ]  # fmt: skip


def _share(judged: list[Judged], right: set[str]) -> str:
    hits = sum(each.verdict in right for each in judged)
    return f"{100.0 * hits / max(len(judged), 1):.1f} % ({hits} of {len(judged)})"


def show(console: Console, title: str, heads: list[str], rows: list[list[str]]) -> str:
    table = Table(*heads, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, ["---"] * len(heads), *rows)]
    return f"**{title}**\n\n" + "\n".join(lines)


def wrong_ones(judged: list[Judged]) -> list[str]:
    """Every file whose verdict breaks a promise, with its evidence."""
    lines = []
    for each in judged:
        truth = each.item.truth
        bad = each.verdict == "transcode" if truth.codec == "lossless" else each.verdict == "genuine"
        bad |= bool(truth.walled) and each.verdict != "transcode"
        bad |= truth.codec == "lossless" and bool(truth.full_band) and not each.padded and each.verdict != "genuine"
        if bad:
            lines.append(f"{each.item.path.name}: {each.verdict} {each.quality.source_class} {each.quality.evidence}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Verdict on the codec history")
    parser.add_argument("--quick", action="store_true", help="an eighth of the set")
    parser.add_argument("--there", action="store_true", help="only files that are made already")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--record", action="store_true", help="write the tables to BENCHMARKS.md")
    arguments = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    recipes = set_quality.recipes(arguments.seed, quick=arguments.quick)
    if arguments.there:
        recipes = [recipe for recipe in recipes if recipe.path.with_suffix(".json").exists()]
    items, failed = make_all(recipes, workers=arguments.workers)
    with multiprocessing.get_context("forkserver").Pool(arguments.workers) as pool:
        judged = pool.map(judge_file, items, chunksize=4)
    console = Console(width=150)
    heads = [
        "class",
        "files",
        *(verdict.replace("_", " ") for verdict in _VERDICTS),
        "codec / class named right",
        "else",
    ]
    parts = [
        show(console, "Against the numbers", ["number", "wanted", "reached"], promises(judged)),
        show(console, "Verdict by class", heads, confusion(judged)),
    ]
    for line in [*failed, *wrong_ones(judged)]:
        console.print(line, highlight=False)
    if arguments.record:
        record("Quality verdict", "\n\n".join(parts))


if __name__ == "__main__":
    main()
