"""What the analysis costs and how right it is: ``python -m tests.bench.analysis [--record] [--minutes N]``.

Stages are timed alone on the same music; the accuracy table needs the audio folder of the data
(``CRATEHAND_BENCH_DATA``, default ``../shared/data``) and is left out where that is missing.
"""

import argparse
import csv
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

# One core is measured; set before NumPy loads its BLAS.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import imageio_ffmpeg
import numpy as np
import soundfile
from rich.console import Console
from rich.table import Table

from cratehand.analysis.analysis_rate import MonoStream
from cratehand.analysis.bandwidth import BandwidthStream
from cratehand.analysis.block_stream import FixedBlocks
from cratehand.analysis.loudness import LoudnessStream
from cratehand.analysis.onsets import OnsetStream
from cratehand.analysis.pitch import PitchStream
from cratehand.analysis.signal_levels import LevelStream
from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.analysis.true_peak import TruePeakStream
from cratehand.analysis.waveform import WaveformStream
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.track_analysis import TrackAnalysis
from tests import music
from tests.bench.record import record

RATE_HZ = 44_100
Rows = list[list[str]]


def data_folder() -> Path:
    default = Path(__file__).parents[3] / "shared" / "data"
    return Path(os.environ.get("CRATEHAND_BENCH_DATA", default)) / "audio"


def analyse(samples: Samples, rate_hz: int) -> TrackAnalysis:
    declared = AudioFormat(
        codec="flac", container="flac", sample_rate_hz=rate_hz, channels=2, duration_s=None, lossless=True
    )
    analyser = TrackAnalyser(rate_hz, samples.shape[0], declared=declared)
    for start in range(0, samples.shape[1], rate_hz):
        analyser.feed(samples[:, start : start + rate_hz])
    return analyser.finish()


def blocks_of(samples: Samples) -> list[Samples]:
    cutter = FixedBlocks(1 << 17)
    return list(cutter.feed(samples))


def timed(action: Callable[[], object], duration_s: float) -> tuple[float, float]:
    """Return seconds per minute of audio, and how many times real time, of the processor's own time."""
    started_s = time.process_time()
    action()
    spent_s = max(time.process_time() - started_s, 1e-6)
    return spent_s / duration_s * 60.0, duration_s / spent_s


def stage_costs() -> Rows:
    samples = music.arrangement(tempo_bpm=126.0).samples
    blocks = blocks_of(samples)
    duration_s = sum(block.shape[1] for block in blocks) / RATE_HZ
    shared = MonoStream(sample_rate_hz=RATE_HZ, channels=2)
    mono = [shared.feed(block) for block in blocks]
    stages: list[tuple[str, Callable[[Samples], object], list[Samples]]] = [
        ("downmix and resampling", MonoStream(sample_rate_hz=RATE_HZ, channels=2).feed, blocks),
        ("short spectra and onsets", OnsetStream().feed, mono),
        ("pitch", PitchStream().feed, mono),
        ("loudness with true peak", LoudnessStream(sample_rate_hz=RATE_HZ, channels=2).feed, blocks),
        ("true peak alone", TruePeakStream(2).feed, blocks),
        ("clipping, silence, channels", LevelStream(sample_rate_hz=RATE_HZ, channels=2).feed, blocks),
        ("bandwidth", BandwidthStream(sample_rate_hz=RATE_HZ).feed, blocks),
        ("overview peaks", WaveformStream(sample_rate_hz=RATE_HZ).feed, blocks),
    ]
    rows: Rows = []
    for name, feed, pieces in stages:
        cost_s, speed = timed(lambda feed=feed, pieces=pieces: [feed(piece) for piece in pieces], duration_s)
        rows.append([name, f"{cost_s * 1000:.0f} ms", f"{speed:.0f}"])
    analyser = TrackAnalyser(RATE_HZ, 2)
    fed_s, fed_speed = timed(lambda: analyser.feed(samples), duration_s)
    done_s, done_speed = timed(analyser.finish, duration_s)
    rows.append(["all while feeding", f"{fed_s * 1000:.0f} ms", f"{fed_speed:.0f}"])
    rows.append(["conclusion (tempo, grid, key, sections ...)", f"{done_s * 1000:.0f} ms", f"{done_speed:.0f}"])
    rows.append(["whole analysis", f"{(fed_s + done_s) * 1000:.0f} ms", f"{60.0 / (fed_s + done_s):.0f}"])
    return rows


