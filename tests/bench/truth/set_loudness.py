"""Test signals of EBU Tech 3341 and 3342, synthesised after their descriptions, with their published values.

Cases 7 and 8 of 3341 and 5 and 6 of 3342 are recordings and can't be made; cases 9 to 14 are about meters in motion,
of which 9 is kept for its short-term maximum. Cases 20 to 23 need the EBU's own filter and are left to the comparison
with ffmpeg.
"""

from pathlib import Path
from typing import Final

import numpy as np

from tests.bench.truth.recipes import Recipe, save
from tests.bench.truth.truth import Truth

SET: Final = "loudness"
_RATE_HZ: Final = 48_000
_STEPS: Final = {
    # (level of both channels in dBFS, seconds) ...; the expected values
    "3341-1": ([(-23.0, 20.0)], {"integrated_lufs": -23.0}),
    "3341-2": ([(-33.0, 20.0)], {"integrated_lufs": -33.0}),
    "3341-3": ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], {"integrated_lufs": -23.0}),
    "3341-4": (
        [(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)],
        {"integrated_lufs": -23.0},
    ),
    "3341-5": ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], {"integrated_lufs": -23.0}),
    "3341-9": ([(-20.0, 1.34), (-30.0, 1.66)] * 5, {"max_short_term_lufs": -23.0}),
    "3342-1": ([(-20.0, 20.0), (-30.0, 20.0)], {"range_lu": 10.0}),
    "3342-2": ([(-20.0, 20.0), (-15.0, 20.0)], {"range_lu": 5.0}),
    "3342-3": ([(-40.0, 20.0), (-20.0, 20.0)], {"range_lu": 20.0}),
    "3342-4": ([(-50.0, 20.0), (-35.0, 20.0), (-20.0, 20.0), (-35.0, 20.0), (-50.0, 20.0)], {"range_lu": 15.0}),
}
_PEAKS: Final = {
    # divisor of the sample rate, phase in degrees, amplitude; expected dBTP
    "3341-15": (4, 0.0, 0.50, -6.0),
    "3341-16": (4, 45.0, 0.50, -6.0),
    "3341-17": (6, 60.0, 0.50, -6.0),
    "3341-18": (8, 67.5, 0.50, -6.0),
    "3341-19": (4, 45.0, 1.41, 3.0),
}
TOLERANCES: Final = {
    "integrated_lufs": (0.1, 0.1),
    "max_short_term_lufs": (0.1, 0.1),
    "range_lu": (1.0, 1.0),
    "true_peak_dbtp": (0.4, 0.2),
}
"""How far below and above the published value is still right, after the same documents."""


def recipes(seed: int, *, quick: bool) -> list[Recipe]:
    """Return all of them; they have no luck in them."""
    made = [Recipe(set=SET, name=name, make=steps, arguments={"case": name}, suffix=".wav") for name in _STEPS]
    made += [Recipe(set=SET, name=name, make=peak, arguments={"case": name}, suffix=".wav") for name in _PEAKS]
    return [*made, Recipe(set=SET, name="3341-6", make=surround, suffix=".wav")]


def _tone(level_db: float, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    time_s = np.arange(round(seconds * _RATE_HZ)) / _RATE_HZ
    return 10.0 ** (level_db / 20.0) * np.sin(2 * np.pi * 1_000.0 * time_s)


def steps(path: Path, *, case: str) -> Truth:
    """Make 1 kHz in both channels, at levels one after another."""
    levels, expected = _STEPS[case]
    mono = np.concatenate([_tone(level_db, seconds) for level_db, seconds in levels])
    return _kept(path, np.tile(mono, (2, 1)), expected)


def surround(path: Path) -> Truth:
    """Make case 6: five channels L, R, C, LFE (empty), Ls, Rs."""
    levels = (-28.0, -28.0, -24.0, None, -30.0, -30.0)
    rows = [np.zeros(20 * _RATE_HZ) if level is None else _tone(level, 20.0) for level in levels]
    return _kept(path, np.stack(rows), {"integrated_lufs": -23.0})


def peak(path: Path, *, case: str) -> Truth:
    """Make a sine whose samples miss its crests; it fades in and out, as a cut would ring."""
    divisor, phase, amplitude, expected = _PEAKS[case]
    frames = np.arange(3 * _RATE_HZ)
    fade = np.clip(np.minimum(frames, frames[::-1]) / (0.5 * _RATE_HZ), 0.0, 1.0)
    mono = amplitude * fade * np.sin(2 * np.pi * frames / divisor + np.radians(phase))
    return _kept(path, np.tile(mono, (2, 1)), {"true_peak_dbtp": expected})


def _kept(path: Path, samples: np.ndarray, expected: dict[str, float]) -> Truth:  # type: ignore[type-arg]
    length_s = save(path, samples.astype(np.float32), rate_hz=_RATE_HZ, subtype="FLOAT")
    return Truth(name="", set=SET, group="ebu", duration_s=length_s, loudness=expected)
