"""Single notes of a General MIDI soundfont, rendered once by fluidsynth and kept in the cache folder.

Whole songs are not rendered by fluidsynth: its player moves events to milliseconds and to blocks of 64 frames, and
truth has to be exact. Notes are rendered singly and placed by `mixdown`.
"""

import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Final

import mido
import numpy as np
import numpy.typing as npt
import soundfile

from tests.bench.truth.cache_folder import cache_folder

Wave = npt.NDArray[np.float32]
RATE_HZ: Final = 44_100
_FONTS: Final = (
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/sounds/sf2/TimGM6mb.sf2",
    "/usr/share/sounds/sf3/default-GM.sf3",
)
_HOLD_S: Final = 4.0
_SPACE_S: Final = 5.0
_DRUM_BANK: Final = 128
_PITCHES: Final = range(28, 97)
_DRUM_KEYS: Final = range(35, 82)


def is_there() -> bool:
    """Whether fluidsynth and a soundfont are installed."""
    return shutil.which("fluidsynth") is not None and _font() is not None


def _font() -> str | None:
    return next((name for name in _FONTS if Path(name).exists()), None)


@cache
def note(bank: int, program: int, pitch: int) -> Wave:
    """Return one note of 4 s and its release, mono. Bank 128 is the drum kits."""
    pitches = _DRUM_KEYS if bank == _DRUM_BANK else _PITCHES
    start = round((pitch - pitches.start) * _SPACE_S * RATE_HZ)
    rendered = _program(bank, program)
    return rendered[start : start + round(_SPACE_S * RATE_HZ)].astype(np.float32)


@cache
def _program(bank: int, program: int) -> Wave:
    kept = cache_folder() / "notes" / f"{bank}-{program}.npy"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        _render(bank, program, kept)
    return np.asarray(np.load(kept, mmap_mode="r"))


def _render(bank: int, program: int, target: Path) -> None:
    pitches = _DRUM_KEYS if bank == _DRUM_BANK else _PITCHES
    midi = mido.MidiFile(ticks_per_beat=1_000)
    track = mido.MidiTrack()
    midi.tracks.append(track)
    channel = 9 if bank == _DRUM_BANK else 0
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
    track.append(mido.Message("program_change", channel=channel, program=program))
    for pitch in pitches:
        track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=100))
        track.append(mido.Message("note_off", channel=channel, note=pitch, time=round(_HOLD_S * 1_000)))
        track.append(mido.MetaMessage("marker", text="next", time=round((_SPACE_S - _HOLD_S) * 1_000)))
    with tempfile.TemporaryDirectory() as folder:
        written, wave = Path(folder, "notes.mid"), Path(folder, "notes.wav")
        midi.save(written)
        command = ["fluidsynth", "-niq", "-g", "0.8", "-R", "0", "-C", "0", "-r", str(RATE_HZ), "-F", str(wave)]
        subprocess.run([*command, str(_font()), str(written)], check=True, capture_output=True, timeout=600)
        samples, _ = soundfile.read(wave, dtype="float32", always_2d=True)
    partial = target.with_suffix(f".{os.getpid()}.part.npy")
    np.save(partial, samples.mean(axis=1, dtype=np.float32).astype(np.float16))
    partial.replace(target)
