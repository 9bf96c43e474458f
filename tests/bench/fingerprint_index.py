"""One landed file against 50,000 known fingerprints: ``python -m tests.bench.fingerprint_index [--quick] [--record]``.

The known ones are cut together from fingerprints of rendered music, each with bits of its own turned over, so that they
have the uneven statistics of real ones; among them are the tracks that the landed files are copies of.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console

from cratehand.analysis.fingerprint_match import Codes, read_fingerprint, sample_items
from cratehand.audio import ChromaprintFingerprinter
from cratehand.catalogue.fingerprint_index import FingerprintIndexFile
from cratehand.domain.ids import TrackId
from tests.bench.quality import show
from tests.bench.record import record
from tests.bench.truth.mixdown import Stereo
from tests.bench.truth.recipes import seeded
from tests.bench.upgrade_judgement import master

_ITEMS = 948
"""Of 120 s."""
_BATCH = 2_500


def fingerprint(samples: Stereo) -> str:
    session = ChromaprintFingerprinter().session(sample_rate_hz=44_100, channels=samples.shape[0])
    session.feed(samples)
    return session.finish() or ""


def invented(real: list[Codes], number: int) -> Codes:
    rng = seeded("index", number)
    pieces = [real[place] for place in rng.permutation(len(real))[:4]]
    items = np.resize(np.roll(np.concatenate(pieces), int(rng.integers(4_000))), _ITEMS)
    own = rng.integers(0, 1 << 32, 2, dtype=np.uint32)
    turned = np.where(rng.random(_ITEMS) < 0.5, np.uint32(1) << rng.integers(0, 32, _ITEMS).astype(np.uint32), 0)
    return items ^ (own[0] & own[1]) ^ turned.astype(np.uint32)


def main() -> None:
    parser = argparse.ArgumentParser(description="Index over fingerprints")
    parser.add_argument("--quick", action="store_true", help="5,000 instead of 50,000")
    parser.add_argument("--record", action="store_true", help="write the table to BENCHMARKS.md")
    arguments = parser.parse_args()
    count = 5_000 if arguments.quick else 50_000
    sounds = {number: master(number) for number in range(12)}
    known = {number: fingerprint(sound) for number, sound in sounds.items()}
    real = [read_fingerprint(text) for text in known.values()]

    def sample(text: str) -> tuple[Codes, np.ndarray[tuple[int], np.dtype[np.intp]]]:
        return sample_items(invented(real, int(text[1:])) if text.startswith("#") else read_fingerprint(text))

    def track(number: int) -> TrackId:
        return TrackId(f"{number:016x}")

    with tempfile.TemporaryDirectory() as folder:
        index = FingerprintIndexFile(Path(folder) / "fingerprints.db", sample)
        began_s = time.process_time()
        for first in range(0, count, _BATCH):
            index.add_all([(track(number), f"#{number}") for number in range(first, first + _BATCH)])
        built_s = time.process_time() - began_s
        index.add_all([(track(1_000_000 + number), text) for number, text in known.items()])
        spent_ms, clock_ms, first_ones = [], [], 0
        for number, sound in sounds.items():
            landed = fingerprint(np.concatenate([np.zeros((2, 54_321), np.float32), 0.5 * sound], axis=1))
            started = time.process_time(), time.perf_counter()
            found = index.candidates(landed)
            spent_ms.append(1e3 * (time.process_time() - started[0]))
            clock_ms.append(1e3 * (time.perf_counter() - started[1]))
            first_ones += bool(found) and found[0][0] == track(1_000_000 + number)
        size_mb = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
    rows = [
        ["known fingerprints", "50,000", f"{count + len(known):,}"],
        [
            "match, median / slowest",
            "at most 50 ms",
            f"{np.median(spent_ms):.1f} / {max(spent_ms):.1f} ms of processor",
        ],
        ["the same by the clock", "", f"{np.median(clock_ms):.1f} / {max(clock_ms):.1f} ms"],
        ["right track first (1.2 s of silence before it, -6 dB)", "all", f"{first_ones} of {len(known)}"],
        ["built from nothing", "", f"{built_s:.0f} s of processor"],
        ["on disk", "", f"{size_mb:.0f} MB"],
        [
            "resident, with this bench's own music",
            "",
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB",
        ],
    ]
    table = show(Console(width=120), "One landed file against all", ["what", "wanted", "measured"], rows)
    if arguments.record:
        record("Index over fingerprints", table)


if __name__ == "__main__":
    main()
