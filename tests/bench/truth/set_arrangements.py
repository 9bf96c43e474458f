"""Whole tracks with known sections, layers and key, sparse to dense; also beats."""

from pathlib import Path
from typing import Final

from tests.bench.truth import tempo_map
from tests.bench.truth.arrangement import perform, random_band
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
    density = rng.uniform(0.0, 1.0)
    parts = random_plan(rng, density=density, club=kind.pumped, most_bars=112)
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
