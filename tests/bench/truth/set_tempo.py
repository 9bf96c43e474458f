"""Sounds with exact beats: clicks, swung drum loops, tracks of many genres, odd metres, jumps, ramps, live playing."""

from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.truth import drum_machine, tempo_map
from tests.bench.truth.arrangement import Part, Rendered, perform, random_band
from tests.bench.truth.harmony import random_harmony
from tests.bench.truth.mixdown import Bus, master
from tests.bench.truth.plans import random_plan
from tests.bench.truth.recipes import Recipe, save, seeded
from tests.bench.truth.styles import CLUB, STYLES, Style
from tests.bench.truth.truth import Truth

SET: Final = "tempo"
_DRUM_LAYERS: Final = frozenset({"kick", "snare", "hats", "percussion"})


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return the set; `quick` is about a fifth of it."""
    some = 1 if quick else 4
    made = [_recipe(seed, "click", number, click) for number in range(3 * some)]
    made += [
        _recipe(seed, "loop", number, loop, style=CLUB[number % len(CLUB)])
        for number in range(len(CLUB) * some // 4 * 2)
    ]
    made += [
        _recipe(seed, "track", number, track, style=CLUB[number % len(CLUB)]) for number in range(len(CLUB) * some // 2)
    ]
    made += [_recipe(seed, "waltz", number, track, style="waltz") for number in range(some)]
    made += [_recipe(seed, "seven", number, track, style="seven") for number in range(max(some // 2, 1))]
    made += [_recipe(seed, "jump", number, jump) for number in range(2 * some)]
    made += [_recipe(seed, "ramp", number, ramp) for number in range(some)]
    made += [_recipe(seed, "live", number, live) for number in range(2 * some)]
    return made


def _recipe(seed: int, group: str, number: int, make: object, **arguments: object) -> Recipe:
    style = f"-{arguments['style']}" if "style" in arguments else ""
    return Recipe(
        set=SET,
        name=f"{group}{style}-{seed}-{number:02d}",
        make=make,  # type: ignore[arg-type]
        arguments={"seed": seed, "number": number, "group": group, **arguments},
    )


def random_tempo(style: Style, rng: np.random.Generator) -> float:
    """Return a tempo of the style: whole in half of the cases, else with two decimals."""
    low, high = style.tempo_bpm
    return float(rng.integers(round(low), round(high) + 1)) if rng.random() < 0.5 else round(rng.uniform(low, high), 2)


def click(path: Path, *, seed: int, number: int, group: str) -> Truth:
    """Make a metronome: one sound on each beat, another on the first of four."""
    rng = seeded(seed, group, number)
    tempo_bpm = round(rng.uniform(62.0, 188.0), 2)
    beats = 4 * int(rng.integers(25, 45))
    times = tempo_map.constant(tempo_bpm, beats, start_s=rng.uniform(0.0, 2.0))
    kit = str(rng.choice(drum_machine.kits()))
    bus = Bus(times.time_s(beats) + 0.5)
    for beat, at_s in enumerate(times.beats(beats)):
        drum, gain = ("clap", 0.9) if beat % 4 == 0 else ("rim", 0.6)
        bus.add(drum_machine.hit(kit, drum), float(at_s), gain=gain)
    samples = master(bus.samples, rms_db=-22.0, rng=rng)
    found = [round(float(at), 6) for at in times.beats(beats)]
    return Truth(
        name="", set=SET, group=group, duration_s=save(path, samples), tempo_bpm=tempo_bpm, beats_s=found,
        downbeats_s=found[::4], pieces=1, voice="none", music=True,
    )  # fmt: skip


def loop(path: Path, *, seed: int, number: int, group: str, style: str) -> Truth:
    """Make drums alone, with the swing of the style or more, about 75 s."""
    rng = seeded(seed, group, style, number)
    kind = STYLES[style]
    tempo_bpm = random_tempo(kind, rng)
    bars = 4 * max(round(75.0 * tempo_bpm / 60.0 / 16.0), 4)
    times = tempo_map.constant(tempo_bpm, 4 * bars, start_s=rng.uniform(0.0, 1.5))
    # Every eighth bar begins with a crash, as a played loop does; some patterns tell the first beat by nothing else.
    parts = [Part(label="drop", bars=min(8, bars - first), layers=_DRUM_LAYERS) for first in range(0, bars, 8)]
    rendered = perform(kind, random_harmony(rng), random_band(rng, kind), times, parts, rng, rms_db=-16.0)
    return _truth(path, rendered, group=group, kind=kind, tempo_bpm=tempo_bpm, pieces=1)


def track(path: Path, *, seed: int, number: int, group: str, style: str) -> Truth:
    """Make a whole track at a constant tempo."""
    rng = seeded(seed, group, style, number)
    kind = STYLES[style]
    tempo_bpm = random_tempo(kind, rng)
    parts = random_plan(rng, density=rng.uniform(0.3, 1.0), club=kind.pumped, most_bars=96)
    beats = sum(part.bars for part in parts) * kind.beats_per_bar
    times = tempo_map.constant(tempo_bpm, beats, start_s=rng.uniform(0.0, 3.0))
    harmony = random_harmony(rng)
    rendered = perform(kind, harmony, random_band(rng, kind), times, parts, rng, rms_db=rng.uniform(-16.0, -9.0))
    return _truth(path, rendered, group=group, kind=kind, tempo_bpm=tempo_bpm, pieces=1, key=harmony.key)


def jump(path: Path, *, seed: int, number: int, group: str) -> Truth:
    """Make a track of two or three constant pieces, as a transition track or an edit has them."""
    rng = seeded(seed, group, number)
    kind = STYLES[CLUB[int(rng.integers(0, len(CLUB)))]]
    first_bpm = random_tempo(kind, rng)
    pieces = [(first_bpm, 4 * 4 * int(rng.integers(7, 13)))]
    for _ in range(int(rng.integers(1, 3))):
        factor = rng.choice([1.0, -1.0]) * rng.uniform(0.015, 0.15)
        pieces.append((round(pieces[-1][0] * (1.0 + factor), 2), 4 * 4 * int(rng.integers(7, 13))))
    times = tempo_map.jumps(pieces, start_s=rng.uniform(0.0, 1.5))
    longest = max(pieces, key=lambda piece: piece[1] / piece[0])
    rendered = _all_layers(kind, times, sum(beats for _, beats in pieces) // 4, rng)
    return _truth(path, rendered, group=group, kind=kind, tempo_bpm=longest[0], pieces=len(pieces))


def ramp(path: Path, *, seed: int, number: int, group: str) -> Truth:
    """Make a track that speeds up or slows down all along, by 3 to 12 %."""
    rng = seeded(seed, group, number)
    kind = STYLES[CLUB[int(rng.integers(0, len(CLUB)))]]
    from_bpm = random_tempo(kind, rng)
    to_bpm = from_bpm * (1.0 + rng.choice([1.0, -1.0]) * rng.uniform(0.03, 0.12))
    bars = 4 * round(110.0 * from_bpm / 60.0 / 16.0)
    times = tempo_map.ramp(from_bpm, to_bpm, 4 * bars, start_s=rng.uniform(0.0, 1.0))
    rendered = _all_layers(kind, times, bars, rng)
    return _truth(path, rendered, group=group, kind=kind, tempo_bpm=(from_bpm + to_bpm) / 2.0, pieces=None)


def live(path: Path, *, seed: int, number: int, group: str) -> Truth:
    """Make a band without a click."""
    rng = seeded(seed, group, number)
    kind = STYLES[("pop", "rock", "disco", "reggae", "hiphop")[number % 5]]
    tempo_bpm = random_tempo(kind, rng)
    bars = 4 * round(120.0 * tempo_bpm / 60.0 / 16.0)
    times = tempo_map.live(tempo_bpm, 4 * bars, rng, start_s=rng.uniform(0.1, 1.0))
    rendered = _all_layers(kind, times, bars, rng)
    return _truth(path, rendered, group=group, kind=kind, tempo_bpm=tempo_bpm, pieces=None)


def _all_layers(kind: Style, times: tempo_map.TempoMap, bars: int, rng: np.random.Generator) -> Rendered:
    part = Part(label="verse", bars=bars, layers=_DRUM_LAYERS | {"bass", "chords", "lead"})
    return perform(kind, random_harmony(rng), random_band(rng, kind), times, [part], rng, rms_db=-13.0)


def _truth(
    path: Path,
    rendered: Rendered,
    *,
    group: str,
    kind: Style,
    tempo_bpm: float,
    pieces: int | None,
    key: str | None = None,
) -> Truth:
    return Truth(
        name="", set=SET, group=group, duration_s=save(path, rendered.samples), tempo_bpm=tempo_bpm,
        also_right_bpm=None if kind.also_right is None else tempo_bpm * kind.also_right, constant=pieces == 1,
        beats_s=rendered.beats_s, downbeats_s=rendered.downbeats_s, beats_per_bar=kind.beats_per_bar, pieces=pieces,
        key=key, sections=rendered.sections if group == "track" else [],
        minor_boundaries_s=rendered.minor_boundaries_s, layers=rendered.layers, voice="none", music=True,
    )  # fmt: skip
