"""Learn how many parts play at once: ``python -m tests.bench.fit_energy [FOLDER] [--write]``.

Fitted on the whole and the sections of made arrangements (406 of the draws in `FIT`), whose plan says what plays when;
told are the rank correlations by cross-validation over styles. All other draws are never fitted, and the
bench (`tests.bench.audio_features`) judges on those. FOLDER holds the unpacked packages of `tests.bench.voice_material`:
some of that music is encoded, and the direction in which codecs move the numbers is held to count for nothing.
"""

import argparse
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import soundfile

from cratehand.analysis import layer_model
from cratehand.analysis.analysis_rate import MonoStream
from cratehand.analysis.layer_model import pool
from cratehand.analysis.layer_windows import LAYER_WINDOW_S, NAMES, describe_layers
from cratehand.analysis.onsets import OnsetStream
from cratehand.analysis.pitch import PitchStream
from cratehand.domain.audio import Samples
from tests.bench.coded_pairs import coded_pairs, made_pairs
from tests.bench.truth import set_arrangements
from tests.bench.truth.processes import map_each
from tests.bench.truth.recipes import Recipe, make_all
from tests.bench.truth.statistics import spearman

Floats = npt.NDArray[np.float64]
T = TypeVar("T")

FIT: Final = ((1, 100), (11, 60), (12, 16), (13, 100), (14, 100), (15, 30))
"""Draws, and how many arrangements of each."""
RIDGE: Final = 0.01
WHOLE: Final = 0.95
"""Weight of whole tracks, against sections: one number a track is what energy is for, but short sounds have to rank too.
"""
STEADY: Final = 150.0
"""Weight of what encodes move. Of 80 altered recordings that were not fitted none moves by more than 2 % of the range;
without the music played by code six did, up to 9 % (Opus)."""
_FOLDS: Final = 5
_MODEL_FILE: Final = Path(layer_model.__file__)


@dataclass(frozen=True, kw_only=True, eq=False)
class Arrangement:
    """Windows of one arrangement, and how many layers play in each; NaN where that changes."""

    style: str
    layers: float
    windows: Floats
    each: Floats
    section: npt.NDArray[np.intp]


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """Constants of `cratehand.analysis.layer_model`."""

    centre: Floats
    spread: Floats
    weights: Floats
    mean: float

    def parts(self, windows: Floats) -> float:
        """Return what it says of some windows."""
        return float((pool(windows) - self.centre) / self.spread @ self.weights + self.mean)


def describe(samples: Samples, rate_hz: int) -> Floats:
    """Return the windows of a sound, float32 ``(channels, frames)``."""
    mono, onsets, tones = MonoStream(sample_rate_hz=rate_hz, channels=samples.shape[0]), OnsetStream(), PitchStream()
    for start in range(0, samples.shape[1], rate_hz):
        part = mono.feed(samples[:, start : start + rate_hz])
        onsets.feed(part)
        tones.feed(part)
    rest = mono.finish()
    onsets.feed(rest)
    tones.feed(rest)
    onsets.finish()
    tones.finish()
    return describe_layers(onsets.flux, onsets.levels, tones.chroma)


def arrangement(recipe: Recipe) -> Arrangement:
    """Describe one that is made."""
    [item], _ = make_all([recipe])
    samples, rate_hz = soundfile.read(item.path, dtype="float32", always_2d=True)
    windows = describe(np.ascontiguousarray(samples.T), int(rate_hz))
    starts_s = np.arange(len(windows)) * LAYER_WINDOW_S
    each, section = np.full(len(windows), np.nan), np.full(len(windows), -1)
    for start_s, end_s, layers, number in set_arrangements.layers_by_time(item.truth, recipe):
        inside = (starts_s >= start_s) & (starts_s + LAYER_WINDOW_S <= end_s + 0.3)
        each[inside], section[inside] = layers, number
    return Arrangement(
        style=item.truth.group, layers=item.truth.layers or 0.0, windows=windows, each=each, section=section
    )


def gather(recipes: Sequence[Recipe]) -> list[Arrangement]:
    """Make and describe arrangements, with as many processes as cores; one that fails ends the command."""
    _, failed = make_all(recipes)
    answers = map_each(arrangement, recipes) if not failed else []
    failed += [repr(answer) for answer in answers if not isinstance(answer, Arrangement)]
    if failed:
        raise SystemExit("\n".join(failed))
    return [answer for answer in answers if isinstance(answer, Arrangement)]


