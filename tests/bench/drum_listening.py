"""A page to listen to the drums: ``python -m tests.bench.drum_listening --out FOLDER``.

Every style that the model plays and every template, and one pattern taken further in each way, as MIDI files and as WAV
made by a small synthesiser of our own, on one HTML page. Nothing of it is kept in the project.
"""

import argparse
import html
import sys
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from cratehand.app.drum_parts import drum_generation
from cratehand.domain.drum_pattern import DrumPattern, DrumVoice
from cratehand.domain.drum_request import DrumTask, GeneratedDrums, GeneratorKind, GivenDrums
from cratehand.usecases.drum_generation import DrumWish

RATE_HZ: Final = 44_100
Sound = NDArray[np.float64]
_TONES: Final = {
    # pitch at the stroke and after it in Hz, how fast it falls and fades in s, share of noise
    DrumVoice.KICK: (160.0, 48.0, 0.03, 0.16, 0.02),
    DrumVoice.SNARE: (260.0, 185.0, 0.02, 0.10, 0.7),
    DrumVoice.LOW_TOM: (130.0, 85.0, 0.05, 0.22, 0.05),
    DrumVoice.MID_TOM: (180.0, 120.0, 0.05, 0.18, 0.05),
    DrumVoice.HIGH_TOM: (240.0, 165.0, 0.05, 0.15, 0.05),
    DrumVoice.CLOSED_HAT: (0.0, 0.0, 0.01, 0.025, 1.0),
    DrumVoice.OPEN_HAT: (0.0, 0.0, 0.01, 0.16, 1.0),
    DrumVoice.CRASH: (0.0, 0.0, 0.01, 0.6, 1.0),
    DrumVoice.RIDE: (420.0, 420.0, 0.01, 0.25, 0.8),
}


def stroke(voice: DrumVoice) -> Sound:
    """Return one stroke at full loudness, mono."""
    high_hz, low_hz, falls_s, fades_s, noisy = _TONES[voice]
    time_s = np.arange(int(RATE_HZ * fades_s * 6)) / RATE_HZ
    pitch_hz = low_hz + (high_hz - low_hz) * np.exp(-time_s / falls_s)
    tone = np.sin(2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ)
    noise = np.random.default_rng(1).standard_normal(len(time_s)) * 0.4
    # Metal has no lows: twice the difference from one sample to the next.
    if voice not in (DrumVoice.KICK, DrumVoice.SNARE):
        noise = np.diff(noise, 2, prepend=[0.0, 0.0]) * 0.4
    sound: Sound = ((1 - noisy) * tone + noisy * noise) * np.exp(-time_s / fades_s)
    return sound


def render(pattern: DrumPattern) -> Sound:
    """Return a pattern as mono sound with a second to ring."""
    sound = np.zeros(int((pattern.duration_s + 1.0) * RATE_HZ))
    strokes = {voice: stroke(voice) for voice in DrumVoice}
    for hit, start_s in zip(pattern.hits, pattern.onsets_s(), strict=True):
        start = int(start_s * RATE_HZ)
        part = strokes[hit.voice][: len(sound) - start]
        sound[start : start + len(part)] += part * (hit.velocity / 127) ** 1.6
    return sound / max(np.abs(sound).max(), 1e-9) * 0.9


def examples() -> list[tuple[str, GeneratedDrums]]:
    """Return what is on the page."""
    generation = drum_generation()
    made = []
    for style in generation.styles():
        for kind in style.generators:
            wish = DrumWish(style=style.name, seed=1, bars=8, generator=kind)
            made.append((f"{style.name}, {kind}", generation.generate(wish)))
    start = generation.generate(DrumWish(style="house", seed=1, bars=4)).pattern
    for task in DrumTask:
        wish = DrumWish(style=None, seed=1, given=GivenDrums(pattern=start), task=task, generator=GeneratorKind.MODEL)
        made.append((f"house template, {task}", generation.generate(wish)))
    return made


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="a folder; made where it is not there")
    folder = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    generation, rows = drum_generation(), []
    for title, drums in examples():
        name = "".join(sign if sign.isalnum() else "-" for sign in title)
        soundfile.write(folder / f"{name}.wav", render(drums.pattern), RATE_HZ, subtype="PCM_16")
        (folder / f"{name}.mid").write_bytes(generation.midi(drums.pattern))
        rows.append(
            f"<tr><td>{html.escape(title)}<td>{drums.pattern.tempo_bpm:g} BPM<td><audio controls preload=none "
            f'src="{name}.wav"></audio><td><a href="{name}.mid">MIDI</a>'
        )
    page = "<!doctype html><meta charset=utf-8><title>Drums</title><h1>Drums</h1><table>" + "".join(rows) + "</table>"
    (folder / "index.html").write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
