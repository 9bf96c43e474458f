"""Half minutes of the real tracks, where these are at hand: tempo and beats are known, and there are enough to count."""

from pathlib import Path
from typing import Final

import soundfile

from tests.bench.truth import set_shared
from tests.bench.truth.recipes import Recipe, save, seeded
from tests.bench.truth.truth import Truth

SET: Final = "excerpts"
_A_TRACK: Final = 6
_LENGTH_S: Final = (16.0, 60.0)


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return six excerpts of each shared track, or one; none without the shared tracks."""
    return [
        Recipe(
            set=SET,
            name=f"{item.path.stem}-{seed}-{number}",
            make=excerpt,
            arguments={"seed": seed, "number": number, "track": item.path.name},
        )
        for item in set_shared.items()
        for number in range(1 if quick else _A_TRACK)
    ]


def excerpt(path: Path, *, seed: int, number: int, track: str) -> Truth:
    """Cut one out at a random place."""
    rng = seeded(seed, SET, track, number)
    item = next(item for item in set_shared.items() if item.path.name == track)
    whole = item.truth
    length_s = float(rng.uniform(*_LENGTH_S))
    start_s = float(rng.uniform(0.0, max(whole.duration_s - length_s, 0.0)))
    rate_hz = soundfile.info(item.path).samplerate
    samples, _ = soundfile.read(
        item.path, start=round(start_s * rate_hz), frames=round(length_s * rate_hz), dtype="float32", always_2d=True
    )
    duration_s = save(path, samples.T, rate_hz=rate_hz)
    beats = [round(at_s - start_s, 6) for at_s in whole.beats_s if start_s <= at_s < start_s + duration_s]
    downbeats = [round(at_s - start_s, 6) for at_s in whole.downbeats_s if start_s <= at_s < start_s + duration_s]
    return Truth(
        name="", set=SET, group="real", duration_s=duration_s, tempo_bpm=whole.tempo_bpm, pieces=1, music=True,
        also_right_bpm=whole.also_right_bpm, beats_s=beats, downbeats_s=downbeats,
    )  # fmt: skip
