"""Synthesised club tracks for the demo crate: kick, snare, hats, bass and chords in an arrangement. numpy only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Mono = npt.NDArray[np.float32]

SAMPLE_RATE_HZ: Final = 44_100
_STEPS_PER_BEAT: Final = 4
_STEPS_PER_BAR: Final = 16
_PEAK: Final = 0.89
"""About -1 dBFS."""

_MINOR: Final = ((0, 3, 7), (0, 3, 7), (5, 8, 12), (7, 10, 14))
_MAJOR: Final = ((0, 4, 7), (0, 4, 7), (5, 9, 12), (7, 11, 14))
"""Chords of four bars in semitones over the tonic: home twice, subdominant, dominant: no doubt of the key."""

_ARRANGEMENT: Final[tuple[tuple[str, float, frozenset[str]], ...]] = (
    ("intro", 1.0, frozenset({"kick", "hat"})),
    ("build", 1.0, frozenset({"hat", "chords", "roll"})),
    ("drop", 2.0, frozenset({"kick", "snare", "hat", "bass", "chords"})),
    ("break", 1.0, frozenset({"chords"})),
    ("drop", 2.0, frozenset({"kick", "snare", "hat", "bass", "chords"})),
    ("outro", 1.0, frozenset({"kick", "hat"})),
)
"""Section, its share of the length, and what plays in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groove:
    """Which of the sixteen steps of a bar each drum plays."""

    kick: tuple[int, ...]
    snare: tuple[int, ...]
    hat: tuple[int, ...]
    bass: tuple[int, ...]


