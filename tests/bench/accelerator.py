"""Models on an accelerator: how often real time stems are made, and how far the numbers are from the processor's.

``python -m tests.bench.accelerator HTDEMUCS.onnx [--provider cuda] [--record]``. The time of a window is that of the
whole seam: transform to the spectrum, network, transforms back, overlapping and adding; reading and writing files is
not in it. Needs numpy, scipy, rich and an ONNX Runtime that has the provider.
"""

import argparse
import subprocess
import time
from pathlib import Path
from statistics import median

import numpy as np

from cratehand.analysis.overlap import OverlapAdd, Windows
from cratehand.app.clock import SystemClock
from cratehand.usecases.looking_ahead import looking_ahead
from cratehand_models.demucs import DemucsSeparator, to_spectrum
from cratehand_models.manifest import shipped_manifest
from cratehand_models.providers import PROVIDERS, ProviderChoice
from cratehand_models.session import ModelSession
from tests.bench.record import record
from tests.bench.report import Report, load, speed

_WANTED = 50.0
_THREADS = 4
_AGREEING = 1e-3
"""Of the largest value: an accelerator may multiply in 19 bits (TF32), as ONNX Runtime lets NVIDIA's by itself."""


def measure(graph: Path, *, provider: str, windows: int) -> Report:
    """Separate so many windows of noise with both providers."""
    report = Report(title="Models on an accelerator")
    noise = np.random.default_rng(1).standard_normal((windows, 2, 343_980)).astype(np.float32) * 0.1
    chosen = _separator(graph, provider)
    began_s = time.perf_counter()
    first = chosen.separate(noise[0])
    report.add("htdemucs: graph loaded and first window", f"{time.perf_counter() - began_s:.1f} s")
    runs_s = [_whole_seam(chosen, noise) for _ in range(5)]
    audio_s = windows * Windows(length_frames=chosen.window_frames).stride_frames / chosen.sample_rate_hz
    name = f"htdemucs on {_card() or provider}"
    report.at_least(f"{name}: x real time, median of 5", audio_s / median(runs_s), _WANTED, "x", digits=1,
                    remark=f" ({audio_s:.0f} s of audio in {median(runs_s):.2f} s, worst {max(runs_s):.2f} s)")  # fmt: skip
    network_s = _network(chosen, noise)
    report.add(f"{name}: the network alone", f"{network_s * 1e3:.1f} ms a window of 7.8 s")
    alone_s = _one_by_one(chosen, noise)
    report.add(f"{name}: a window by itself, with its transforms", f"{alone_s * 1e3:.1f} ms, {_THREADS} threads")
    processor = _separator(graph, "cpu")
    processor.separate(noise[0])
    began_s = time.perf_counter()
    there = processor.separate(noise[0])
    report.add("htdemucs on the processor", f"{time.perf_counter() - began_s:.2f} s a window, {_THREADS} threads")
    difference = float(np.abs(first - there).max() / np.abs(there).max())
    report.at_most("largest difference to the processor, of the largest value", difference, _AGREEING, "", digits=7)
    return report


def _separator(graph: Path, provider: str) -> DemucsSeparator:
    model = shipped_manifest()["htdemucs"]
    choice = ProviderChoice(name=provider, reason="measured")
    return DemucsSeparator(
        ModelSession(model, graph, choice=choice, clock=SystemClock(), threads=_THREADS), name=model.name
    )


def _whole_seam(separator: DemucsSeparator, noise: np.ndarray) -> float:
    windows = Windows(length_frames=separator.window_frames, overlap=0.25)
    adding = OverlapAdd(windows, channels=8)
    began_s = time.perf_counter()
    for stems in looking_ahead(separator.separate, noise):
        adding.add(stems.reshape(8, -1))
    adding.rest()
    return time.perf_counter() - began_s


def _one_by_one(separator: DemucsSeparator, noise: np.ndarray) -> float:
    began_s = time.perf_counter()
    for window in noise:
        separator.separate(window)
    return (time.perf_counter() - began_s) / len(noise)


def _network(separator: DemucsSeparator, noise: np.ndarray) -> float:
    feeds = {"input": noise[:1], "onnx::ReduceMean_1": to_spectrum(noise[0])}
    took_s = []
    for _ in range(20):
        began_s = time.perf_counter()
        separator._session.run(feeds)
        took_s.append(time.perf_counter() - began_s)
    if PROVIDERS["cpu"] == separator._session.provider:
        raise SystemExit("the accelerator could not be had: see the log")
    return median(took_s)


def _card() -> str:
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def main() -> int:
    """Be the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path, help="htdemucs.onnx")
    parser.add_argument("--provider", default="cuda", choices=sorted(PROVIDERS))
    parser.add_argument("--windows", type=int, default=40)
    parser.add_argument("--record", action="store_true", help="keep the table in BENCHMARKS.md")
    chosen = parser.parse_args()
    report = measure(chosen.graph, provider=chosen.provider, windows=chosen.windows)
    report.notes.append(f"A million additions in Python: {speed():.0f} ms; load of the machine {load()}.")
    from rich.console import Console

    report.show(Console(width=150))
    if chosen.record:
        record(report.title, report.markdown())
    return 1 if report.missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
