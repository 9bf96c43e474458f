"""Music made by code, with its exact truth: drum loops, bass and chords in a key, whole arrangements, tempo jumps.

song = arrangement(tempo_bpm=126.0, tonic=9, mode=Mode.MINOR)
song.samples        float32 (2, frames) at 44.1 kHz
song.beats_s        every beat; song.downbeats_s, song.key, song.sections: what an analysis should find
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from cratehand.domain.key import Mode, MusicalKey
from cratehand.domain.structure import Section, SectionLabel

SAMPLE_RATE_HZ: Final = 44_100
BEATS_PER_BAR: Final = 4

Mono = npt.NDArray[np.float64]
Stereo = npt.NDArray[np.float32]
Times = npt.NDArray[np.float64]

STYLES: Final = {
    # Sixteenths of one bar at which each drum plays.
    "house": {"kick": (0, 4, 8, 12), "snare": (4, 12), "hat": (2, 6, 10, 14), "tick": tuple(range(16))},
    "trance": {"kick": (0, 4, 8, 12), "snare": (4, 12), "hat": (2, 6, 10, 14), "bass_hit": (2, 6, 10, 14)},
    "breakbeat": {"kick": (0, 10), "snare": (4, 12), "hat": (0, 2, 4, 6, 8, 10, 12, 14)},
    "dnb": {"kick": (0, 10), "snare": (4, 12), "hat": (0, 2, 4, 6, 8, 10, 12, 14)},
    "hiphop": {"kick": (0, 7, 10), "snare": (4, 12), "hat": (0, 2, 4, 6, 8, 10, 12, 14)},
    "halftime": {"kick": (0, 6), "snare": (8,), "hat": (0, 2, 4, 6, 8, 10, 12, 14), "tick": (3, 7, 11, 15)},
}
LEVELS: Final = {"kick": 0.9, "snare": 0.55, "hat": 0.25, "tick": 0.08, "bass_hit": 0.35, "crash": 0.4}

SCALES: Final = {Mode.MAJOR: (0, 2, 4, 5, 7, 9, 11), Mode.MINOR: (0, 2, 3, 5, 7, 8, 10)}
PROGRESSIONS: Final = {Mode.MAJOR: (0, 4, 5, 3), Mode.MINOR: (0, 5, 2, 6)}
"""Degrees (0 = tonic) of the chords, one a bar: I-V-vi-IV and i-VI-III-VII."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Song:
    """A signal and everything that is true about it."""

    samples: Stereo
    tempo_bpm: float
    beats_s: Times
    key: MusicalKey | None = None
    sections: tuple[Section, ...] = ()
    sample_rate_hz: int = SAMPLE_RATE_HZ
    tempo_changes_s: tuple[float, ...] = ()
    layers: tuple[int, ...] = field(default=())
    """How many layers play in each section."""

    @property
    def downbeats_s(self) -> Times:
        """Start of every bar."""
        return self.beats_s[::BEATS_PER_BAR]

    @property
    def duration_s(self) -> float:
        """Length."""
        return float(self.samples.shape[1] / self.sample_rate_hz)


@cache
def one_shot(kind: str, *, seed: int = 0) -> Mono:
    """Return one hit of a drum, peak 1, attack within the first millisecond."""
    rng = np.random.default_rng([sum(kind.encode()), seed])
    length_s = {"kick": 0.28, "snare": 0.22, "hat": 0.06, "tick": 0.02, "bass_hit": 0.15, "crash": 1.6}[kind]
    time_s = np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    noise = rng.standard_normal(time_s.size)
    if kind == "kick":
        sweep_hz = 48.0 + 160.0 * np.exp(-time_s / 0.022)
        sound = np.sin(2 * np.pi * np.cumsum(sweep_hz) / SAMPLE_RATE_HZ) * np.exp(-time_s / 0.09)
        sound += 0.25 * noise * np.exp(-time_s / 0.002)
    elif kind == "snare":
        sound = 0.6 * noise * np.exp(-time_s / 0.06) + 0.6 * np.sin(2 * np.pi * 190.0 * time_s) * np.exp(-time_s / 0.04)
    elif kind == "bass_hit":
        sound = np.sin(2 * np.pi * 55.0 * time_s) + 0.4 * np.sin(2 * np.pi * 110.0 * time_s)
        sound *= np.minimum(time_s / 0.004, 1.0) * np.exp(-time_s / 0.1)
    else:
        bright = np.diff(noise, prepend=0.0)
        sound = bright * np.exp(-time_s / {"hat": 0.015, "tick": 0.004, "crash": 0.5}[kind])
    # The last millisecond fades, so that no hit ends in a click.
    sound[-44:] *= np.linspace(1.0, 0.0, 44)
    return np.asarray(sound / np.abs(sound).max())


