"""Learn the constants of voice, speech, room and acoustic instruments, and say how they do on other sources.

``python -m tests.bench.fit_audio_features FOLDER [--write]``: FOLDER holds the unpacked packages of
`tests.bench.voice_material`; with ``--write`` the constants of `cratehand.analysis.window_models` are replaced. The
same folder gives the same constants. Music, speakers and packages of the test side are never used to fit.

Each model is a logistic regression over the windows of `cratehand.analysis.sound_windows`. Acousticness has no truth in
this material: its model follows a teacher, `tests.bench.music_tags`, and keeps its constants where that is not at hand.
"""

import argparse
import multiprocessing
import os
import pickle
import textwrap
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table
from scipy.signal import fftconvolve, lfilter

from cratehand.analysis import window_models
from cratehand.analysis.harmonic_motion import HarmonicMotion
from cratehand.analysis.onsets import OnsetStream
from cratehand.analysis.sound_windows import describe_windows
from tests.bench import voice_material as material
from tests.bench.music_tags import acoustic_share
from tests.bench.truth.statistics import auc, spearman
from tests.bench.voice_material import RATE_HZ, Wave

LENGTH_S: Final = 24
KINDS: Final = ("none", "spoken", "sung", "live", "spoken alone", "sung alone")
RIDGE: Final = 0.01
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
    kept.write_bytes(pickle.dumps(made))
    return made


def fit(windows: Floats, wanted: Floats, weights: Floats) -> tuple[Floats, Floats, float]:
    """Return mean-free logistic weights in the units of the windows, as (centre, weights, bias)."""
    centre, spread = windows.mean(axis=0), windows.std(axis=0) + 1e-9
    standard = np.column_stack([(windows - centre) / spread, np.ones(len(windows))])
    ridge = np.diag(np.append(np.full(windows.shape[1], RIDGE), 1e-6))
    found = np.zeros(standard.shape[1])
    for _ in range(30):
        chance = 1.0 / (1.0 + np.exp(-np.clip(standard @ found, -30.0, 30.0)))
        slope = standard.T @ (weights * (chance - wanted)) / weights.sum() + ridge @ found
        curve = (standard * (weights * chance * (1.0 - chance))[:, np.newaxis]).T @ standard / weights.sum() + ridge
        found -= np.linalg.solve(curve, slope)
    return centre, found[:-1] / spread, float(found[-1])


@dataclass(frozen=True, kw_only=True)
class Question:
    """What one model tells: how much of it an excerpt has, 0 ... 1, and among which kinds."""

    wanted: Callable[[Excerpt], float]
    kinds: tuple[str, ...]

    def concerned(self, excerpts: Sequence[Excerpt]) -> list[Excerpt]:
        """Return those it is about."""
        return [one for one in excerpts if one.kind in self.kinds and not np.isnan(self.wanted(one))]

    def fit(self, excerpts: Sequence[Excerpt]) -> tuple[Floats, Floats, float]:
        """Fit the model; having and lacking it weigh alike."""
        some = self.concerned(excerpts)
        windows = np.concatenate([one.windows for one in some])
        wanted = np.concatenate([np.full(len(one.windows), self.wanted(one)) for one in some])
        share = float(np.clip(wanted.mean(), 0.01, 0.99))
        return fit(windows, wanted, wanted / share + (1.0 - wanted) / (1.0 - share))

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
    arguments = parser.parse_args()
    excerpts = make_all(arguments.folder)
    sides = {side: [one for one in excerpts if one.side == side] for side in ("fit", "test")}
    table = Table("model", "fitted on", "measured on", "found, and the mean chance of each kind")
    lines = []
    for name, question in QUESTIONS.items():
        if not question.concerned(excerpts):
            kept = getattr(window_models, name.upper())
            lines.append(_source(name, np.asarray(kept.centre), np.asarray(kept.weights), kept.bias))
            continue
        for one, other in (("fit", "test"), ("test", "fit")):
            table.add_row(name, one, other, question.score(sides[other], question.fit(sides[one])))
        # What ships has seen both sides; the table says what each does on the side it has not seen.
        lines.append(_source(name, *question.fit(excerpts)))
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
