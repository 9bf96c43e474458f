"""Voices: speech by espeak-ng where installed, singing by formant synthesis."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from scipy.signal import lfilter

RATE_HZ: Final = 44_100
Wave = npt.NDArray[np.float32]

_SPEAKERS: Final = (
    "en-us", "en-us+f2", "en-gb", "en-gb+f4", "en-gb-scotland+m3", "de+f3", "de+m4", "fr-fr+f1", "fr-fr+m2", "es+f2",
    "it+m5", "nl+f5", "pt-br+m7", "sv+f1",
)  # fmt: skip
_SENTENCES: Final = (
    "Good evening everybody, and welcome to the show. Tonight we have three hours of records for you.",
    "The train to the coast leaves from platform nine. Please keep your luggage with you at all times.",
    "When I was a child we used to walk down to the river and count the boats until it was dark.",
    "Put your hands up where I can see them, and let the drummer take it from the top one more time.",
    "Der Wind hat sich gedreht, und am Nachmittag wird es regnen, sagt die Frau am Fenster.",
    "Il faut prendre la deuxième rue à gauche, puis traverser le pont avant la tombée de la nuit.",
    "La casa está al final del camino, detrás de los árboles, y la puerta siempre está abierta.",
    "One two, one two, this is a test of the microphone. Can you hear me at the back of the room?",
)
_VOWELS: Final = {
    # Formants in Hz, with bandwidths 80, 90, 120, 130 and 140 (after the table of Csound's FOF, tenor and soprano).
    "a": (650, 1080, 2650, 2900, 3250),
    "e": (400, 1700, 2600, 3200, 3580),
    "i": (290, 1870, 2800, 3250, 3540),
    "o": (400, 800, 2600, 2800, 3000),
    "u": (350, 600, 2700, 2900, 3300),
}
_BANDWIDTHS_HZ: Final = (80.0, 90.0, 120.0, 130.0, 140.0)
_FORMANT_LEVELS: Final = (1.0, 0.5, 0.35, 0.3, 0.1)


def can_speak() -> bool:
    """Whether espeak-ng is installed."""
    return shutil.which("espeak-ng") is not None


def speech(duration_s: float, rng: np.random.Generator) -> Wave:
    """Return one speaker who talks with pauses for that long, RMS about 0.1."""
    pieces: list[Wave] = []
    length = 0
    speaker = str(rng.choice(_SPEAKERS))
    rate, pitch = int(rng.integers(130, 210)), int(rng.integers(30, 70))
    while length < duration_s * RATE_HZ:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "speech.wav")
            command = ["espeak-ng", "-v", speaker, "-s", str(rate), "-p", str(pitch), "-w", str(target)]
            subprocess.run([*command, str(rng.choice(_SENTENCES))], check=True, capture_output=True, timeout=60)
            samples, rate_hz = soundfile.read(target, dtype="float32")
        pieces += [
            np.asarray(soxr.resample(samples, rate_hz, RATE_HZ), dtype=np.float32),
            np.zeros(round(rng.uniform(0.2, 1.0) * RATE_HZ), dtype=np.float32),
        ]
        length += pieces[-1].size + pieces[-2].size
    return _level(np.concatenate(pieces)[: round(duration_s * RATE_HZ)])


def sing(notes: list[tuple[float, float, int]], duration_s: float, rng: np.random.Generator) -> Wave:
    """Return sung vowels, RMS about 0.1.

    Args:
        notes: Start and length in seconds, and MIDI note number.
        duration_s: Length of the whole.
        rng: Luck of vowels, vibrato and consonants.
    """
    voice = np.zeros(round(duration_s * RATE_HZ) + RATE_HZ, dtype=np.float32)
    high = rng.random() < 0.5
    for start_s, length_s, pitch in notes:
        note = _sung_note(length_s, pitch + (12 if high else 0), str(rng.choice(list(_VOWELS))), rng, wide=high)
        start = round(start_s * RATE_HZ)
        end = min(start + note.size, voice.size)
        voice[start:end] += note[: end - start]
    return _level(voice[: round(duration_s * RATE_HZ)])


def _sung_note(length_s: float, pitch: int, vowel: str, rng: np.random.Generator, *, wide: bool) -> Wave:
    time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    # The voice slides into the note, then vibrato grows; small random steps keep it human.
    slide = -1.2 * np.exp(-time_s / 0.04)
    vibrato = 0.35 * np.sin(2 * np.pi * rng.uniform(5.0, 6.3) * time_s) * np.clip((time_s - 0.2) / 0.3, 0.0, 1.0)
    wobble = np.interp(
        time_s, np.arange(0.0, length_s + 0.2, 0.05), rng.normal(0.0, 0.06, len(np.arange(0.0, length_s + 0.2, 0.05)))
    )
    hz = 440.0 * 2.0 ** ((pitch + slide + vibrato + wobble - 69) / 12.0)
    phase = np.cumsum(hz) / RATE_HZ % 1.0
    # Glottal flow after Rosenberg: rising cosine for 40 % of the period, falling for 16 %; its slope excites the tract.
    flow = np.where(
        phase < 0.4,
        0.5 * (1 - np.cos(np.pi * phase / 0.4)),
        np.where(phase < 0.56, np.cos(0.5 * np.pi * (phase - 0.4) / 0.16), 0.0),
    )
    source = np.diff(flow, prepend=0.0) + 0.004 * rng.standard_normal(time_s.size)
    scale = 1.12 if wide else 1.0
    sound = np.zeros(time_s.size)
    for formant, width_hz, level in zip(_VOWELS[vowel], _BANDWIDTHS_HZ, _FORMANT_LEVELS, strict=True):
        radius = np.exp(-np.pi * width_hz / RATE_HZ)
        turn = 2 * np.pi * formant * scale / RATE_HZ
        sound += level * lfilter([1.0 - radius], [1.0, -2.0 * radius * np.cos(turn), radius**2], source)
    sound *= np.minimum(time_s / 0.05, 1.0) * np.clip((length_s - time_s) / 0.08, 0.0, 1.0)
    if rng.random() < 0.6:
        # A consonant: noise around 5 kHz before the vowel.
        frames = min(round(0.07 * RATE_HZ), time_s.size)
        noise = lfilter([1.0, -1.0], [1.0], lfilter([0.05], [1.0, -1.3, 0.8], rng.standard_normal(frames)))
        sound[:frames] += 0.5 * np.abs(sound).max() * noise * np.hanning(frames) / max(np.abs(noise).max(), 1e-9)
    return (sound / max(float(np.abs(sound).max()), 1e-9)).astype(np.float32)


def _level(wave: Wave) -> Wave:
    loud = wave[np.abs(wave) > 1e-3]
    rms = float(np.sqrt(np.mean(loud**2))) if loud.size else 1.0
    return (wave * np.float32(0.1 / max(rms, 1e-9))).astype(np.float32)
