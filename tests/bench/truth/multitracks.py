"""Short multitracks with every stem known: parts of an arrangement on buses of their own, and their plain sum."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from tests.bench.truth.arrangement import Stage, random_band
from tests.bench.truth.harmony import random_harmony
from tests.bench.truth.mixdown import RATE_HZ, Stereo
from tests.bench.truth.recipes import seeded
from tests.bench.truth.styles import STYLES
from tests.bench.truth.tempo_map import constant
from tests.bench.truth.voices import sing

STEM_LAYERS: Final[Mapping[str, frozenset[str]]] = {
    "drums": frozenset({"kick", "snare", "hats", "percussion"}),
    "bass": frozenset({"bass"}),
    "other": frozenset({"chords", "pad", "lead", "arp"}),
}
_PEAK: Final = 0.8


def multitrack(style: str, *, number: int, length_s: float, sings: bool) -> dict[str, Stereo]:
    """Render drums, bass, other and vocals, float32 ``(2, frames)`` each, of a length; their sum peaks at 0.8.

    Nothing is mastered: a limiter would make the mix other than the sum. Vocals are sung vowels, or silence.
    """
    rng = seeded("multitrack", style, number)
    kind, harmony, tempo_bpm = STYLES[style], random_harmony(rng), float(rng.uniform(118.0, 128.0))
    band = random_band(rng, kind)
    bars = int(np.ceil(length_s * tempo_bpm / 60.0 / kind.beats_per_bar)) + 1
    times, frames = constant(tempo_bpm, bars * kind.beats_per_bar), round(length_s * RATE_HZ)
    stems: dict[str, Stereo] = {}
    for stem, layers in STEM_LAYERS.items():
        stage = Stage(kind, harmony, band, times, seeded("multitrack", style, number, stem), bars=bars)
        for bar in range(bars):
            stage.play(bar, layers)
        stems[stem] = (stage.drums.samples if stem == "drums" else stage.tonal.samples)[:, :frames]
    stems["vocals"] = np.zeros((2, frames), np.float32)
    if sings:
        beat_s = 60.0 / tempo_bpm
        notes = [
            (at * 2 * beat_s, 1.6 * beat_s, 57 + int(rng.choice((0, 3, 5, 7, 10))))
            for at in range(int(length_s / (2 * beat_s)))
        ]
        stems["vocals"] += sing(notes, length_s, rng)[:frames]
    gain = np.float32(_PEAK / np.abs(np.sum(list(stems.values()), axis=0)).max())
    return {name: samples * gain for name, samples in stems.items()}
