"""The Groove MIDI Dataset as grids: performances of the official train, validation and test split."""

import csv
import io
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cratehand.domain.drum_pattern import DrumPattern, Metre
from cratehand_models.drum_grid import DrumGrid
from cratehand_models.drum_midi import parse_midi

ZIP: Final = Path("drums") / "groove-v1.0.0-midionly.zip"
"""Below the folder that the environment variable CRATEHAND_BENCH_DATA names."""
_LONGEST_BARS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groove:
    """One performance of the data set."""

    name: str
    style: str
    """The first word of its style: ``rock`` of ``rock/halftime``."""
    split: str
    is_fill: bool
    pattern: DrumPattern
    grid: DrumGrid


def load_grooves(data: Path, *, cache: Path | None = None) -> list[Groove]:
    """Read all performances, in the order of the data set's table.

    Args:
        data: The folder with the data of the benchmarks.
        cache: A file that keeps what was read, for the next time.
    """
    if cache is not None and cache.exists():
        found: list[Groove] = pickle.loads(cache.read_bytes())  # noqa: S301 - our own file, written below
        return found
    grooves = []
    with zipfile.ZipFile(data / ZIP) as archive:
        table = io.StringIO(archive.read("groove/info.csv").decode())
        for row in csv.DictReader(table):
            midi = archive.read(f"groove/{row['midi_filename']}")
            performance = parse_midi(
                midi, name=row["id"], metre=Metre.parse(row["time_signature"]), max_bars=_LONGEST_BARS
            )
            grooves.append(
                Groove(
                    name=row["id"],
                    style=row["style"].split("/")[0],
                    split=row["split"],
                    is_fill=row["beat_type"] == "fill",
                    pattern=performance.pattern,
                    grid=DrumGrid.of(performance.pattern),
                )
            )
    if cache is not None:
        cache.write_bytes(pickle.dumps(grooves))
    return grooves


def swing_of(grid: DrumGrid) -> float | None:
    """Return how late the second sixteenth of each pair is played, in steps (mean); None without such hits."""
    odd = grid.hits[1::2] > 0
    return float(grid.offsets[1::2][odd].mean()) if np.count_nonzero(odd) else None


def density_of(grid: DrumGrid) -> float:
    """Return hits per step."""
    return float(grid.hits.sum() / max(len(grid.hits), 1))
