"""What is no music, or hardly: silence, noise, speech, a second, twenty minutes of ambient, odd metres, wow."""

from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.truth import tempo_map, voices
from tests.bench.truth.arrangement import Part, perform, random_band
from tests.bench.truth.harmony import fold, random_harmony
from tests.bench.truth.instruments import RATE_HZ, available, play
from tests.bench.truth.mixdown import Bus, Stereo, master
from tests.bench.truth.recipes import Recipe, save, seeded
from tests.bench.truth.styles import STYLES
from tests.bench.truth.truth import Truth

SET: Final = "robustness"
NO_TEMPO: Final = (
    "silence", "digital_zero_then_noise", "white_noise", "pink_noise", "speech", "ambient", "sine", "sweep", "dc",
    "one_second", "ten_frames", "applause",
)  # fmt: skip
"""Groups without a beat: a tempo said with confidence there is invented."""
NO_KEY: Final = (
    "silence",
    "digital_zero_then_noise",
    "white_noise",
    "pink_noise",
    "speech",
    "dc",
    "ten_frames",
    "applause",
    "sweep",
)
"""Groups without a key."""


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return some 25 files."""
    groups = dict.fromkeys((*NO_TEMPO, "seven", "waltz", "wow", "loud", "eight_bit"), 2)
    groups |= {"silence": 1, "dc": 1, "ten_frames": 1, "ambient": 1}
    if not voices.can_speak():
        groups.pop("speech")
    return [
        Recipe(
            set=SET,
            name=f"{group}-{seed}-{number}",
            make=make,
            arguments={"seed": seed, "group": group, "number": number, "long": not quick},
        )
        for group, count in groups.items()
        for number in range(1 if quick else count)
    ]


def make(path: Path, *, seed: int, group: str, number: int, long: bool) -> Truth:
    """Make one."""
    rng = seeded(seed, SET, group, number)
    if group in ("seven", "waltz", "wow", "loud", "eight_bit"):
        return _music(path, group, rng)
    samples = _SOUNDS[group](rng, long)
    return Truth(name="", set=SET, group=group, duration_s=save(path, samples), music=group == "ambient")


def _music(path: Path, group: str, rng: np.random.Generator) -> Truth:
    kind = STYLES[group if group in STYLES else "house"]
    tempo_bpm = round(rng.uniform(*kind.tempo_bpm), 2)
    bars = 4 * round(70.0 * tempo_bpm / 60.0 / kind.beats_per_bar / 4.0)
    times = tempo_map.constant(tempo_bpm, bars * kind.beats_per_bar)
    layers = frozenset({"kick", "snare", "hats", "bass", "chords", "lead"})
    harmony = random_harmony(rng)
    part = Part(label="verse", bars=bars, layers=layers)
    rendered = perform(kind, harmony, random_band(rng, kind), times, [part], rng, rms_db=-12.0)
    samples, beats, downbeats = rendered.samples, rendered.beats_s, rendered.downbeats_s
    if group == "wow":
        samples, beats, downbeats = _wow(samples, beats, downbeats)
    elif group == "loud":
        samples = np.clip(samples * np.float32(6.0), -1.0, 1.0)
    elif group == "eight_bit":
        samples = (np.round(samples * 127.0) / 127.0).astype(np.float32)
    return Truth(
        name="", set=SET, group=group, duration_s=save(path, samples), tempo_bpm=tempo_bpm, beats_s=beats,
        also_right_bpm=tempo_bpm / 2.0 if group == "seven" else None, downbeats_s=downbeats, key=harmony.key,
        beats_per_bar=kind.beats_per_bar, pieces=None if group == "wow" else 1, constant=group != "wow", music=True,
        voice="none",
    )  # fmt: skip


def _wow(samples: Stereo, beats: list[float], downbeats: list[float]) -> tuple[Stereo, list[float], list[float]]:
    """Play it from a record whose hole is off centre: the speed swings by 0.5 % at 33 1/3 turns a minute."""
    frames = samples.shape[1]
    time_s = np.arange(frames) / RATE_HZ
    omega = 2 * np.pi * 100.0 / 3.0 / 60.0
    source_s = time_s + 0.005 / omega * np.sin(omega * time_s)
    played = np.stack([np.interp(source_s * RATE_HZ, np.arange(frames), channel) for channel in samples])
    heard = np.interp(beats, source_s, time_s), np.interp(downbeats, source_s, time_s)
    return played.astype(np.float32), heard[0].tolist(), heard[1].tolist()


def _noise(rng: np.random.Generator, seconds: float) -> Stereo:
    return (0.1 * rng.standard_normal((2, round(seconds * RATE_HZ)))).astype(np.float32)


def _pink(rng: np.random.Generator, seconds: float) -> Stereo:
    frames = round(seconds * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal((2, frames)), axis=1)
    spectrum /= np.sqrt(np.maximum(np.arange(spectrum.shape[1]), 20.0))
    sound = np.fft.irfft(spectrum, n=frames, axis=1)
    return (0.15 * sound / sound.std()).astype(np.float32)


def _ambient(rng: np.random.Generator, long: bool) -> Stereo:
    """Slow pads that fade into one another at random times."""
    seconds = 1_200.0 if long else 240.0
    bus = Bus(seconds)
    harmony = random_harmony(rng)
    at_s = 0.0
    voice = str(rng.choice(available(("soft_pad", "warm_pad", "strings"))))
    while at_s < seconds:
        for note in harmony.chord(int(rng.integers(0, 4)), seventh=True):
            wave = play(voice, fold(note, 48), 4.0)
            fade = np.sin(np.linspace(0.0, np.pi, wave.size)).astype(np.float32) ** 2
            bus.add(wave * fade, at_s + rng.uniform(0.0, 3.0), pan=rng.uniform(-0.6, 0.6))
        at_s += rng.uniform(0.6, 2.5)
    return master(bus.samples, rms_db=-20.0, rng=rng, floor_db=-70.0)


def _sweep(rng: np.random.Generator, long: bool) -> Stereo:
    time_s = np.arange(40 * RATE_HZ) / RATE_HZ
    hz = 30.0 * (18_000.0 / 30.0) ** (time_s / 40.0)
    return np.tile((0.5 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)).astype(np.float32), (2, 1))


def _sine(rng: np.random.Generator, long: bool) -> Stereo:
    time_s = np.arange(30 * RATE_HZ) / RATE_HZ
    return np.tile((0.5 * np.sin(2 * np.pi * 440.0 * time_s)).astype(np.float32), (2, 1))


def _applause(rng: np.random.Generator, long: bool) -> Stereo:
    """Claps of many hands at random."""
    frames = 40 * RATE_HZ
    claps = np.zeros((2, frames), dtype=np.float32)
    places = rng.integers(0, frames - 800, size=6_000)
    burst = (np.exp(-np.arange(800) / 120.0)).astype(np.float32)
    for place in places:
        claps[:, place : place + 800] += (
            rng.uniform(0.01, 0.08) * burst * rng.standard_normal((2, 800)).astype(np.float32)
        )
    return claps


_SOUNDS: Final = {
    "silence": lambda rng, long: np.zeros((2, 30 * RATE_HZ), dtype=np.float32),
    "digital_zero_then_noise": lambda rng, long: np.concatenate(
        [np.zeros((2, 20 * RATE_HZ), dtype=np.float32), 0.02 * _noise(rng, 20.0)], axis=1
    ),
    "white_noise": lambda rng, long: _noise(rng, 45.0),
    "pink_noise": lambda rng, long: _pink(rng, 45.0),
    "speech": lambda rng, long: np.tile(voices.speech(60.0, rng), (2, 1)),
    "ambient": _ambient,
    "sine": _sine,
    "sweep": _sweep,
    "dc": lambda rng, long: np.full((2, 20 * RATE_HZ), 0.25, dtype=np.float32),
    "one_second": lambda rng, long: np.tile(play("electric", 60, 0.9), (2, 1))[:, :RATE_HZ],
    "ten_frames": lambda rng, long: _noise(rng, 10 / RATE_HZ),
    "applause": _applause,
}