FOUR_TO_THE_FLOOR: Final = Groove(kick=(0, 4, 8, 12), snare=(4, 12), hat=(2, 6, 10, 14), bass=(2, 3, 6, 7, 10, 11, 14))
BREAKBEAT: Final = Groove(kick=(0, 10), snare=(4, 12), hat=(0, 2, 4, 6, 8, 10, 12, 14), bass=(0, 3, 6, 10))
HALF_TIME: Final = Groove(kick=(0, 7), snare=(8,), hat=tuple(range(0, 16, 2)), bass=(0, 7, 11))


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What to play."""

    tempo_bpm: float
    tonic: int
    """Pitch class, C = 0."""
    minor: bool
    groove: Groove
    bars: int
    """A multiple of 8; the arrangement divides them by eighths."""
    seed: int


def render(score: Score) -> npt.NDArray[np.float32]:
    """Return the track, float32 in [-1, 1], shape ``(2, frames)``; the same score gives the same samples."""
    step_s = 60.0 / score.tempo_bpm / _STEPS_PER_BEAT
    frames = round(score.bars * _STEPS_PER_BAR * step_s * SAMPLE_RATE_HZ)
    voices = {name: np.zeros(frames, np.float32) for name in ("drums", "hat", "bass", "left", "right")}
    sounds = _sounds(np.random.default_rng(score.seed))
    bars = [_tones(score, chord, step_s) for chord in (_MINOR if score.minor else _MAJOR)]
    for bar, playing, progress in _bars(score.bars):
        starts = [round((bar * _STEPS_PER_BAR + step) * step_s * SAMPLE_RATE_HZ) for step in range(_STEPS_PER_BAR)]
        tones = bars[bar % len(bars)]
        if "kick" in playing:
            _play(voices["drums"], sounds["kick"], starts, score.groove.kick)
        if "snare" in playing:
            _play(voices["drums"], sounds["snare"], starts, score.groove.snare)
        if "hat" in playing:
            _play(voices["hat"], sounds["hat"], starts, score.groove.hat)
        if "bass" in playing:
            _play(voices["bass"], tones["bass"], starts, score.groove.bass)
        if "roll" in playing and progress >= 0.5:
            swell = sounds["snare"] * np.float32(0.25 + 0.4 * progress)
            _play(voices["drums"], swell, starts, range(0, _STEPS_PER_BAR, 2 if progress < 0.75 else 1))
        if "chords" in playing:
            level = np.float32(0.5 + 0.5 * progress if "roll" in playing else 0.9)
            for side in ("left", "right"):
                _play(voices[side], level * tones[side], starts, (0,))
    return _mix(voices)


def _bars(bars: int) -> list[tuple[int, frozenset[str], float]]:
    """Return bar, what plays, and how far its section has come, 0..1."""
    eighth = bars / sum(share for _, share, _ in _ARRANGEMENT)
    found, first = [], 0
    for _, share, playing in _ARRANGEMENT:
        length = round(share * eighth)
        found += [(first + bar, playing, bar / length) for bar in range(length) if first + bar < bars]
        first += length
    return found


def _play(voice: Mono, sound: Mono, starts: Sequence[int], steps: Iterable[int]) -> None:
    for step in steps:
        end = min(starts[step] + sound.size, voice.size)
        voice[starts[step] : end] += sound[: end - starts[step]]


def _tones(score: Score, chord: tuple[int, ...], step_s: float) -> dict[str, Mono]:
    """Return what has a pitch in one bar: the bass note, and the chord for each side."""
    return {
        "bass": _bass(score.tonic + chord[0], 0.9 * step_s),
        "left": _chord(score.tonic, chord, _STEPS_PER_BAR * step_s, 0.999),
        "right": _chord(score.tonic, chord, _STEPS_PER_BAR * step_s, 1.001),
    }


def _time_s(duration_s: float) -> npt.NDArray[np.float64]:
    return np.arange(round(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ


def _sounds(rng: np.random.Generator) -> dict[str, Mono]:
    kick_s, snare_s, hat_s = _time_s(0.35), _time_s(0.18), _time_s(0.06)
    # The pitch falls from 155 to 45 Hz; its integral is the phase.
    phase = 2 * np.pi * (45 * kick_s + 110 * 0.03 * (1 - np.exp(-kick_s / 0.03)))
    kick = np.sin(phase) * np.exp(-kick_s / 0.12) + 0.3 * rng.standard_normal(kick_s.size) * np.exp(-kick_s / 0.002)
    snare = rng.standard_normal(snare_s.size) * np.exp(-snare_s / 0.05)
    snare += 0.7 * np.sin(2 * np.pi * 190 * snare_s) * np.exp(-snare_s / 0.04)
    # The second difference of white noise leaves the top octave.
    hat = np.diff(rng.standard_normal(hat_s.size + 2), 2) * np.exp(-hat_s / 0.018)
    return {
        "kick": (0.9 * kick).astype(np.float32),
        "snare": (0.28 * snare).astype(np.float32),
        "hat": (0.07 * hat).astype(np.float32),
    }


def _frequency_hz(semitones_over_c: float, octave: int) -> float:
    """Equal temperament on A4 = 440 Hz; C of octave 4 is middle C."""
    return float(440.0 * 2.0 ** ((semitones_over_c - 9) / 12 + octave - 4))


def _bass(semitones: int, duration_s: float) -> Mono:
    time_s = _time_s(duration_s)
    base = 2 * np.pi * _frequency_hz(semitones % 12, 2) * time_s
    tone = sum(np.sin(partial * base) / partial for partial in range(1, 6))
    edge = np.minimum(1.0, np.minimum(time_s, duration_s - time_s) / 0.005)
    return np.asarray(0.3 * tone * np.exp(-time_s / 0.3) * edge, np.float32)


def _chord(tonic: int, chord: tuple[int, ...], duration_s: float, detune: float) -> Mono:
    time_s = _time_s(duration_s)
    tone = np.zeros(time_s.size)
    for interval in chord:
        base = 2 * np.pi * detune * _frequency_hz(tonic + interval, 4 if tonic < 8 else 3) * time_s
        tone += np.sin(base) + 0.5 * np.sin(2 * base) + 0.25 * np.sin(3 * base) + 0.12 * np.sin(5 * base)
    edge = np.minimum(1.0, np.minimum(time_s / 0.02, (duration_s - time_s) / 0.05))
    return np.asarray(0.08 * tone * np.clip(edge, 0, 1), np.float32)


def _mix(voices: Mapping[str, Mono]) -> npt.NDArray[np.float32]:
    middle = voices["drums"] + voices["bass"]
    left = middle + voices["left"] + np.float32(1.2) * voices["hat"]
    right = middle + voices["right"] + np.float32(0.8) * voices["hat"]
    mixed = np.tanh(np.stack([left, right]))
    return np.asarray(mixed * (_PEAK / max(float(np.abs(mixed).max()), 1e-9)), np.float32)
