"""How true, steady and cheap energy and the seven features are: ``python -m tests.bench.audio_features [--record]
[--quick]``.

Voice and layers are judged on sound that the constants were not fitted on (`tests.bench.truth`: speech by espeak-ng,
singing by formant synthesis, arrangements made by code); steadiness on real tracks where the data folder is there,
else on arrangements.
"""

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import soundfile

from cratehand.analysis.audio_features import rate_features
from cratehand.analysis.energy import drive_score, measure_drive
from cratehand.analysis.harmonic_motion import HarmonicMotion
from cratehand.analysis.key import fit_key
from cratehand.analysis.layer_model import count_parts
from cratehand.analysis.pulse import make_pulse
from cratehand.analysis.sound_windows import describe_windows
from cratehand.analysis.tonal_profile import bars_of
from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.domain.audio import Samples
from cratehand.domain.track_analysis import TrackAnalysis
from tests.bench.fit_energy import arrangement, by_section
from tests.bench.report import Report, command
from tests.bench.truth import ffmpeg, set_arrangements, set_voice
from tests.bench.truth.cache_folder import shared_data
from tests.bench.truth.recipes import Recipe, make_all
from tests.bench.truth.statistics import auc, spearman
from tests.bench.truth.truth import Item

NAMES: Final = (
    "danceability", "valence", "arousal", "acousticness", "instrumentalness", "speechiness", "liveness",
)  # fmt: skip
SEED: Final = 11
LAYERS_SEED: Final = 3
"""Energy was fitted on the draws 1, 11 and 12."""
CODECS: Final = ("mp3 128", "mp3 320", "aac 256", "ogg q6", "opus 160")
GAINS_DB: Final = (-14.0, -6.0)
PART_S: Final = 60


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What was said of one sound: energy before rounding, and the features."""

    energy: float
    features: dict[str, float]


def analyse(samples: Samples, rate_hz: int) -> tuple[TrackAnalysis, TrackAnalyser]:
    """Analyse a whole sound."""
    analyser = TrackAnalyser(rate_hz, samples.shape[0])
    for start in range(0, samples.shape[1], rate_hz):
        analyser.feed(samples[:, start : start + rate_hz])
    return analyser.finish(), analyser


def hear(samples: Samples, rate_hz: int) -> Heard:
    """Return energy and features of a sound."""
    found, analyser = analyse(samples, rate_hz)
    # The bench looks behind the rounding of energy; nobody else has to.
    onsets = analyser._onsets
    drive = measure_drive(make_pulse(onsets.flux), onsets.flux, onsets.levels, analyser._pitch.chroma)
    named = {name: getattr(found.audio_features, name) for name in NAMES} if found.audio_features else {}
    return Heard(
        energy=drive_score(drive) if drive is not None else float("nan"),
        features={name: value for name, value in named.items() if value is not None},
    )


def load(path: Path) -> tuple[Samples, int]:
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return np.ascontiguousarray(samples.T), int(rate_hz)


def voice_rows(report: Report, *, quick: bool) -> None:
    items, failed = make_all(set_voice.recipes(SEED, quick=quick))
    report.notes += failed
    heard = [(item.truth, hear(*load(item.path)).features) for item in items]
    for name, positive in (("instrumentalness", "none"), ("speechiness", "spoken")):
        scores = [features[name] for _, features in heard if name in features]
        flags = [truth.voice == positive for truth, features in heard if name in features]
        found = auc(scores, flags)
        if found is not None:
            report.at_least(f"AUC of {name}, {len(flags)} mixes", found, 0.9, "", digits=3)
        groups = sorted({truth.group for truth, _ in heard})
        means = [f"{g} {np.mean([f[name] for t, f in heard if t.group == g]):.2f}" for g in groups]
        report.add(f"mean {name}", ", ".join(means))


def layer_rows(report: Report, *, quick: bool) -> None:
    items: list[Item]
    recipes = set_arrangements.recipes(LAYERS_SEED, quick=quick)
    items, failed = make_all(recipes)
    report.notes += failed
    heard = [hear(*load(item.path)) for item in items]
    layers = [item.truth.layers or 0.0 for item in items]
    exact = spearman([one.energy for one in heard], layers)
    rounded = spearman([float(round(1.0 + 9.0 * one.energy)) for one in heard], layers)
    report.at_least(
        f"rank correlation of energy 1 ... 10 with layers, {len(items)} tracks", rounded or 0.0, 0.7, "", digits=2
    )
    report.add("the same before rounding", f"{exact or 0.0:.2f}")
    told = [pair for recipe in recipes if recipe.path.exists() for pair in section_pairs(recipe)]
    by_part = spearman([said for said, _ in told], [true for _, true in told])
    report.at_least(f"the same in {len(told)} sections", by_part or 0.0, 0.7, "", digits=2)


def section_pairs(recipe: Recipe) -> list[tuple[float, float]]:
    """Return parts heard and layers played in each section of an arrangement."""
    return by_section(arrangement(recipe), lambda windows: count_parts(windows) or 0.0)


def sources(*, quick: bool) -> list[tuple[Samples, int]]:
    folder = shared_data()
    if folder is not None:
        paths = sorted((folder / "audio").glob("*.flac"))
    else:
        paths = [item.path for item in make_all(set_arrangements.recipes(SEED, quick=True))[0][:8]]
    parts = []
    for path in paths[: 3 if quick else None]:
        samples, rate_hz = load(path)
        part = samples[:, : PART_S * rate_hz]
        # Room for +6 dB and for the overshoot of a codec.
        parts.append((part * np.float32(0.45 / max(float(np.abs(part).max()), 1e-9)), rate_hz))
    return parts


def variants(samples: Samples, rate_hz: int) -> dict[str, tuple[Samples, int]]:
    made: dict[str, tuple[Samples, int]] = {
        f"{gain_db:+.0f} dB": (samples * np.float32(10.0 ** (gain_db / 20.0)), rate_hz) for gain_db in GAINS_DB
    }
    with tempfile.TemporaryDirectory() as folder:
        master = Path(folder, "master.wav")
        soundfile.write(master, samples.T, rate_hz, subtype="PCM_24")
        for codec in CODECS:
            coded, decoded = Path(folder, f"coded.{ffmpeg.CODECS[codec][0]}"), Path(folder, "decoded.flac")
            ffmpeg.encode(master, coded, codec)
            ffmpeg.decode_to_flac(coded, decoded)
            made[codec] = load(decoded)
    return made


def steadiness_rows(report: Report, *, quick: bool) -> None:
    moves: dict[str, dict[str, list[float]]] = {}
    for samples, rate_hz in sources(quick=quick):
        base = hear(samples, rate_hz)
        for variant, (sound, its_rate_hz) in variants(samples, rate_hz).items():
            other = hear(sound, its_rate_hz)
            moved = {name: abs(other.features[name] - value) for name, value in base.features.items()}
            for name, move in {"energy": abs(other.energy - base.energy), **moved}.items():
                moves.setdefault(name, {}).setdefault(variant, []).append(100.0 * move)
    for name, by_variant in moves.items():
        worst = max(max(values) for values in by_variant.values())
        each = ", ".join(f"{variant} {max(values):.1f}" for variant, values in by_variant.items())
        report.at_most(f"largest change of {name}", worst, 2.0, "% of its range", digits=1, remark=f" ({each})")


def cost_rows(report: Report) -> None:
    samples, rate_hz = sources(quick=True)[0]
    whole_s, motion_s, rating_s = [], [], []
    for _ in range(3):
        began_s = time.process_time()
        _, analyser = analyse(samples, rate_hz)
        whole_s.append(time.process_time() - began_s)
        mono = np.ascontiguousarray(samples[0, : samples.shape[1] // 2])
        motion = HarmonicMotion()
        began_s = time.process_time()
        for start in range(0, mono.size, 1 << 16):
            motion.feed(mono[start : start + (1 << 16)])
        motion.finish()
        motion_s.append(time.process_time() - began_s)
        onsets = analyser._onsets
        features = analyser._features(samples.shape[1] / rate_hz)
        drive = measure_drive(make_pulse(onsets.flux), onsets.flux, onsets.levels, analyser._pitch.chroma)
        tones = analyser._pitch
        duration_s = samples.shape[1] / rate_hz
        bars = bars_of(None, (), duration_s=duration_s)
        key = fit_key(tones.chroma, tones.bass, tones.deviations, bars, duration_s=duration_s)
        began_s = time.process_time()
        windows = describe_windows(features.levels, motion.rows)
        rate_features(features, drive=drive, tonalness=tones.tonalness, key=key, windows=windows)
        rating_s.append(time.process_time() - began_s)
    share = 100.0 * (min(motion_s) + min(rating_s)) / min(whole_s)
    per_s = 1e3 / (samples.shape[1] / rate_hz)
    remark = f" ({min(motion_s) * per_s:.2f} ms motion and {min(rating_s) * per_s:.2f} ms rating a second of sound)"
    report.at_most("share of the analysis (not counting decoding)", share, 10.0, "%", digits=1, remark=remark)


def run(quick: bool) -> Report:
    report = Report(title="Energy and the features of a track")
    voice_rows(report, quick=quick)
    layer_rows(report, quick=quick)
    steadiness_rows(report, quick=quick)
    cost_rows(report)
    return report


if __name__ == "__main__":
    sys.exit(command(run, __doc__))
