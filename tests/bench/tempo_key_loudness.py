"""What tempo, grid, key and loudness cost apart from all else, beside mixxx-analyzer, which knows only these:
``python -m tests.bench.tempo_key_loudness [--record] [--quick]``.

The shared tracks, whole, from their files on; each analyser on one thread, one after the other for each track, and the
cheapest of some rounds by processor time (user and system, decoders included). Ours goes through the very streams of
`cratehand.analysis.track_analyser` that the three need, true peak, loudness range and downbeats among what they find.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

from rich.console import Console

from cratehand.analysis.analysis_rate import MonoStream
from cratehand.analysis.beat_features import HopFeatures
from cratehand.analysis.beatgrid_fit import fit_grid
from cratehand.analysis.block_stream import FixedBlocks
from cratehand.analysis.key import fit_key
from cratehand.analysis.loudness import LoudnessStream
from cratehand.analysis.onsets import OnsetStream
from cratehand.analysis.pitch import PitchStream
from cratehand.analysis.tonal_profile import bars_of
from cratehand.audio import FileReader
from cratehand.domain.audio import Samples
from tests.bench.decode import _cpu_s
from tests.bench.report import Report, command
from tests.bench.truth import ours, peers, set_shared
from tests.bench.truth.truth import Item

_BLOCK_FRAMES: Final = 1 << 17
_PEER: Final = "mixxx-analyzer"


class ThreeParts:
    """Follows one file for tempo, key and loudness alone."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._blocks = FixedBlocks(_BLOCK_FRAMES)
        self._mono = MonoStream(sample_rate_hz=rate_hz, channels=channels)
        self._loudness = LoudnessStream(sample_rate_hz=rate_hz, channels=channels)
        self._onsets, self._pitch, self._frames = OnsetStream(), PitchStream(), 0

    def feed(self, samples: Samples) -> None:
        self._frames += samples.shape[1]
        for block in self._blocks.feed(samples):
            self._measure(block)

    def _measure(self, block: Samples) -> None:
        self._loudness.feed(block)
        self._follow(self._mono.feed(block))

    def _follow(self, mono: Samples) -> None:
        self._onsets.feed(mono)
        self._pitch.feed(mono)

    def finish(self) -> None:
        """Find tempo, grid, downbeats, key and loudness."""
        rest = self._blocks.rest()
        if rest is not None:
            self._measure(rest)
        self._follow(self._mono.finish())
        self._onsets.finish()
        self._pitch.finish()
        duration_s = self._frames / self._rate_hz
        found = fit_grid(
            HopFeatures(
                flux=self._onsets.flux, levels=self._onsets.levels, chroma=self._pitch.chroma, duration_s=duration_s
            )
        )
        bars = bars_of(found.grid if found else None, (), duration_s=duration_s)
        fit_key(self._pitch.chroma, self._pitch.bass, self._pitch.deviations, bars, duration_s=duration_s)
        self._loudness.finish()


def three_parts(path: Path) -> float:
    """Return the processor time of the three parts of one file, decoding included, in seconds."""
    began_s = _cpu_s()
    reader = FileReader()
    declared = reader.probe(path)
    parts = ThreeParts(declared.sample_rate_hz, declared.channels)
    for samples in reader.blocks(path):
        parts.feed(samples)
    parts.finish()
    return _cpu_s() - began_s


def run(quick: bool) -> Report | None:
    """Measure every shared track."""
    items = set_shared.items()
    python = peers.environment(_PEER, peers.PEERS[_PEER].requirements, say=Console().print) if items else None
    if python is None:
        return None
    head = ("track", "seconds", "mixxx-analyzer", "tempo, key, loudness", "the complete analysis")
    report = Report(title="Tempo, key and loudness apart, x real time", head=head)
    process = peers.start(python, peers.RUNNERS / peers.PEERS[_PEER].script)
    try:
        rows = [_measured(process, item, rounds=1 if quick else 3) for item in items]
    finally:
        process.kill()
        process.communicate()
    sums = [sum(column) for column in zip(*rows, strict=True)]
    for name, row in [*zip((item.path.stem for item in items), rows, strict=True), ("all of them", sums)]:
        report.rows.append([name, f"{row[0]:.0f}", *(f"{row[0] / max(cost_s, 1e-9):.0f}" for cost_s in row[1:])])
    parts, whole = sums[1] / sums[2], sums[1] / sums[3]
    report.notes.append(
        f"Of mixxx-analyzer's speed: the three parts {parts:.2f}, the complete analysis {whole:.2f}. That holds the "
        "search for codecs and the tags and the DNA of the models, whose price is one a file and not one a minute."
    )
    if parts <= 1.0:
        report.missed.append("ahead of mixxx-analyzer for tempo, key and loudness")
    return report


def _measured(process: "subprocess.Popen[str]", item: Item, *, rounds: int) -> list[float]:
    """Return the length of a track and the least processor time of each analyser, in seconds."""
    costs_s = []
    for _ in range(rounds):
        said = json.loads(peers.answer(process, str(item.path)))
        if said.get("errors"):
            raise SystemExit(f"{_PEER} can't read {item.path}: {said['errors']}")
        costs_s.append((said["cpu_seconds"], three_parts(item.path), ours.read_one(str(item.path)).cpu_seconds))
    return [item.truth.duration_s, *(min(column) for column in zip(*costs_s, strict=True))]


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
