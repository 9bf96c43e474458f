"""Train the network that tells the key: ``python -m tests.bench.fit_key [--write]``.

Trained on studies (`set_key_studies`), with excerpts and arrangements of the same seeds; judged on excerpts and arrangements
of other seeds. Every piece is heard as the analysis hears it, but for bars, which are true here and spoiled at random: some
pieces have no grid, some bars begin on another beat, some phrases on another bar. With ``--write`` the weights replace
``key_weights.npz`` beside `cratehand.analysis.key_model`. The same seeds give the same weights.

    --fit 1 --judge 11      seeds of either side
    --every N               only every n-th piece of each set (default 2)
"""

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import numpy.typing as npt
import soundfile
from rich.console import Console
from rich.table import Table

from cratehand.analysis import key_model
from cratehand.analysis.analysis_rate import MonoStream
from cratehand.analysis.key import tuning
from cratehand.analysis.key_model import KeyWeights, inputs, key_logits
from cratehand.analysis.pitch import PitchStream
from cratehand.analysis.tonal_profile import Bars, TonalProfile, bars_of, tonal_profile
from tests.bench.truth import score_key, set_arrangements, set_key, set_key_studies
from tests.bench.truth.processes import map_each
from tests.bench.truth.recipes import Recipe
from tests.bench.truth.truth import Truth

HIDDEN: Final = 16
_SPOILED: Final = 3
"""So many times each piece is heard with other mistakes in its bars."""
_EPOCHS: Final = 30
_BATCH: Final = 64
_RATE: Final = 3e-3
_DECAY: Final = 1e-2
_DROPPED: Final = 0.1
_SMOOTHED: Final = 0.03
"""Share of each truth that is given to all keys alike: nothing is to be certain."""
_FILE: Final = Path(key_model.__file__).parent / key_model.WEIGHTS_FILE
_KEYS: Final = [f"{tonic} {mode}" for mode in ("major", "minor") for tonic in score_key.TONICS]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A piece, once for each spoiling of its bars, and the number of its key."""

    profiles: list[TonalProfile]
    key: int


def hear(recipe: Recipe, times: int) -> Heard:
    """Make one piece and listen to it; its sound is not kept. With `times` 0 its bars are true, once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "piece.wav")
        truth = recipe.make(path, **recipe.arguments)
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    mono = MonoStream(sample_rate_hz=rate_hz, channels=samples.shape[1])
    tones = PitchStream()
    tones.feed(mono.feed(np.ascontiguousarray(samples.T)))
    tones.feed(mono.finish())
    tones.finish()
    cents, _ = tuning(tones.deviations)
    rng = np.random.default_rng(list(recipe.name.encode()))
    bars = [_spoiled(truth, rng) for _ in range(times)] if times else [_bars(truth)]
    profiles = [tonal_profile(tones.chroma, tones.bass, some, cents=cents) for some in bars]
    return Heard(profiles=profiles, key=_KEYS.index(truth.key or ""))


def _bars(truth: Truth) -> Bars:
    if len(truth.downbeats_s) < 3:
        return bars_of(None, (), duration_s=truth.duration_s)
    beat_s = float(np.median(np.diff(truth.beats_s)))
    return Bars(starts_s=np.array(truth.downbeats_s), beat_s=beat_s, phrase_phase=0)


def _spoiled(truth: Truth, rng: np.random.Generator) -> Bars:
    true = _bars(truth)
    if true.phrase_phase is None or rng.random() < 0.12:
        return bars_of(None, (), duration_s=truth.duration_s)
    starts_s, beat_s = true.starts_s, true.beat_s
    if rng.random() < 0.2:
        starts_s = np.array(truth.beats_s)[int(rng.integers(1, 4)) :: 4]
    if rng.random() < 0.08:
        starts_s, beat_s = starts_s[::2], 2.0 * beat_s
    phase = int(rng.integers(0, 4)) if rng.random() < 0.3 else 0
    return Bars(starts_s=starts_s, beat_s=beat_s, phrase_phase=phase)


def hear_all(recipes: Sequence[Recipe], times: int, console: Console) -> list[Heard]:
    """Hear every piece in processes; what fails is told."""
    found = []
    for recipe, heard in zip(recipes, map_each(_Hear(times), recipes), strict=True):
        if isinstance(heard, BaseException):
            console.print(f"{recipe.set}/{recipe.name}: {heard!r}")
        else:
            found.append(heard)
    return found


@dataclass(frozen=True)
class _Hear:
    """`hear` with its number of times, as a function that another process can be sent."""

    times: int

    def __call__(self, recipe: Recipe) -> Heard:
        return hear(recipe, self.times)


