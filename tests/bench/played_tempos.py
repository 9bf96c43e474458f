"""The tempo of drummers: ``python -m tests.bench.played_tempos [--record] [--quick]``.

The grooves of the Groove MIDI Dataset (people playing to a metronome) that are in 4/4 and last 25 s are played by the
drum machines of `tests.bench.truth`, as they are and, those of 118 to 148 BPM, 1.27 times faster. No constant of the
analysis was fitted on them, but those of `cratehand.analysis.eighths` were chosen so that they keep what is right here.
Said is within 4 % of the metronome, an octave off, something else, or nothing. The data are found below
``CRATEHAND_BENCH_DATA`` (default ``../shared/data``).
"""

import csv
import io
import os
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import mido
import numpy as np

from cratehand.analysis.beat_features import HopFeatures
from cratehand.analysis.beatgrid_fit import fit_grid
from cratehand.analysis.onsets import OnsetStream
from cratehand.analysis.pitch import PitchStream
from cratehand.domain.audio import Samples
from cratehand.domain.tempo import is_octave
from tests.bench.report import Report, command
from tests.bench.truth import drum_machine
from tests.bench.truth.cache_folder import shared_data
from tests.bench.truth.processes import map_each

ZIP: Final = "drums/groove-v1.0.0-midionly.zip"
LEAST_S: Final = 25.0
LONGEST_S: Final = 60.0
FASTER: Final = 1.27
FAST_BPM: Final = (118, 148)
_NEAR: Final = 0.04
_SAID: Final = ("right", "octave off", "else", "nothing")
_DRUMS: Final = {
    36: "kick", 38: "snare", 40: "snare", 37: "rim", 56: "rim", 39: "clap", 54: "shaker",
    43: "tom", 45: "tom", 47: "tom", 48: "tom", 50: "tom", 58: "tom",
    22: "hat", 42: "hat", 44: "hat", 26: "open_hat", 46: "open_hat",
    49: "crash", 52: "crash", 55: "crash", 57: "crash", 51: "ride", 53: "ride", 59: "ride",
}  # fmt: skip
"""By pitch of the electronic kit they played."""


@dataclass(frozen=True, kw_only=True)
class Groove:
    """What one drummer played to a metronome, and how much faster it is to sound."""

    name: str
    midi: bytes
    tempo_bpm: float
    kit: str
    faster: float = 1.0


def grooves(data: Path) -> list[Groove]:
    """Return the grooves between 62 and 195 BPM, each with a kit drawn for it."""
    rng = np.random.default_rng(3)
    kits = drum_machine.kits()
    found = []
    with zipfile.ZipFile(data / ZIP) as archive:
        for row in csv.DictReader(io.StringIO(archive.read("groove/info.csv").decode())):
            usual = row["beat_type"] == "beat" and row["time_signature"] == "4-4" and 62 <= int(row["bpm"]) <= 195
            if usual and float(row["duration"]) > LEAST_S:
                midi = archive.read(f"groove/{row['midi_filename']}")
                kit = kits[int(rng.integers(len(kits)))]
                found.append(Groove(name=row["id"], midi=midi, tempo_bpm=float(row["bpm"]), kit=kit))
    return found


def sound(groove: Groove) -> Samples:
    """Return the first minute of a groove at the rate of the analysis, mono."""
    track = np.zeros(round((LONGEST_S + 2.0) * drum_machine.RATE_HZ), dtype=np.float32)
    at_s = 0.0
    for message in mido.MidiFile(file=io.BytesIO(groove.midi)):
        at_s += message.time / groove.faster
        if at_s > LONGEST_S:
            break
        if message.type == "note_on" and message.velocity > 0 and message.note in _DRUMS:
            hit = drum_machine.hit(groove.kit, _DRUMS[message.note])
            start = round(at_s * drum_machine.RATE_HZ)
            part = track[start : start + len(hit)]
            part += hit[: len(part)] * (message.velocity / 127.0) ** 1.5
    track = track[: round((min(at_s, LONGEST_S) + 1.0) * drum_machine.RATE_HZ)]
    # Every second sample is the rate of the analysis; drums alias little, and alike for all.
    return np.ascontiguousarray(0.9 * track[::2] / max(float(np.abs(track).max()), 1e-6))


def said(groove: Groove) -> tuple[str, float]:
    """Return which of `_SAID` the analysis said, and the faster of both octaves."""
    samples = sound(groove)
    onsets, pitch = OnsetStream(), PitchStream()
    for stream in (onsets, pitch):
        stream.feed(samples)
        stream.finish()
    true_bpm = groove.tempo_bpm * groove.faster
    fit = fit_grid(
        HopFeatures(
            flux=onsets.flux,
            levels=onsets.levels,
            chroma=pitch.chroma,
            duration_s=2.0 * samples.size / drum_machine.RATE_HZ,
        )
    )
    if fit is None:
        return "nothing", true_bpm
    ratio = fit.tempo_bpm / true_bpm
    word = "right" if abs(ratio - 1.0) < _NEAR else "octave off" if is_octave(ratio) else "else"
    return word, true_bpm


def rows(report: Report, title: str, played: Sequence[Groove]) -> None:
    """Add one row for every range of tempos."""
    answers = []
    for answer in map_each(said, played):
        if isinstance(answer, BaseException):
            report.notes.append(f"could not be played: {answer!r}")
        else:
            answers.append(answer)
    for low_bpm, high_bpm in ((62, 75), (75, 100), (100, 150), (150, 200)):
        words = [word for word, true_bpm in answers if low_bpm <= true_bpm < high_bpm]
        if words:
            counts = [str(words.count(word)) for word in _SAID]
            report.rows.append((title, f"{low_bpm} to {high_bpm} BPM", str(len(words)), *counts))


def run(quick: bool) -> Report | None:
    """Play and read all of them, or every sixth."""
    data = shared_data()
    if data is None or not (data / ZIP).exists():
        return None
    report = Report(title="Tempos of drummers", head=("grooves", "metronome", "count", *_SAID))
    report.notes += drum_machine.missing()
    all_of_them = grooves(data)[:: 6 if quick else 1]
    rows(report, "as played", all_of_them)
    fast = [replace(each, faster=FASTER) for each in all_of_them if FAST_BPM[0] <= each.tempo_bpm <= FAST_BPM[1]]
    rows(report, f"{FASTER} times faster", fast)
    return report


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
