"""What each stage of an analysis costs, against decoding alone: ``python -m tests.bench.stages [--record] [--quick]``.

Processor time (user and system, ended children included) a minute of music, the best of some rounds, all stages in one
run on the same sound, so that the shares hold on a busy machine too.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from cratehand.analysis.analysis_rate import MonoStream
from cratehand.analysis.audio_features import rate_features
from cratehand.analysis.bandwidth import BandwidthStream
from cratehand.analysis.beat_features import HopFeatures
from cratehand.analysis.beatgrid_fit import fit_grid
from cratehand.analysis.block_stream import FixedBlocks
from cratehand.analysis.codec_traces import search_traces
from cratehand.analysis.energy import measure_drive
from cratehand.analysis.harmonic_motion import HarmonicMotion
from cratehand.analysis.key import KeyFit, fit_key
from cratehand.analysis.key_changes import find_key_changes
from cratehand.analysis.loudness import LoudnessStream
from cratehand.analysis.onsets import OnsetStream
from cratehand.analysis.passages import PassageStream
from cratehand.analysis.pitch import PitchStream
from cratehand.analysis.pulse import make_pulse
from cratehand.analysis.sections import find_sections
from cratehand.analysis.signal_levels import LevelStream
from cratehand.analysis.sound_windows import describe_windows
from cratehand.analysis.tonal_profile import bars_of
from cratehand.analysis.waveform import WaveformStream
from cratehand.audio import ChromaprintFingerprinter, FileReader
from cratehand.domain.audio import Samples
from tests import music
from tests.audio_files import write_audio
from tests.bench.decode import _cpu_s
from tests.bench.report import Report, command

RATE_HZ: Final = 44_100
_BLOCK_FRAMES: Final = 1 << 17
_CODECS: Final = ("flac", "mp3", "m4a")
_PITCH: Final = "pitch, tuning"
_MOTION: Final = "motion of tones (voice)"
_SHORT: Final = "short spectra, onsets, levels"


class Costs:
    """Processor time of named stages, milliseconds a minute of music."""

    def __init__(self, duration_s: float, rounds: int) -> None:
        self._to_ms_a_minute = 60_000.0 / duration_s
        self._rounds = rounds
        self.ms: dict[str, float] = {}

    def note(self, name: str, act: Callable[[], object]) -> None:
        """Run a stage some times and keep the cheapest."""
        times_s = []
        for _ in range(self._rounds):
            began_s = _cpu_s()
            act()
            times_s.append(_cpu_s() - began_s)
        self.ms[name] = min(times_s) * self._to_ms_a_minute


def run_through(feed: Callable[[Samples], object], blocks: Iterable[Samples]) -> None:
    for block in blocks:
        feed(block)


def decode(path: Path) -> None:
    for _ in FileReader().blocks(path):
        pass


def fingerprint(blocks: Iterable[Samples]) -> None:
    session = ChromaprintFingerprinter().session(sample_rate_hz=RATE_HZ, channels=2)
    run_through(session.feed, blocks)
    session.finish()


def streams(costs: Costs, blocks: list[Samples], mono: list[Samples]) -> None:
    """Measure what runs while the sound streams by, each with a fresh state."""
    costs.note("fingerprint (120 s at most)", lambda: fingerprint(blocks))
    costs.note("downmix, resampling", lambda: run_through(MonoStream(sample_rate_hz=RATE_HZ, channels=2).feed, blocks))
    costs.note(
        "loudness, true peak", lambda: run_through(LoudnessStream(sample_rate_hz=RATE_HZ, channels=2).feed, blocks)
    )
    costs.note(
        "levels, clipping, bits", lambda: run_through(LevelStream(sample_rate_hz=RATE_HZ, channels=2).feed, blocks)
    )
    costs.note("overview", lambda: run_through(WaveformStream(sample_rate_hz=RATE_HZ).feed, blocks))
    costs.note("quality: bandwidth", lambda: run_through(BandwidthStream(sample_rate_hz=RATE_HZ).feed, blocks))
    costs.note("quality: passages", lambda: run_through(PassageStream().feed, blocks))
    costs.note(_SHORT, lambda: run_through(OnsetStream().feed, mono))
    costs.note(_PITCH, lambda: run_through(PitchStream().feed, mono))
    costs.note(_MOTION, lambda: run_through(HarmonicMotion().feed, mono))


def conclusions(costs: Costs, blocks: list[Samples], mono: list[Samples], duration_s: float) -> None:
    """Measure what is found once the sound has ended."""
    onsets, pitch, motion, passages = OnsetStream(), PitchStream(), HarmonicMotion(), PassageStream()
    for feed in (onsets.feed, pitch.feed, motion.feed):
        run_through(feed, mono)
    run_through(passages.feed, blocks)
    features = HopFeatures(flux=onsets.flux, levels=onsets.levels, chroma=pitch.chroma, duration_s=duration_s)
    costs.note("tempo, grid, downbeats", lambda: fit_grid(features))
    found = fit_grid(features)

    def name_key() -> KeyFit:
        bars = bars_of(found.grid if found else None, (), duration_s=duration_s)
        return fit_key(pitch.chroma, pitch.bass, pitch.deviations, bars, duration_s=duration_s)

    key = name_key()
    costs.note("key", name_key)
    costs.note("key changes", lambda: find_key_changes(pitch.chroma, pitch.bass, pitch.deviations))
    if found is not None:
        costs.note(
            "sections",
            lambda: find_sections(found.beats, first_downbeat=0, duration_s=duration_s, grid_confidence=1.0),
        )

    def measure() -> None:
        drive = measure_drive(make_pulse(onsets.flux), onsets.flux, onsets.levels, pitch.chroma)
        windows = describe_windows(features.levels, motion.rows)
        rate_features(features, drive=drive, tonalness=pitch.tonalness, key=key, windows=windows)

    costs.note("energy, features", measure)
    kept = passages.finish()
    # A price per file: the passages searched are as many however long it is.
    costs.note("quality: search for codecs", lambda: search_traces(kept))


def run(quick: bool) -> Report:
    """Measure every stage on one made arrangement."""
    report = Report(
        title="Cost of each stage", head=("stage", "ms of CPU a minute of music", "x real time", "of decoding FLAC")
    )
    samples = np.asarray(music.arrangement(tempo_bpm=126.0).samples, dtype=np.float32)
    blocks = list(FixedBlocks(_BLOCK_FRAMES).feed(samples))
    duration_s = sum(block.shape[1] for block in blocks) / RATE_HZ
    costs = Costs(duration_s, 1 if quick else 3)
    with tempfile.TemporaryDirectory() as folder:
        for codec in _CODECS:
            path = write_audio(Path(folder, f"sound.{codec}"), np.concatenate(blocks, axis=1), codec=codec)
            costs.note(f"decode {codec}", partial(decode, path))
    decodes_ms = dict(costs.ms)
    mono_stream = MonoStream(sample_rate_hz=RATE_HZ, channels=2)
    mono = [mono_stream.feed(block) for block in blocks]
    streams(costs, blocks, mono)
    conclusions(costs, blocks, mono, duration_s)
    flac_ms = decodes_ms["decode flac"]
    whole_ms = flac_ms + sum(ms for name, ms in costs.ms.items() if name not in decodes_ms)
    for name, ms in {**costs.ms, "all of it, from FLAC": whole_ms}.items():
        report.rows.append([name, f"{ms:.0f}", f"{60_000.0 / max(ms, 1e-3):.0f}", f"{ms / flac_ms:.2f}"])
    report.notes.append(f"{duration_s:.0f} s of a made arrangement; the search for codecs runs on lossless files only.")
    return report


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