def place(track: Mono, sound: Mono, at_s: float, level: float) -> None:
    """Add a sound to a track, its first sample at the nearest frame."""
    start = round(at_s * SAMPLE_RATE_HZ)
    if start >= track.size:
        return
    end = min(start + sound.size, track.size)
    track[start:end] += level * sound[: end - start]


def drums(
    track: Mono,
    bars_s: Times,
    *,
    style: str,
    drums_used: Sequence[str] | None = None,
    swing: float = 0.5,
    seed: int = 0,
) -> None:
    """Play a style over bars; `bars_s` holds the start of each bar and the end of the last.

    `swing` is where the second sixteenth lies between two eighths: 0.5 straight, 0.66 a shuffle. Hits vary a little in
    level, as programmed drums with velocity do, never in time.
    """
    rng = np.random.default_rng(seed)
    for start_s, end_s in itertools.pairwise(bars_s):
        for drum, sixteenths in STYLES[style].items():
            if drums_used is not None and drum not in drums_used:
                continue
            sound = one_shot(drum)
            for sixteenth in sixteenths:
                late = (swing - 0.5) * 2.0 if sixteenth % 2 else 0.0
                at_s = start_s + (end_s - start_s) * (sixteenth + late) / 16.0
                accent = 1.15 if sixteenth == 0 and drum == "kick" else 1.0
                place(track, sound, at_s, LEVELS[drum] * accent * rng.uniform(0.9, 1.0))


def note_hz(semitone: float, *, cents: float = 0.0) -> float:
    """Return the frequency of a MIDI note number, `cents` off A = 440 Hz."""
    return float(440.0 * 2.0 ** ((semitone - 69.0 + cents / 100.0) / 12.0))