def long_stream(minutes: float) -> Rows:
    pieces = [music.groove(tempo_bpm=tempo, bars=8).samples for tempo in (126.0, 128.0, 124.0)]
    megabytes = 1024.0 * (1024.0 if sys.platform == "darwin" else 1.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / megabytes
    analyser, fed, index = TrackAnalyser(RATE_HZ, 2), 0, 0
    started_s = time.process_time()
    while fed < minutes * 60 * RATE_HZ:
        piece = pieces[index // 20 % 3]
        analyser.feed(piece)
        fed += piece.shape[1]
        index += 1
    during = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / megabytes
    found = analyser.finish()
    speed = fed / RATE_HZ / (time.process_time() - started_s)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / megabytes
    anchors = len(found.beat_grid.anchors) if found.beat_grid else 0
    return [[f"{minutes:.0f} min", f"{before:.0f}", f"{during:.0f}", f"{peak:.0f}", f"{speed:.0f}", str(anchors)]]


def grid_errors_ms(found: TrackAnalysis, tempo_bpm: float) -> tuple[str, str]:
    """Return the worst error in the first and in the last minute; beat 0 lies at 0 s."""
    if found.beat_grid is None:
        return "-", "-"
    beat_s = 60.0 / tempo_bpm
    times_s = np.array([time_s for time_s, _ in found.beat_grid.beats(until_s=found.duration_s)])
    errors_ms = np.abs((times_s / beat_s + 0.5) % 1.0 - 0.5) * beat_s * 1000.0
    first, last = errors_ms[times_s < 60.0], errors_ms[times_s > found.duration_s - 60.0]
    return f"{first.max():.1f}", f"{last.max():.1f}"


def ebur128(path: Path) -> tuple[float, float, float]:
    """Return integrated LUFS, range LU and true peak dBTP as ffmpeg measures them."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostats", "-i", str(path)]
    command += ["-af", "ebur128=peak=true", "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stderr
    summary = said[said.rindex("Summary:") :]
    return tuple(float(re.search(rf"{name}:\s+(-?[\d.]+)", summary)[1]) for name in ("I", "LRA", "Peak"))  # type: ignore[index, return-value]  # the summary always holds the three


def accuracy(folder: Path) -> Rows:
    rows: Rows = []
    with (folder / "truth.csv").open(encoding="utf-8") as lines:
        truths = list(csv.DictReader(lines))
    for truth in truths:
        path = folder / truth["file"]
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        started_s = time.process_time()
        found = analyse(np.ascontiguousarray(samples.T), rate_hz)
        speed = found.duration_s / (time.process_time() - started_s)
        right = [float(truth[name]) for name in ("tempo_bpm", "also_right_bpm") if truth[name]]
        tempo = found.tempo_bpm
        true_bpm = min(right, key=lambda bpm: abs(bpm - tempo)) if tempo else right[0]
        first, last = grid_errors_ms(found, true_bpm)
        assert found.loudness is not None
        own = (found.loudness.integrated_lufs, found.loudness.range_lu, found.loudness.true_peak_dbtp)
        apart = [f"{mine - theirs:+.2f}" for mine, theirs in zip(own, ebur128(path), strict=True) if mine is not None]
        error = f"{tempo - true_bpm:+.3f}" if tempo else "none"
        name = path.stem.split("-")[-1]
        key = f"{found.key} ({found.key_confidence:.2f})"
        rows.append([name, f"{true_bpm:g}", error, first, last, key, " / ".join(apart), f"{speed:.0f}"])
    return rows


def synthesised() -> Rows:
    rows: Rows = []
    for style, tempo_bpm in (
        ("house", 125.37),
        ("trance", 138.0),
        ("dnb", 174.0),
        ("hiphop", 90.0),
        ("halftime", 140.0),
    ):
        song = music.arrangement(tempo_bpm=tempo_bpm, style=style, tonic=4)
        found = analyse(song.samples, RATE_HZ)
        tempo = f"{found.tempo_bpm - tempo_bpm:+.3f}" if found.tempo_bpm else "none"
        beats = list(found.beat_grid.beats(until_s=song.duration_s - 0.3)) if found.beat_grid else []
        times_s = np.array([time_s for time_s, _ in beats])
        worst = np.abs(times_s[:, np.newaxis] - song.beats_s).min(axis=1).max() * 1000 if beats else float("nan")
        downbeats_s = np.array([time_s for time_s, beat in beats if beat == 1])
        near = np.abs(downbeats_s[:, np.newaxis] - song.downbeats_s).min(axis=1) < 0.07 if beats else np.zeros(1)
        found_s = np.array([section.start_s for section in found.sections] or [np.inf])
        true_s = np.array([section.start_s for section in song.sections])
        hit = (np.abs(true_s[:, np.newaxis] - found_s).min(axis=1) < 60.0 / tempo_bpm).mean()
        rows.append(
            [
                style,
                f"{tempo_bpm:g}",
                tempo,
                f"{worst:.1f}",
                f"{near.mean():.2f}",
                str(found.key),
                str(song.key),
                f"{hit:.2f}",
            ]
        )
    return rows


def show(console: Console, title: str, heads: list[str], rows: Rows) -> str:
    table = Table(*heads, title=title, title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)
    lines = ["| " + " | ".join(cells) + " |" for cells in (heads, ["---"] * len(heads), *rows)]
    return f"**{title}**\n\n" + "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Benchmark of the analysis")
    parser.add_argument("--record", action="store_true", help="write the tables to BENCHMARKS.md")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the long stream")
    arguments = parser.parse_args()
    console = Console(width=140)
    # First, while the process is small.
    heads = ["stream", "MB before", "MB fed", "MB peak", "x real time", "anchors"]
    parts = [
        show(
            console, "A long stream (music with its own test signals in memory)", heads, long_stream(arguments.minutes)
        )
    ]
    parts.insert(
        0, show(console, "Cost of a minute of 44.1 kHz stereo", ["stage", "cost", "x real time"], stage_costs())
    )
    heads = [
        "style",
        "BPM",
        "tempo error",
        "worst beat ms",
        "downbeats right",
        "key",
        "true key",
        "section starts found",
    ]
    parts.append(show(console, "Synthesised arrangements", heads, synthesised()))
    folder = data_folder()
    if (folder / "truth.csv").exists():
        heads = [
            "track",
            "BPM",
            "tempo error",
            "first min ms",
            "last min ms",
            "key",
            "LUFS / LU / dBTP off ffmpeg",
            "x",
        ]
        parts.append(show(console, "Finished tracks", heads, accuracy(folder)))
    else:
        console.print(
            f"Finished tracks: skipped, no truth.csv in {folder.name} of the bench data (CRATEHAND_BENCH_DATA)."
        )
    if arguments.record:
        record("Analysis", "\n\n".join(parts))


if __name__ == "__main__":
    main()
