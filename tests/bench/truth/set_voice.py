"""Music without a voice, with singing, with speech over it, and voices alone."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.truth import tempo_map, voices
from tests.bench.truth.arrangement import Part, perform, random_band
from tests.bench.truth.harmony import Harmony, fold, random_harmony
from tests.bench.truth.mixdown import Stereo, master
from tests.bench.truth.recipes import Recipe, save, seeded
from tests.bench.truth.set_tempo import random_tempo
from tests.bench.truth.styles import CLUB, STYLES
from tests.bench.truth.truth import Truth

SET: Final = "voice"
_LENGTH_S: Final = 36.0
LAYERS: Final = ("kick", "bass", "snare", "hats", "chords", "pad", "percussion", "arp", "lead")


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return 36 of music alone, 36 sung, 36 spoken over music, 12 of speech and 12 of singing alone; or a third."""
    counts = {"none": 36, "sung": 36, "spoken": 36, "spoken_alone": 12, "sung_alone": 12}
    made = []
    for group, count in counts.items():
        if "spoken" in group and not voices.can_speak():
            continue
        for number in range(count // 4 if quick else count):
            arguments = {"seed": seed, "number": number, "group": group}
            made.append(Recipe(set=SET, name=f"{group}-{seed}-{number:02d}", make=excerpt, arguments=arguments))
    return made


def excerpt(path: Path, *, seed: int, number: int, group: str) -> Truth:
    """Make one. Beds of the three mixed groups are drawn alike."""
    rng = seeded(seed, SET, group, number)
    kind = STYLES[CLUB[(number + int(rng.integers(0, 3))) % len(CLUB)]]
    tempo_bpm = random_tempo(kind, rng)
    bars = int(np.ceil(_LENGTH_S * tempo_bpm / 240.0))
    times = tempo_map.constant(tempo_bpm, 4 * bars, start_s=rng.uniform(0.0, 0.3))
    harmony = random_harmony(rng)
    layers = frozenset(LAYERS[: int(rng.integers(4, 10))])
    if group == "sung":
        layers -= {"lead"}
    rendered = perform(
        kind,
        harmony,
        replace(random_band(rng, kind)),
        times,
        [Part(label="verse", bars=bars, layers=layers)],
        rng,
        rms_db=-14.0,
    )
    bed = rendered.samples
    duration_s = bed.shape[1] / 44_100
    voice = np.zeros(bed.shape[1], dtype=np.float32)
    if group.startswith("spoken"):
        voice = voices.speech(duration_s, rng)
    elif group.startswith("sung"):
        voice = voices.sing(_melody(harmony, times, bars, rng), duration_s, rng)
    samples = _mix(bed, voice, group, rng)
    alone = group.endswith("alone")
    return Truth(
        name="", set=SET, group=group, duration_s=save(path, samples), voice=group.removesuffix("_alone"), music=not alone,
        tempo_bpm=None if alone else tempo_bpm,
        also_right_bpm=None if alone or kind.also_right is None else tempo_bpm * kind.also_right,
        beats_s=[] if alone else rendered.beats_s, downbeats_s=[] if alone else rendered.downbeats_s,
        pieces=None if alone else 1,
    )  # fmt: skip


def _melody(
    harmony: Harmony, times: tempo_map.TempoMap, bars: int, rng: np.random.Generator
) -> list[tuple[float, float, int]]:
    """Return notes of one to four eighths, with a bar of rest now and then."""
    notes = []
    for bar in range(bars):
        if bar % 4 == 3 and rng.random() < 0.5:
            continue
        step = 0
        for note in harmony.melody(bar, 8, rng):
            if step >= 8:
                break
            length = int(rng.choice([1, 2, 2, 3, 4]))
            start_s = times.time_s(bar * 4 + step / 2)
            end_s = times.time_s(bar * 4 + min(step + length, 8) / 2)
            notes.append((start_s, 0.95 * (end_s - start_s), fold(note, 52)))
            step += length
    return notes


def _mix(bed: Stereo, voice: Stereo, group: str, rng: np.random.Generator) -> Stereo:
    rms_db = float(rng.uniform(-18.0, -11.0))
    frames = min(bed.shape[1], voice.shape[-1])
    if group == "none":
        return master(bed, rms_db=rms_db, rng=rng)
    # A little of a room on the side, so that the voice is not exactly mono.
    side = 0.15 * np.roll(voice, round(0.017 * 44_100))
    sung = np.stack([voice + side, voice - side])[:, :frames]
    if group.endswith("alone"):
        return master(sung, rms_db=rms_db - 4.0, rng=rng)
    level = 2.0 * 10.0 ** (float(rng.uniform(-2.0, 5.0)) / 20.0)
    return master(bed[:, :frames] + np.float32(level) * sung, rms_db=rms_db, rng=rng)
