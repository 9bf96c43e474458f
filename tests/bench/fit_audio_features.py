"""Learn the constants of voice, speech, room and acoustic instruments, and say how they do on other sources.

``python -m tests.bench.fit_audio_features FOLDER [--write]``: FOLDER holds the unpacked packages of
`tests.bench.voice_material`; with ``--write`` the constants of `cratehand.analysis.window_models` are replaced. The
same folder gives the same constants. Music, speakers and packages of the test side are never used to fit.

Each model is a logistic regression over the windows of `cratehand.analysis.sound_windows`, without the numbers in
`UNSTEADY`, and held to count for nothing what encodes, gain and delay move (`tests.bench.coded_pairs`). Half of the
music is played by code (`made_music`), with voices of the packages in it. Acousticness has no truth in this material:
its model follows a teacher, `tests.bench.music_tags`. Live sound and, without the teacher, acousticness can be kept as
they are and only made steady under encodes (``--keep``).
"""

import argparse
import multiprocessing
import os
import pickle
import textwrap
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import soxr
from rich.console import Console
from rich.table import Table
from scipy.signal import fftconvolve, lfilter

from cratehand.analysis import window_models
from cratehand.analysis.harmonic_motion import HarmonicMotion
from cratehand.analysis.onsets import OnsetStream
from cratehand.analysis.sound_windows import NAMES, describe_windows
from tests.bench import voice_material as material
from tests.bench.coded_pairs import Sound, coded_pairs, made_pairs
from tests.bench.music_tags import acoustic_share
from tests.bench.truth import tempo_map
from tests.bench.truth.arrangement import Part, perform, random_band
from tests.bench.truth.harmony import random_harmony
from tests.bench.truth.recipes import seeded
from tests.bench.truth.set_tempo import random_tempo
from tests.bench.truth.set_voice import LAYERS
from tests.bench.truth.statistics import auc, spearman
from tests.bench.truth.styles import CLUB, STYLES
from tests.bench.voice_material import RATE_HZ, Wave

LENGTH_S: Final = 24
KINDS: Final = ("none", "spoken", "sung", "live", "spoken alone", "sung alone")
RIDGE: Final = 0.01
STEADY: Final = 800.0
"""Weight of what encodes, gain and delay move. On recordings that were not fitted, how many of 80 altered ones moved the
instrumentalness by more than 0.02, and the AUC of voice in mixes: none and 0.957; at 400 two and 0.973; at 200 four and
0.982."""
UNSTEADY: Final = frozenset({"contrast spread", "shape 6 spread", "shape 6 change", "staying spread"})
"""Columns that encodes move most; they say nothing that others don't."""
MADE: Final = 60
"""Pieces of music made by code on each side, each played with and without voices."""
_USED: Final = np.array([name not in UNSTEADY for name in NAMES])
_MODELS_FILE: Final = Path(window_models.__file__)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """What is heard in one made excerpt, and its windows."""

    side: str
    kind: str
    package: str
    windows: Floats
    acoustic: float | None = None
    """What the teacher hears, 0 ... 1, of music alone."""


def describe(sound: Wave) -> Floats:
    """Return the windows of a sound at the rate of the analysis."""
    onsets, motion = OnsetStream(), HarmonicMotion()
    for start in range(0, sound.size, 1 << 16):
        onsets.feed(sound[start : start + (1 << 16)])
        motion.feed(sound[start : start + (1 << 16)])
    onsets.finish()
    motion.finish()
    return describe_windows(onsets.levels, motion.rows)


def excerpts_of(folder: str, side: str, path: str, kinds: Sequence[str]) -> list[Excerpt]:
    """Make the excerpts of one piece of music, and with it those of a voice alone; none where it can't be used."""
    music = material.song(Path(path))
    if music is None:
        return []
    made = []
    for kind in kinds:
        rng = material.random_of(side, Path(path).name, kind)
        frames = LENGTH_S * RATE_HZ
        bed = None if kind.endswith("alone") else material.even(_tilted(material.pick(music, frames, rng), rng))
        sound = _with_voice(bed, kind, _speeches(folder, side), frames, rng)
        driven = np.tanh(sound * rng.uniform(1.0, 3.0)) * 0.5
        package = Path(path).relative_to(folder).parts[0]
        windows = describe(driven.astype(np.float32))
        if len(windows):
            acoustic = acoustic_share(music, RATE_HZ) if kind == "none" else None
            made.append(Excerpt(side=side, kind=kind, package=package, windows=windows, acoustic=acoustic))
    return made


