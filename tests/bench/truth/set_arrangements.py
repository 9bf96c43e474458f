"""Whole tracks with known sections, layers and key, sparse to dense; also beats."""

from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.truth import tempo_map
from tests.bench.truth.arrangement import Part, perform, random_band
from tests.bench.truth.harmony import random_harmony
from tests.bench.truth.plans import random_plan
from tests.bench.truth.recipes import Recipe, save, seeded
from tests.bench.truth.set_tempo import random_tempo
from tests.bench.truth.styles import CLUB, STYLES
from tests.bench.truth.truth import Truth

SET: Final = "arrangements"


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return 100 tracks, or 16."""
    return [
        Recipe(
            set=SET,
            name=f"{CLUB[number % len(CLUB)]}-{seed}-{number:03d}",
            make=track,
            arguments={"seed": seed, "number": number, "style": CLUB[number % len(CLUB)]},
        )
        for number in range(16 if quick else 100)
    ]


def track(path: Path, *, seed: int, number: int, style: str) -> Truth:
    """Make one. Its loudness says nothing about how much plays in it."""
    rng = seeded(seed, SET, style, number)
    kind = STYLES[style]
    parts = _plan(rng, style)
    tempo_bpm = random_tempo(kind, rng)
    start_s = rng.uniform(0.0, 1.5)
    times = tempo_map.constant(tempo_bpm, 4 * sum(part.bars for part in parts), start_s=start_s)
    harmony = random_harmony(rng)
    rendered = perform(kind, harmony, random_band(rng, kind), times, parts, rng, rms_db=rng.uniform(-18.0, -9.0))
    return Truth(
        name="", set=SET, group=style, duration_s=save(path, rendered.samples), tempo_bpm=tempo_bpm,
        also_right_bpm=None if kind.also_right is None else tempo_bpm * kind.also_right, beats_s=rendered.beats_s,
        downbeats_s=rendered.downbeats_s, pieces=1, key=harmony.key, sections=rendered.sections,
        minor_boundaries_s=rendered.minor_boundaries_s, layers=rendered.layers, voice="none", music=True,
    )  # fmt: skip


def _plan(rng: np.random.Generator, style: str) -> list[Part]:
    density = rng.uniform(0.0, 1.0)
    return random_plan(rng, density=density, club=STYLES[style].pumped, most_bars=112)


def layers_by_time(truth: Truth, recipe: Recipe) -> list[tuple[float, float, int, int]]:
    """Return start and end in seconds, how many layers play, and the number of the section, of each stretch."""
    seed, number, style = (recipe.arguments[name] for name in ("seed", "number", "style"))
    bar_s = 240.0 / (truth.tempo_bpm or 120.0)
    start_s, stretches = truth.sections[0][0], []
    for section, part in enumerate(_plan(seeded(seed, SET, style, number), style)):
        end_s = start_s + part.bars * bar_s
        enters_s = start_s + part.bars // 2 * bar_s if part.entering else end_s
        stretches.append((start_s, enters_s, len(part.layers), section))
        if part.entering:
            stretches.append((enters_s, end_s, len(part.layers | part.entering), section))
        start_s = end_s
    return stretches