def train(rows: Floats, keys: npt.NDArray[np.intp], *, seed: int = 0) -> KeyWeights:
    """Return weights found by Adam on the cross entropy, with a falling rate."""
    rng = np.random.default_rng(seed)
    count = rows.shape[2]
    values = [
        rng.normal(0.0, count**-0.5, (count, HIDDEN)), np.zeros(HIDDEN),
        rng.normal(0.0, 0.3 * HIDDEN**-0.5, (HIDDEN, 2)), np.zeros(2),
    ]  # fmt: skip
    means, squares = [np.zeros_like(value) for value in values], [np.zeros_like(value) for value in values]
    step = 0
    for epoch in range(_EPOCHS):
        rate = _RATE * 0.5 * (1.0 + np.cos(np.pi * epoch / _EPOCHS))
        for chosen in np.array_split(rng.permutation(len(rows)), max(len(rows) // _BATCH, 1)):
            step += 1
            kept = rng.random((chosen.size, 1, count)) > _DROPPED
            for place, slope in enumerate(_slopes(rows[chosen] * kept, keys[chosen], values)):
                means[place] += 0.1 * (slope - means[place])
                squares[place] += 0.001 * (slope**2 - squares[place])
                mean, square = means[place] / (1.0 - 0.9**step), squares[place] / (1.0 - 0.999**step)
                values[place] -= rate * mean / (np.sqrt(square) + 1e-8)
    return KeyWeights(*values)


def _slopes(rows: Floats, keys: npt.NDArray[np.intp], values: Sequence[Floats]) -> list[Floats]:
    into, into_bias, out, out_bias = values
    hidden = np.maximum(rows @ into + into_bias, 0.0)
    told = hidden @ out + out_bias
    logits = np.concatenate([told[..., 0], told[..., 1]], axis=1)
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    gap = chances / chances.sum(axis=1, keepdims=True) - _SMOOTHED / 24.0
    gap[np.arange(keys.size), keys] -= 1.0 - _SMOOTHED
    by_mode = np.stack([gap[:, :12], gap[:, 12:]], axis=2) / keys.size
    back = (by_mode @ out.T) * (hidden > 0.0)
    return [
        _flat(rows).T @ _flat(back) + _DECAY * into,
        back.sum(axis=(0, 1)),
        _flat(hidden).T @ _flat(by_mode) + _DECAY * out,
        by_mode.sum(axis=(0, 1)),
    ]


def _flat(rows: Floats) -> Floats:
    return rows.reshape(-1, rows.shape[-1])


def row(word: str, heard: Sequence[Heard], weights: KeyWeights) -> tuple[str, ...]:
    """Return one row of the table: MIREX-weighted, exact, and the kinds of errors."""
    said = [int(key_logits(one.profiles[0], weights).argmax()) for one in heard]
    points = [score_key.mirex(_KEYS[key], _KEYS[one.key]) for key, one in zip(said, heard, strict=True)]
    shares = [np.mean([point == kind for point in points]) for kind in (1.0, 0.5, 0.3, 0.2, 0.0)]
    return word, str(len(heard)), f"{np.mean(points):.3f}", *(f"{share:.3f}" for share in shares)


def main() -> None:
    """Hear, train, tell, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fit_key")
    parser.add_argument("--fit", type=int, default=1)
    parser.add_argument("--judge", type=int, default=11)
    parser.add_argument("--every", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    console = Console()
    learnt = [
        recipe
        for module in (set_key_studies, set_key, set_arrangements)
        # Studies are the most: the sets that judge are not to be learnt by heart, not even on other seeds.
        for recipe in module.recipes(options.fit, quick=module is not set_key_studies)[:: options.every]
    ]
    heard = hear_all(learnt, _SPOILED, console)
    weights = train(
        np.stack([inputs(profile) for one in heard for profile in one.profiles]),
        np.array([one.key for one in heard for _ in one.profiles]),
    )
    judged = {
        "excerpts": set_key.recipes(options.judge, quick=False)[:: options.every],
        "arrangements": set_arrangements.recipes(options.judge, quick=True),
    }
    table = Table("judged on", "pieces", "MIREX-weighted", "exact", "fifth above", "relative", "parallel", "other")
    table.add_row(*row("what was learnt", heard, weights))
    for word, recipes in judged.items():
        table.add_row(*row(word, hear_all(recipes, 0, console), weights))
    console.print(table)
    if options.write:
        np.savez_compressed(_FILE, **{name: value.astype(np.float16) for name, value in weights._asdict().items()})
        console.print(f"{_FILE.name}: {_FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