@cache
def tone(
    semitone: float, length_s: float, *, cents: float = 0.0, brightness: float = 0.5, attack_s: float = 0.01
) -> Mono:
    """Return a tone of eight harmonics that fall by `brightness` each, with a soft attack and a short release."""
    time_s = np.arange(round(length_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    hz = note_hz(semitone, cents=cents)
    sound = np.zeros(time_s.size)
    for harmonic in range(1, 9):
        if harmonic * hz < 0.45 * SAMPLE_RATE_HZ:
            sound += brightness ** (harmonic - 1) * np.sin(2 * np.pi * harmonic * hz * time_s)
    envelope = np.minimum(time_s / attack_s, 1.0) * np.minimum((length_s - time_s) / 0.02, 1.0)
    return np.asarray(sound * np.clip(envelope, 0.0, 1.0))


def triad(key: MusicalKey, degree: int) -> tuple[int, int, int]:
    """Return the pitch classes of the triad on a degree (0 = tonic) of a key, above its tonic, in semitones."""
    scale = SCALES[key.mode]
    root, third, fifth = (scale[(degree + step) % 7] + 12 * ((degree + step) // 7) for step in (0, 2, 4))
    return key.tonic + root, key.tonic + third, key.tonic + fifth


def harmony(track: Mono, bars_s: Times, *, key: MusicalKey, parts: Sequence[str], cents: float = 0.0) -> None:
    """Play the key's progression, one chord a bar: parts are ``bass`` (eighths), ``pad`` (whole bars), ``lead``."""
    progression = PROGRESSIONS[key.mode]
    for bar, (start_s, end_s) in enumerate(itertools.pairwise(bars_s)):
        notes = triad(key, progression[bar % len(progression)])
        eighth_s = (end_s - start_s) / 8.0
        if "pad" in parts:
            for note in notes:
                place(track, tone(60 + note % 12, end_s - start_s, cents=cents, attack_s=0.05), start_s, 0.09)
        for step in range(8):
            at_s = start_s + step * eighth_s
            if "bass" in parts:
                place(track, tone(36 + notes[0] % 12, 0.9 * eighth_s, cents=cents), at_s, 0.22)
            if "lead" in parts:
                place(track, tone(72 + notes[step % 3] % 12, 0.5 * eighth_s, cents=cents, brightness=0.6), at_s, 0.1)


def bar_times(tempo_bpm: float, bars: int, *, start_s: float = 0.0) -> Times:
    """Return the start of each bar and the end of the last."""
    return start_s + np.arange(bars + 1) * BEATS_PER_BAR * 60.0 / tempo_bpm


def beat_times(bars_s: Times) -> Times:
    """Return every beat of the bars, without the end of the last."""
    return np.concatenate(
        [np.linspace(start, end, BEATS_PER_BAR, endpoint=False) for start, end in itertools.pairwise(bars_s)]
    )


def drum_loop(
    *, tempo_bpm: float, bars: int, style: str = "house", swing: float = 0.5, start_s: float = 0.0, seed: int = 0
) -> Song:
    """Return drums alone; the first downbeat lies at `start_s`."""
    bars_s = bar_times(tempo_bpm, bars, start_s=start_s)
    track = _silence(bars_s[-1])
    drums(track, bars_s, style=style, swing=swing, seed=seed)
    return Song(samples=_stereo(track), tempo_bpm=tempo_bpm, beats_s=beat_times(bars_s))


def groove(
    *,
    tempo_bpm: float,
    bars: int,
    tonic: int = 9,
    mode: Mode = Mode.MINOR,
    style: str = "house",
    cents: float = 0.0,
    start_s: float = 0.0,
) -> Song:
    """Return drums with bass and chords in a key."""
    key = MusicalKey(tonic=tonic, mode=mode)
    bars_s = bar_times(tempo_bpm, bars, start_s=start_s)
    track = _silence(bars_s[-1])
    drums(track, bars_s, style=style)
    harmony(track, bars_s, key=key, parts=("bass", "pad"), cents=cents)
    return Song(samples=_stereo(track), tempo_bpm=tempo_bpm, beats_s=beat_times(bars_s), key=key)


def tempo_jumps(pieces: Sequence[tuple[float, int]], *, style: str = "house") -> Song:
    """Return drums that jump from tempo to tempo: ``[(tempo_bpm, bars), ...]``, without a gap."""
    starts_s: list[float] = [0.0]
    changes_s: list[float] = []
    for tempo_bpm, bars in pieces:
        changes_s.append(starts_s[-1])
        starts_s.extend(bar_times(tempo_bpm, bars, start_s=starts_s[-1])[1:])
    bars_s = np.array(starts_s)
    track = _silence(bars_s[-1])
    drums(track, bars_s, style=style)
    longest = max(pieces, key=lambda piece: piece[1] / piece[0])
    return Song(
        samples=_stereo(track),
        tempo_bpm=longest[0],
        beats_s=beat_times(bars_s),
        tempo_changes_s=tuple(changes_s[1:]),
    )


def drums_over(bars_s: Times, *, style: str = "house") -> Song:
    """Return drums over bars of any lengths; `bars_s` holds the start of each bar and the end of the last."""
    track = _silence(bars_s[-1])
    drums(track, bars_s, style=style)
    tempo_bpm = float(60.0 * BEATS_PER_BAR * (bars_s.size - 1) / (bars_s[-1] - bars_s[0]))
    return Song(samples=_stereo(track), tempo_bpm=tempo_bpm, beats_s=beat_times(bars_s))


PLAN: Final = (
    (SectionLabel.INTRO, 8),
    (SectionLabel.VERSE, 8),
    (SectionLabel.BUILD, 8),
    (SectionLabel.DROP, 16),
    (SectionLabel.BREAK, 8),
    (SectionLabel.BUILD, 8),
    (SectionLabel.DROP, 16),
    (SectionLabel.OUTRO, 8),
)
"""A club track in bars, 80 in all."""

_DRUMS_OF: Final = {
    SectionLabel.INTRO: ("kick", "tick"),
    SectionLabel.VERSE: ("kick", "hat", "tick"),
    SectionLabel.BUILD: ("snare", "tick"),
    SectionLabel.DROP: None,
    SectionLabel.BREAK: (),
    SectionLabel.OUTRO: ("kick", "hat"),
}
_PARTS_OF: Final = {
    SectionLabel.INTRO: (),
    SectionLabel.VERSE: ("bass",),
    SectionLabel.BUILD: ("pad", "lead"),
    SectionLabel.DROP: ("bass", "pad", "lead"),
    SectionLabel.BREAK: ("pad",),
    SectionLabel.OUTRO: ("bass",),
}


def arrangement(
    *,
    tempo_bpm: float,
    tonic: int = 9,
    mode: Mode = Mode.MINOR,
    plan: Sequence[tuple[SectionLabel, int]] = PLAN,
    style: str = "house",
    seed: int = 0,
) -> Song:
    """Return a whole club track: each section has its own drums and parts, builds rise, drops start with a crash."""
    key = MusicalKey(tonic=tonic, mode=mode)
    bars_s = bar_times(tempo_bpm, sum(bars for _, bars in plan))
    track = _silence(bars_s[-1])
    sections: list[Section] = []
    layers: list[int] = []
    first = 0
    for label, bars in plan:
        inside = bars_s[first : first + bars + 1]
        used = _DRUMS_OF[label]
        drums(track, inside, style=style, drums_used=used, seed=seed + first)
        harmony(track, inside, key=key, parts=_PARTS_OF[label])
        if label is SectionLabel.BUILD:
            _riser(track, inside)
        if label is SectionLabel.DROP:
            place(track, one_shot("crash"), float(inside[0]), LEVELS["crash"])
        layers.append(len(_PARTS_OF[label]) + (len(STYLES[style]) if used is None else len(used)))
        sections.append(Section(start_s=float(inside[0]), end_s=float(inside[-1]), label=label))
        first += bars
    return Song(
        samples=_stereo(track),
        tempo_bpm=tempo_bpm,
        beats_s=beat_times(bars_s),
        key=key,
        sections=tuple(sections),
        layers=tuple(layers),
    )


def _riser(track: Mono, bars_s: Times) -> None:
    start, end = round(bars_s[0] * SAMPLE_RATE_HZ), round(bars_s[-1] * SAMPLE_RATE_HZ)
    ramp = np.linspace(0.0, 1.0, end - start) ** 2
    track[start:end] += 0.18 * ramp * np.diff(np.random.default_rng(3).standard_normal(end - start), prepend=0.0)
    # A snare roll in the last half: eighths, then sixteenths.
    bar_s = float(bars_s[1] - bars_s[0])
    for bar, start_s in enumerate(bars_s[:-1]):
        hits = 0 if bar < len(bars_s) // 2 else (8 if bar < len(bars_s) - 3 else 16)
        for hit in range(hits):
            place(track, one_shot("snare"), float(start_s) + hit * bar_s / hits, 0.25)


def _silence(duration_s: float) -> Mono:
    return np.zeros(round(duration_s * SAMPLE_RATE_HZ))


def _stereo(track: Mono, *, peak: float = 0.89) -> Stereo:
    """Scale to a peak and give the right channel a little of its own air, so that it is true stereo."""
    scaled = track * (peak / max(float(np.abs(track).max(initial=0.0)), 1e-9))
    air = 0.004 * np.random.default_rng(5).standard_normal((2, track.size))
    return np.clip(scaled + air, -1.0, 1.0).astype(np.float32)
