"""Pitched voices: electronic ones by formula, acoustic ones from a General MIDI soundfont."""

from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from tests.bench.truth import soundfont

RATE_HZ: Final = 44_100
Wave = npt.NDArray[np.float32]
_TABLE: Final = 2_048

GM_PROGRAMS: Final = {
    "piano": 0, "electric_piano": 4, "vibraphone": 11, "drawbar_organ": 16, "steel_guitar": 25, "clean_guitar": 27,
    "finger_bass": 33, "synth_bass": 38, "strings": 48, "brass": 61, "flute": 73, "saw_lead": 81, "warm_pad": 89,
    "harpsichord": 6,
    # Heard in `set_key_studies` only.
    "clavinet": 7, "celesta": 8, "marimba": 12, "accordion": 21, "nylon_guitar": 24, "jazz_guitar": 26, "muted_guitar": 28,
    "overdriven_guitar": 29, "pick_bass": 34, "fretless_bass": 35, "slap_bass": 36, "synth_bass_2": 39, "slow_strings": 49,
    "synth_strings": 50, "choir": 52, "trumpet": 56, "tenor_sax": 66, "clarinet": 71, "square_gm": 80, "polysynth": 90,
    "bowed_pad": 92, "sweep_pad": 95,
}  # fmt: skip
FORMULAS: Final = ("supersaw", "pluck", "organ", "bell", "reese", "sub", "soft_pad", "square_lead", "electric")
BASSES: Final = ("sub", "reese", "pluck", "finger_bass", "synth_bass")
CHORDS: Final = (
    "supersaw", "pluck", "organ", "electric", "soft_pad", "piano", "electric_piano", "drawbar_organ", "clean_guitar",
    "strings", "warm_pad", "brass", "steel_guitar",
)  # fmt: skip
LEADS: Final = ("pluck", "bell", "square_lead", "supersaw", "flute", "vibraphone", "saw_lead", "piano", "harpsichord")


def available(voices: tuple[str, ...]) -> list[str]:
    """Return those of the voices that this machine has."""
    return [voice for voice in voices if voice in FORMULAS or soundfont.is_there()]


def play(voice: str, pitch: int, duration_s: float) -> Wave:
    """Return one note of a voice, mono, at about the same loudness for every voice; `pitch` is a MIDI note number."""
    return _play(voice, pitch, round(duration_s, 3))


@lru_cache(maxsize=200)
def _tuned(voice: str, pitch: int) -> Wave:
    """Return a long note, from its attack on, RMS of the loudest part 0.2."""
    if voice in FORMULAS:
        wave = _formula(voice, 440.0 * 2.0 ** ((pitch - 69) / 12.0), 4.0)
    else:
        wave = soundfont.note(0, GM_PROGRAMS[voice], pitch)
        first = int(np.argmax(np.abs(wave) > 0.01 * np.abs(wave).max()))
        wave = wave[first:]
    size = RATE_HZ // 20
    blocks = wave[: wave.size // size * size].reshape(-1, size)
    loudest = float(np.sqrt(np.mean(blocks**2, axis=1)).max())
    return (wave * (0.2 / max(loudest, 1e-6))).astype(np.float32)


@lru_cache(maxsize=400)
def _play(voice: str, pitch: int, duration_s: float) -> Wave:
    wave = _tuned(voice, pitch)
    release = round(0.04 * RATE_HZ)
    frames = min(round(duration_s * RATE_HZ) + release, wave.size)
    cut = wave[:frames].copy()
    fade = min(release, frames)
    cut[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return cut


@cache
def _saw_table(harmonics: int, slope: float) -> npt.NDArray[np.float64]:
    """Return one period with `harmonics` partials that fall with ``n ** -slope``."""
    spectrum = np.zeros(_TABLE // 2 + 1, dtype=complex)
    numbers = np.arange(1, min(harmonics, _TABLE // 2 - 1) + 1)
    spectrum[numbers] = -1j * numbers**-slope
    return np.asarray(np.fft.irfft(spectrum) * _TABLE / 2)


def _table_tone(hz: float, time_s: npt.NDArray[np.float64], *, slope: float = 1.0, top_hz: float = 16_000.0) -> Wave:
    table = _saw_table(max(int(top_hz / hz), 1), slope)
    phase = (time_s * hz % 1.0) * _TABLE
    return np.interp(phase, np.arange(_TABLE + 1), np.append(table, table[0])).astype(np.float32)


def _formula(voice: str, hz: float, length_s: float) -> Wave:
    time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    attack = np.minimum(time_s / 0.004, 1.0)
    if voice == "supersaw":
        cents = (-11.0, -6.0, -2.0, 0.0, 3.0, 7.0, 12.0)
        tones = [_table_tone(hz * 2 ** (c / 1200), time_s + 0.37 * i / hz) for i, c in enumerate(cents)]
        wave = attack * np.sum(tones, axis=0)
    elif voice == "pluck":
        bright, dark = _table_tone(hz, time_s), _table_tone(hz, time_s, slope=2.0)
        wave = attack * np.exp(-time_s / 0.5) * (bright * np.exp(-time_s / 0.08) + dark)
    elif voice == "organ":
        partials = ((0.5, 0.6), (1.0, 1.0), (1.5, 0.3), (2.0, 0.7), (3.0, 0.4), (4.0, 0.4), (8.0, 0.15))
        wave = attack * sum(level * np.sin(2 * np.pi * hz * ratio * time_s) for ratio, level in partials)
    elif voice == "bell":
        index = 2.5 * np.exp(-time_s / 0.4)
        wave = (
            attack * np.exp(-time_s / 0.8) * np.sin(2 * np.pi * hz * time_s + index * np.sin(7 * np.pi * hz * time_s))
        )
    elif voice == "reese":
        tones = [_table_tone(hz * ratio, time_s, slope=1.4, top_hz=2_500.0) for ratio in (0.994, 1.006)]
        wave = attack * np.sum(tones, axis=0)
    elif voice == "sub":
        wave = attack * (np.sin(2 * np.pi * hz * time_s) + 0.25 * np.sin(4 * np.pi * hz * time_s))
    elif voice == "soft_pad":
        slow = np.minimum(time_s / 0.12, 1.0)
        tones = [_table_tone(hz * 2 ** (c / 1200), time_s, slope=1.8, top_hz=5_000.0) for c in (-6.0, 0.0, 6.0)]
        wave = slow * np.sum(tones, axis=0)
    elif voice == "square_lead":
        wave = attack * sum(np.sin(2 * np.pi * hz * n * time_s) / n for n in (1, 3, 5, 7, 9) if n * hz < 16_000.0)
    else:
        index = 1.2 * np.exp(-time_s / 0.25)
        fm = np.sin(2 * np.pi * hz * time_s + index * np.sin(2 * np.pi * hz * time_s))
        wave = attack * np.exp(-time_s / 1.2) * (fm + 0.1 * np.exp(-time_s / 0.05) * np.sin(28 * np.pi * hz * time_s))
    return np.asarray(wave, dtype=np.float32)