def made_excerpts_of(folder: str, side: str, number: int) -> list[Excerpt]:
    """Make three excerpts of music played by code, two of them with a voice; beds are drawn anew for each."""
    made = []
    for shift, kind in enumerate(KINDS[:3]):
        rng = material.random_of(side, "made", number, kind)
        bed = material.even(made_music(1 if side == "fit" else 2, 3 * number + shift))
        sound = _with_voice(bed, kind, _speeches(folder, side), bed.size, rng)
        windows = describe((np.tanh(sound * rng.uniform(1.0, 3.0)) * 0.5).astype(np.float32))
        if len(windows):
            made.append(Excerpt(side=side, kind=kind, package="made", windows=windows))
    return made


def made_music(seed: int, number: int) -> Wave:
    """Return a band of four to nine parts, 24 s; never those of `tests.bench.truth.set_voice`."""
    rng = seeded(seed, "voice", "bed", number)
    style = STYLES[CLUB[int(rng.integers(0, len(CLUB)))]]
    tempo_bpm = random_tempo(style, rng)
    bars = int(np.ceil(26.0 * tempo_bpm / 240.0))
    times = tempo_map.constant(tempo_bpm, 4 * bars, start_s=rng.uniform(0.0, 0.3))
    part = Part(label="verse", bars=bars, layers=frozenset(LAYERS[: int(rng.integers(4, 10))]))
    band = perform(style, random_harmony(rng), random_band(rng, style), times, [part], rng, rms_db=-14.0)
    mono = soxr.resample(band.samples.mean(axis=0), 2 * RATE_HZ, RATE_HZ)
    return np.asarray(mono[: LENGTH_S * RATE_HZ], dtype=np.float32)


