"""Short pieces for fitting the key: other harmonies, players and forms than the sets that judge.

Half of the loops are those of many songs, half are drawn at random; some do not begin on the tonic, some never leave it;
scales are natural, harmonic, dorian or mixolydian; melodies need not end on the tonic; a few pieces have no bass, a few
nothing but a bass.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.truth import instruments, tempo_map
from tests.bench.truth.arrangement import Band, Part, perform, random_band
from tests.bench.truth.harmony import Harmony
from tests.bench.truth.instruments import GM_PROGRAMS
from tests.bench.truth.recipes import Recipe, save, seeded
from tests.bench.truth.styles import CLUB, STYLES, Style
from tests.bench.truth.truth import Truth

SET: Final = "key studies"
_COUNT: Final = 720
_LOOPS: Final = {
    "major": (
        (0, 4, 5, 3), (0, 3, 4, 3), (0, 5, 1, 4), (0, 4, 0, 4), (0, 3, 5, 4), (0, 4, 3, 3), (0, 0, 0, 0), (0, 3, 0, 3),
        (0, 2, 5, 3), (5, 3, 0, 4), (3, 0, 4, 5), (1, 4, 0, 0), (3, 4, 0, 0), (0, 0, 3, 3), (0, 6, 3, 0),
    ),
    "minor": (
        (0, 5, 2, 6), (0, 6, 5, 6), (0, 6, 5, 4), (0, 3, 5, 4), (0, 4, 5, 3), (0, 2, 6, 3), (0, 0, 0, 0), (0, 6, 0, 6),
        (0, 3, 0, 3), (0, 0, 5, 5), (0, 5, 0, 5), (5, 6, 0, 0), (3, 5, 0, 0), (0, 5, 3, 6), (0, 2, 5, 6), (0, 0, 3, 5),
        (0, 5, 6, 0), (5, 2, 6, 0),
    ),
}  # fmt: skip
"""Degrees, 0 = tonic, a chord a bar."""
_WEIGHTS: Final = {
    "major": (0.36, 0.08, 0.05, 0.18, 0.16, 0.14, 0.03),
    "minor": (0.38, 0.03, 0.08, 0.15, 0.10, 0.14, 0.12),
}
"""How often a random loop takes each degree."""
_BASSES: Final = (*instruments.BASSES, "pick_bass", "fretless_bass", "slap_bass", "synth_bass_2")
_PLAYERS: Final = tuple(name for name in (*instruments.FORMULAS, *GM_PROGRAMS) if not name.endswith("bass"))
_LAYERS: Final = (
    ({"bass", "chords"}, 0.25), ({"bass", "chords", "lead"}, 0.2), ({"bass", "pad", "lead"}, 0.15), ({"bass", "pad"}, 0.08),
    ({"bass", "chords", "pad", "lead", "arp"}, 0.12), ({"bass", "lead"}, 0.07), ({"chords", "lead"}, 0.05),
    ({"bass"}, 0.05), ({"pad", "arp"}, 0.03),
)  # fmt: skip
_DRUMS: Final = frozenset({"kick", "snare", "hats", "percussion"})


@dataclass(frozen=True, kw_only=True)
class Study(Harmony):
    """A harmony whose scale may be a church mode, and whose melody may end anywhere."""

    raised: tuple[int, int] | None = None
    """A degree of the scale and by how many semitones it is moved: dorian, mixolydian."""
    resolves: bool = True

    def _semitone(self, degree: int) -> int:
        moved = self.raised[1] if self.raised is not None and degree % 7 == self.raised[0] else 0
        return super()._semitone(degree) + moved

    def melody(self, bar: int, steps: int, rng: np.random.Generator) -> list[int]:
        notes = super().melody(bar, steps, rng)
        if bar % 4 == 3 and not self.resolves:
            notes[-1] = int(rng.choice(self.chord(bar)))
        return notes


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return 720 studies, or a sixth of them."""
    return [
        Recipe(set=SET, name=f"study-{seed}-{number:03d}", make=study, arguments={"seed": seed, "number": number})
        for number in range(0, _COUNT, 6 if quick else 1)
    ]


def study(path: Path, *, seed: int, number: int) -> Truth:
    """Make one of 16 to 50 s."""
    rng = seeded(seed, SET, number)
    harmony = random_study(rng, tonic=number % 12)
    style = STYLES[str(rng.choice(CLUB))]
    tempo_bpm = round(rng.uniform(*style.tempo_bpm), 2)
    chosen = _LAYERS[int(rng.choice(len(_LAYERS), p=[share for _, share in _LAYERS]))][0]
    layers = frozenset(chosen) | (_DRUMS if rng.random() < 0.8 else frozenset())
    bars = 4 * max(round(rng.uniform(16.0, 50.0) * tempo_bpm / 60.0 / 16.0), 2)
    players = replace(_players(style, rng), tuning_cents=float(rng.choice((0.0, rng.uniform(-45.0, 45.0)))))
    times = tempo_map.constant(tempo_bpm, 4 * bars, start_s=rng.uniform(0.0, 1.0))
    parts = [Part(label="verse", bars=bars, layers=layers)]
    if rng.random() < 0.4:
        # An intro of drums or of the bass alone, as tracks have it.
        parts = [Part(label="intro", bars=int(rng.choice((4, 8, 2))), layers=_DRUMS | {"bass"}), *parts]
        times = tempo_map.constant(tempo_bpm, 4 * (bars + 8), start_s=rng.uniform(0.0, 1.0))
    rendered = perform(style, harmony, players, times, parts, rng, rms_db=rng.uniform(-18.0, -9.0))
    drums = "kick" in layers
    return Truth(
        name="", set=SET, group="study", duration_s=save(path, rendered.samples), pieces=1, voice="none", music=True,
        tempo_bpm=tempo_bpm if drums else None, beats_s=rendered.beats_s if drums else [], key=harmony.key,
        also_right_bpm=None if style.also_right is None else tempo_bpm * style.also_right,
        downbeats_s=rendered.downbeats_s if drums else [], tuning_cents=players.tuning_cents,
    )  # fmt: skip


def random_study(rng: np.random.Generator, *, tonic: int) -> Study:
    """Return a harmony; minor is a little more common, as in club music."""
    mode = "minor" if rng.random() < 0.58 else "major"
    if rng.random() < 0.5:
        loops = _LOOPS[mode]
        loop = loops[int(rng.integers(0, len(loops)))]
    else:
        drawn = rng.choice(7, size=int(rng.choice((2, 4, 4, 8))), p=_WEIGHTS[mode])
        # The diminished chord is hardly ever played.
        drawn[drawn == (6 if mode == "major" else 1)] = 3
        drawn[0] = 0 if rng.random() < 0.75 else drawn[0]
        if 0 not in drawn:
            drawn[-1] = 0
        loop = tuple(int(degree) for degree in drawn)
    moved = {"major": (6, -1), "minor": (5, 1)}[mode] if rng.random() < 0.12 else None
    return Study(
        tonic=tonic,
        mode=mode,
        progression=loop,
        harmonic=rng.random() < 0.35,
        raised=moved,
        resolves=rng.random() < 0.5,
    )


def _players(style: Style, rng: np.random.Generator) -> Band:
    def one(names: tuple[str, ...]) -> str:
        return str(rng.choice(instruments.available(names)))

    return replace(
        random_band(rng, style), bass=one(_BASSES), chords=one(_PLAYERS), pad=one(_PLAYERS), lead=one(_PLAYERS)
    )
