"""24 keys by bands by tunings: chords, bass, melody and drums for half a minute each."""

from pathlib import Path
from typing import Final

from tests.bench.truth import tempo_map
from tests.bench.truth.arrangement import Band, Part, perform
from tests.bench.truth.drum_machine import kits
from tests.bench.truth.harmony import PROGRESSIONS, Harmony
from tests.bench.truth.instruments import FORMULAS
from tests.bench.truth.recipes import Recipe, save, seeded
from tests.bench.truth.soundfont import is_there
from tests.bench.truth.styles import STYLES, Style
from tests.bench.truth.truth import Truth

SET: Final = "key"
_BANDS: Final = {
    # bass, chords, pad, lead
    "piano": ("finger_bass", "piano", "strings", "flute"),
    "supersaw": ("reese", "supersaw", "soft_pad", "supersaw"),
    "electric": ("synth_bass", "electric_piano", "warm_pad", "vibraphone"),
    "organ": ("sub", "organ", "organ", "square_lead"),
    "guitar": ("finger_bass", "steel_guitar", "strings", "piano"),
    "pluck": ("pluck", "pluck", "soft_pad", "bell"),
    "brass": ("synth_bass", "brass", "strings", "saw_lead"),
    "fm": ("sub", "electric", "soft_pad", "pluck"),
    "harpsichord": ("reese", "harpsichord", "warm_pad", "harpsichord"),
    "clean": ("sub", "clean_guitar", "warm_pad", "flute"),
}
_STYLES: Final = ("house", "trance", "dnb", "hiphop", "pop", "techno", "breakbeat", "garage")
_CENTS: Final = (0, -40, 25, -15, 40, 10, -30, 0, 30, -10, 15, -25)
_LAYERS: Final = (
    frozenset({"kick", "snare", "hats", "bass", "chords", "pad", "lead"}),
    frozenset({"kick", "snare", "hats", "bass", "chords"}),
    frozenset({"kick", "snare", "hats", "percussion", "bass", "pad", "lead"}),
    frozenset({"bass", "chords", "lead"}),
)


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return 24 keys with every band, or with one band in five."""
    bands = [name for name, voices in _BANDS.items() if is_there() or set(voices) <= set(FORMULAS)]
    made = []
    for row, band in enumerate(bands):
        for key in range(24):
            number = row * 24 + key
            if quick and (number + seed) % 6:
                continue
            arguments = {"seed": seed, "number": number, "band": band, "tonic": key % 12, "minor": key >= 12}
            made.append(Recipe(set=SET, name=f"{band}-{seed}-{key:02d}", make=excerpt, arguments=arguments))
    return made


def _also_right(style: Style, tempo_bpm: float) -> float | None:
    return None if style.also_right is None else tempo_bpm * style.also_right


def excerpt(path: Path, *, seed: int, number: int, band: str, tonic: int, minor: bool) -> Truth:
    """Make one: a progression that begins on the tonic and a melody that ends on it, four or eight times."""
    rng = seeded(seed, SET, number)
    mode = "minor" if minor else "major"
    progressions = PROGRESSIONS[mode]
    harmony = Harmony(
        tonic=tonic,
        mode=mode,
        progression=progressions[(number + seed) % len(progressions)],
        harmonic=rng.random() < 0.4,
    )
    style = STYLES[_STYLES[int(rng.integers(0, len(_STYLES)))]]
    cents = float(_CENTS[(number * 5 + seed) % len(_CENTS)])
    bass, chords, pad, lead = _BANDS[band]
    players = Band(
        kit=str(rng.choice(kits())), bass=bass, chords=chords, pad=pad, lead=lead,
        swing=float(rng.uniform(*style.swing)), tuning_cents=cents,
    )  # fmt: skip
    tempo_bpm = round(rng.uniform(*style.tempo_bpm), 2)
    bars = 4 * max(round(32.0 * tempo_bpm / 60.0 / 16.0), 2)
    layers = _LAYERS[int(rng.integers(0, len(_LAYERS)))]
    part = Part(label="verse", bars=bars, layers=layers)
    times = tempo_map.constant(tempo_bpm, 4 * bars, start_s=rng.uniform(0.0, 0.5))
    rendered = perform(style, harmony, players, times, [part], rng, rms_db=rng.uniform(-18.0, -10.0))
    return Truth(
        name="", set=SET, group=band, duration_s=save(path, rendered.samples), pieces=1,
        # Half a minute without drums is a question about its key only.
        tempo_bpm=tempo_bpm if "kick" in layers else None, beats_s=rendered.beats_s if "kick" in layers else [],
        downbeats_s=rendered.downbeats_s if "kick" in layers else [], also_right_bpm=_also_right(style, tempo_bpm),
         key=harmony.key, tuning_cents=cents,
        voice="none", music=True,
    )  # fmt: skip