def _with_voice(
    bed: Wave | None, kind: str, speeches: Sequence[Wave], frames: int, rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    music = np.zeros(frames) if bed is None else bed.astype(np.float64)
    if kind == "none":
        return music
    if kind == "live":
        crowd = material.audience(speeches, frames, rng)
        return material.in_a_hall(music.astype(np.float32), rng) + 10.0 ** (rng.uniform(-22.0, -4.0) / 20.0) * crowd
    speech = speeches[int(rng.integers(0, len(speeches)))]
    voice = material.sung(speech, LENGTH_S, rng) if kind.startswith("sung") else material.pick(speech, frames, rng)
    voice = material.even(_tilted(voice, rng))
    if rng.random() < 0.6:
        length = RATE_HZ // 2
        room = rng.standard_normal(length) * np.exp(-np.arange(length) / (RATE_HZ * rng.uniform(0.04, 0.15)))
        voice = voice + rng.uniform(0.05, 0.3) * fftconvolve(voice, room / np.sqrt(np.sum(room**2)))[: voice.size]
    level = 10.0 ** (rng.uniform(-4.0, 7.0) / 20.0) if bed is not None else 1.0
    music[: voice.size] += level * voice[:frames]
    return music


def _tilted(sound: Wave, rng: np.random.Generator) -> Wave:
    """Return the sound a little duller or brighter, at the same RMS: no microphone is to be learnt."""
    tilted = lfilter([1.0, rng.uniform(-0.35, 0.35)], [1.0], sound)
    return np.asarray(tilted * np.sqrt(np.mean(sound**2) / max(np.mean(tilted**2), 1e-12)), dtype=np.float32)


@cache
def _speeches(folder: str, side: str) -> tuple[Wave, ...]:
    kept = Path(folder) / f"speech-{side}.pickle"
    if kept.exists():
        return tuple(pickle.loads(kept.read_bytes()))
    found = [material.spoken(paths) for _, paths in sorted(material.speakers(Path(folder), side).items())]
    speeches = tuple(speech for speech in found if speech is not None)
    kept.write_bytes(pickle.dumps(speeches))
    return speeches


def make_all(folder: Path) -> list[Excerpt]:
    """Make every excerpt of both sides, or read those of the last time."""
    kept = folder / "excerpts.pickle"
    if kept.exists():
        return list(pickle.loads(kept.read_bytes()))
    jobs = []
    for side in ("fit", "test"):
        _speeches(str(folder), side)
        for number, path in enumerate(material.songs(folder, side)):
            jobs.append((str(folder), side, str(path), KINDS if number % 4 == 0 else KINDS[:4]))
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        made = [one for some in pool.map(excerpts_of, *zip(*jobs, strict=True)) for one in some]
        beds = [(str(folder), side, number) for side in ("fit", "test") for number in range(MADE)]
        made += [one for some in pool.map(made_excerpts_of, *zip(*beds, strict=True)) for one in some]
    kept.write_bytes(pickle.dumps(made))
    return made


def codec_shifts(folder: Path) -> Floats:
    """Return by how much encodes move the mean of each number, ``(pieces of music x codecs, numbers)``."""
    return np.concatenate(
        [
            _kept_shifts(folder / "shifts.pickle", coded_pairs(folder)),
            _kept_shifts(folder / "made-shifts.pickle", made_pairs()),
        ]
    )


def _kept_shifts(kept: Path, pairs: Iterable[tuple[Sound, dict[str, Sound]]]) -> Floats:
    if kept.exists():
        return np.asarray(pickle.loads(kept.read_bytes()))
    shifts = []
    for (samples, rate_hz), coded in pairs:
        base = describe(soxr.resample(samples.mean(axis=0), rate_hz, RATE_HZ))
        for sound, its_rate_hz in coded.values():
            other = describe(soxr.resample(sound.mean(axis=0), its_rate_hz, RATE_HZ))
            count = min(len(base), len(other))
            shifts.append((other[:count] - base[:count]).mean(axis=0))
    found = np.array(shifts)
    kept.write_bytes(pickle.dumps(found))
    return found


def _held(spread: Floats, shifts: Floats, least: float) -> Floats:
    """Return the penalty on standardised slopes: a ridge, what encodes move, and what is not used."""
    moved = shifts / spread
    return np.asarray(np.diag(np.where(_USED, least, 1e9)) + STEADY * moved.T @ moved / max(len(moved), 1))


def steadied(model: window_models.WindowModel, windows: Floats, shifts: Floats) -> tuple[Floats, Floats, float]:
    """Return what says nearly the same as a model without being moved by encodes (least squares of its logit)."""
    logit = np.clip((windows - np.asarray(model.centre)) @ np.asarray(model.weights) + model.bias, -4.0, 4.0)
    centre, spread = windows.mean(axis=0), windows.std(axis=0) + 1e-9
    standard = (windows - centre) / spread
    curve = standard.T @ standard / len(standard) + _held(spread, shifts, 0.001)
    slopes = np.linalg.solve(curve, standard.T @ (logit - logit.mean()) / len(standard))
    return centre, np.where(_USED, slopes / spread, 0.0), float(logit.mean())


def fit(windows: Floats, wanted: Floats, weights: Floats, shifts: Floats) -> tuple[Floats, Floats, float]:
    """Return mean-free logistic weights in the units of the windows, as (centre, weights, bias)."""
    centre, spread = windows.mean(axis=0), windows.std(axis=0) + 1e-9
    standard = np.column_stack([(windows - centre) / spread, np.ones(len(windows))])
    ridge = np.zeros((standard.shape[1], standard.shape[1]))
    ridge[:-1, :-1] = _held(spread, shifts, RIDGE)
    ridge[-1, -1] = 1e-6
    found = np.zeros(standard.shape[1])
    for _ in range(30):
        chance = 1.0 / (1.0 + np.exp(-np.clip(standard @ found, -30.0, 30.0)))
        slope = standard.T @ (weights * (chance - wanted)) / weights.sum() + ridge @ found
        curve = (standard * (weights * chance * (1.0 - chance))[:, np.newaxis]).T @ standard / weights.sum() + ridge
        found -= np.linalg.solve(curve, slope)
    return centre, np.where(_USED, found[:-1] / spread, 0.0), float(found[-1])


@dataclass(frozen=True, kw_only=True)
class Question:
    """What one model tells: how much of it an excerpt has, 0 ... 1, and among which kinds."""

    wanted: Callable[[Excerpt], float]
    kinds: tuple[str, ...]

    def concerned(self, excerpts: Sequence[Excerpt]) -> list[Excerpt]:
        """Return those it is about."""
        return [one for one in excerpts if one.kind in self.kinds and not np.isnan(self.wanted(one))]

    def fit(self, excerpts: Sequence[Excerpt], shifts: Floats) -> tuple[Floats, Floats, float]:
        """Fit the model; having and lacking it weigh alike."""
        some = self.concerned(excerpts)
        windows = np.concatenate([one.windows for one in some])
        wanted = np.concatenate([np.full(len(one.windows), self.wanted(one)) for one in some])
        share = float(np.clip(wanted.mean(), 0.01, 0.99))
        return fit(windows, wanted, wanted / share + (1.0 - wanted) / (1.0 - share), shifts)

    def score(self, excerpts: Sequence[Excerpt], model: tuple[Floats, Floats, float]) -> str:
        """Return the AUC of a model, or its rank correlation where the question has no yes and no; in words."""
        some = self.concerned(excerpts)
        wanted = [self.wanted(one) for one in some]
        scores = [float(window_models.chances(one.windows, *model).mean()) for one in some]
        if set(wanted) <= {0.0, 1.0}:
            told = f"AUC {auc(scores, [value > 0.5 for value in wanted]) or 0.0:.3f}"
        else:
            told = f"rank correlation {spearman(scores, wanted) or 0.0:.2f}"
        for kind in self.kinds:
            heard = [score for score, one in zip(scores, some, strict=True) if one.kind == kind]
            told += f", {kind} {np.mean(heard):.2f}" if heard else ""
        return told


QUESTIONS: Final = {
    "voice": Question(wanted=lambda one: float(one.kind not in ("none", "live")), kinds=KINDS),
    "speech": Question(wanted=lambda one: float(one.kind.startswith("spoken")), kinds=KINDS),
    "live": Question(wanted=lambda one: float(one.kind == "live"), kinds=KINDS[:4]),
    "acoustic": Question(
        wanted=lambda one: one.acoustic if one.acoustic is not None else float("nan"), kinds=("none",)
    ),
}


def main() -> None:
    """Fit, tell, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--keep", action="store_true", help="live and acoustic as they are, made steady")
    arguments = parser.parse_args()
    excerpts = make_all(arguments.folder)
    shifts = codec_shifts(arguments.folder)
    sides = {side: [one for one in excerpts if one.side == side] for side in ("fit", "test")}
    table = Table("model", "fitted on", "measured on", "found, and the mean chance of each kind")
    lines = []
    for name, question in QUESTIONS.items():
        if not question.concerned(excerpts) or (arguments.keep and name in ("live", "acoustic")):
            music = np.concatenate([one.windows for one in excerpts if one.kind in ("none", "live")])
            lines.append(_source(name, *steadied(getattr(window_models, name.upper()), music, shifts)))
            continue
        for one, other in (("fit", "test"), ("test", "fit")):
            table.add_row(name, one, other, question.score(sides[other], question.fit(sides[one], shifts)))
        # What ships has seen both sides; the table says what each does on the side it has not seen.
        lines.append(_source(name, *question.fit(excerpts, shifts)))
    Console().print(table)
    if arguments.write:
        head = _MODELS_FILE.read_text(encoding="utf-8").split("# Constants", 1)[0]
        tail = "# Constants, written by tests/bench/fit_audio_features.py\n\n"
        _MODELS_FILE.write_text(head + tail + "\n".join(lines), encoding="utf-8")


def _source(name: str, centre: Floats, weights: Floats, bias: float) -> str:
    def numbers(values: Floats) -> str:
        told = textwrap.fill(", ".join(f"{value:.4g}" for value in values), 110)
        return f"    (\n{textwrap.indent(told, '        ')},\n    ),\n"

    # One number a line would be four hundred lines.
    head = f"{name.upper()}: Final = WindowModel(\n"
    return f"{head}{numbers(centre)}{numbers(weights)}    {bias:.4g},\n)  # fmt: skip\n"


if __name__ == "__main__":
    main()
