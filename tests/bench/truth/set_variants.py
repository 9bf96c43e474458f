"""The same recording at other gains and after codecs: what is said of it must not change.

The base is a full track; the variants are ``gain`` (-6 dB, -14 dB), and ``codec``: MP3 with and without a LAME header, M4A,
Ogg and Opus as files of their own kind. The offset of each, against the base, is measured on what ffmpeg decodes; see
`offset_s`.
"""

from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.truth import ffmpeg, tempo_map
from tests.bench.truth.arrangement import Part, perform, random_band
from tests.bench.truth.harmony import random_harmony
from tests.bench.truth.mixdown import Stereo
from tests.bench.truth.plans import layers_of
from tests.bench.truth.recipes import Recipe, save, seeded
from tests.bench.truth.set_tempo import random_tempo
from tests.bench.truth.styles import CLUB, STYLES
from tests.bench.truth.truth import Truth

SET: Final = "variants"
GAINS_DB: Final = (-6.0, -14.0)
CODED: Final = {
    "mp3 320": ("mp3 320", ()),
    "mp3 128": ("mp3 128", ()),
    "mp3 without header": ("mp3 320", ("-write_xing", "0")),
    "m4a 256": ("aac 256", ()),
    "ogg q6": ("ogg q6", ()),
    "opus 160": ("opus 160", ()),
}
_RATE_HZ: Final = 44_100


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return 6 recordings of some 100 s with 8 variants each, or 2."""
    made = []
    for number in range(2 if quick else 6):
        arguments = {"seed": seed, "number": number}
        made.append(Recipe(set=SET, name=f"base-{seed}-{number:02d}", make=base, arguments=arguments))
        for gain_db in GAINS_DB:
            made.append(
                Recipe(
                    set=SET, name=f"gain-{seed}-{number:02d}", make=gained, arguments={**arguments, "gain_db": gain_db}
                )
            )
        for kind, (codec, _) in CODED.items():
            made.append(
                Recipe(
                    set=SET,
                    name=f"{kind.replace(' ', '-')}-{seed}-{number:02d}",
                    make=coded,
                    arguments={**arguments, "kind": kind},
                    suffix=f".{ffmpeg.CODECS[codec][0]}",
                )  # fmt: skip
            )
    return made


@lru_cache(maxsize=1)
def recording(seed: int, number: int) -> tuple[Stereo, Truth]:
    """Play one of the recordings, as it is before any change, at 44.1 kHz."""
    rng = seeded(seed, SET, number)
    kind = STYLES[CLUB[(5 * number) % len(CLUB)]]
    tempo_bpm = random_tempo(kind, rng)
    density = rng.uniform(0.3, 1.0)
    bars = 4 * round(100.0 * tempo_bpm / 240.0 / 16.0)
    parts = [
        Part(label=label, bars=bars, layers=layers_of(label, density)) for label in ("verse", "break", "drop", "outro")
    ]
    times = tempo_map.constant(tempo_bpm, 4 * sum(part.bars for part in parts), start_s=rng.uniform(0.0, 0.5))
    harmony = random_harmony(rng)
    rendered = perform(kind, harmony, random_band(rng, kind), times, parts, rng, rms_db=-11.0)
    truth = Truth(
        name="", set=SET, group="base", tempo_bpm=tempo_bpm, beats_s=rendered.beats_s, downbeats_s=rendered.downbeats_s,
        also_right_bpm=None if kind.also_right is None else tempo_bpm * kind.also_right, pieces=1, key=harmony.key,
        base=f"{seed}-{number:02d}", music=True, voice="none",
    )  # fmt: skip
    return rendered.samples, truth


def base(path: Path, *, seed: int, number: int) -> Truth:
    """Make the recording itself."""
    samples, truth = recording(seed, number)
    return _with(truth, group="base", duration_s=save(path, samples))


def gained(path: Path, *, seed: int, number: int, gain_db: float) -> Truth:
    """Make it quieter."""
    samples, truth = recording(seed, number)
    return _with(
        truth, group=f"gain {gain_db:g} dB", duration_s=save(path, samples * np.float32(10.0 ** (gain_db / 20.0)))
    )


def coded(path: Path, *, seed: int, number: int, kind: str) -> Truth:
    """Make it a file of a codec."""
    samples, truth = recording(seed, number)
    codec, more = CODED[kind]
    master_path = path.with_suffix(".master.wav")
    try:
        length_s = save(master_path, samples)
        ffmpeg.encode(master_path, path, codec, *more)
    finally:
        master_path.unlink(missing_ok=True)
    heard = ffmpeg.samples_of(path)
    return _with(truth, group=kind, duration_s=length_s, offset_s=offset_s(samples.mean(axis=0), heard))


def offset_s(original: np.ndarray, heard: np.ndarray) -> float:  # type: ignore[type-arg]
    """Return how much later `heard` lies than `original`, by cross-correlation of their first 20 s, to a tenth of a frame."""
    size = 1 << 21
    frames = 20 * _RATE_HZ
    product = np.fft.rfft(heard[:frames], size) * np.conj(np.fft.rfft(original[:frames], size))
    likeness = np.fft.irfft(product, size)
    best = int(np.argmax(likeness))
    left, middle, right = likeness[best - 1], likeness[best], likeness[(best + 1) % size]
    fine = 0.5 * (left - right) / (left - 2.0 * middle + right)
    return float(((best if best < size // 2 else best - size) + fine) / _RATE_HZ)


def _with(truth: Truth, **changes: object) -> Truth:
    return Truth.from_json({**truth.to_json(), **changes})