def fit(some: Sequence[Arrangement], moved: Floats) -> Fit:
    """Return the ridge over tracks and sections that the shifts `moved`, ``(shifts, 3 x numbers)``, hardly change."""
    tracks = np.array([pool(one.windows) for one in some])
    layers = np.array([one.layers for one in some])
    parts = [part for one in some for part in by_section(one, pool)]
    sections, each = np.array([found for found, _ in parts]), np.array([true for _, true in parts])
    centre, spread, mean = tracks.mean(axis=0), tracks.std(axis=0) + 1e-9, float(layers.mean())
    shifts = moved / spread
    curve = RIDGE * np.eye(len(centre)) + STEADY * shifts.T @ shifts / max(len(shifts), 1)
    slope = np.zeros(len(centre))
    for weight, rows, wanted in ((WHOLE, tracks, layers), (1.0 - WHOLE, sections, each)):
        standard = (rows - centre) / spread
        curve += weight * standard.T @ standard / len(rows)
        slope += weight * standard.T @ (wanted - mean) / len(rows)
    weights = np.asarray(np.linalg.solve(curve, slope), dtype=np.float64)
    return Fit(centre=centre, spread=spread, weights=weights, mean=mean)


def by_section(one: Arrangement, say: Callable[[Floats], T]) -> list[tuple[T, float]]:
    """Return what is said of the windows of each section of an arrangement, and how many layers it has."""
    known = ~np.isnan(one.each)
    inside = [known & (one.section == number) for number in sorted(set(one.section[known]))]
    return [(say(one.windows[rows]), float(one.each[rows].mean())) for rows in inside]


def cross_validate(some: Sequence[Arrangement], moved: Floats) -> tuple[float, float]:
    """Return the rank correlations per track and per section, each style judged by a fit without it."""
    styles = sorted({one.style for one in some})
    tracks, sections = [], []
    for fold in range(_FOLDS):
        left_out = styles[fold::_FOLDS]
        found = fit([one for one in some if one.style not in left_out], moved)
        for one in some:
            if one.style in left_out:
                tracks.append((found.parts(one.windows), one.layers))
                sections += by_section(one, found.parts)
    by_track = spearman([said for said, _ in tracks], [true for _, true in tracks])
    return by_track or 0.0, spearman([said for said, _ in sections], [true for _, true in sections]) or 0.0


def codec_shifts(folder: Path) -> Floats:
    """Return by how much encodes, gain and delay move what the model sees, ``(pieces of music x those, 3 x numbers)``."""
    shifts = []
    for original, coded in chain(coded_pairs(folder), made_pairs()):
        base = describe(*original)
        for sound in coded.values():
            other = describe(*sound)
            count = min(len(base), len(other))
            shifts.append(pool(other[:count]) - pool(base[:count]))
    return np.array(shifts).reshape(-1, 3 * len(NAMES))


def main() -> None:
    """Fit, tell, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    recipes = [recipe for seed, count in FIT for recipe in set_arrangements.recipes(seed, quick=False)[:count]]
    some = gather(recipes)
    moved = codec_shifts(arguments.folder) if arguments.folder else np.zeros((0, 3 * len(NAMES)))
    by_track, by_part = cross_validate(some, moved)
    print(f"{len(some)} arrangements, each style left out once: {by_track:.3f} per track, {by_part:.3f} per section")
    if arguments.write:
        write(fit(some, moved))


def write(found: Fit) -> None:
    """Replace the constants of the model."""
    head = _MODEL_FILE.read_text(encoding="utf-8").split("# Constants", 1)[0]
    lines = ["# Constants, written by tests/bench/fit_energy.py\n"]
    for name, values in (("_CENTRE", found.centre), ("_SPREAD", found.spread), ("_WEIGHTS", found.weights)):
        told = textwrap.fill(", ".join(f"{value:.4g}" for value in values), 110)
        lines.append(f"{name}: Final = (\n{textwrap.indent(told, '    ')},\n)  # fmt: skip")
    _MODEL_FILE.write_text(head + "\n".join([*lines, f"_MEAN: Final = {found.mean:.4g}\n"]), encoding="utf-8")


if __name__ == "__main__":
    main()
