"""The real tracks that are shared with everyone, with their published tempo; skipped where they are not there."""

import csv
from typing import Final

import numpy as np
import soundfile

from tests.bench.truth.cache_folder import shared_data
from tests.bench.truth.truth import Item, Truth

SET: Final = "shared"


def items() -> list[Item]:
    """Return the tracks: tempo constant, beat 0 at the published place, bars of four from there."""
    folder = shared_data()
    if folder is None:
        return []
    found = []
    with (folder / "audio" / "truth.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            path = folder / "audio" / row["file"]
            duration_s = float(soundfile.info(path).duration)
            tempo_bpm = float(row["tempo_bpm"])
            beats = np.arange(float(row["first_beat_s"]), duration_s, 60.0 / tempo_bpm).round(6).tolist()
            truth = Truth(
                name=path.name, set=SET, group="real", duration_s=duration_s, tempo_bpm=tempo_bpm,
                also_right_bpm=float(row["also_right_bpm"]) if row["also_right_bpm"] else None, beats_s=beats,
                downbeats_s=beats[::4], pieces=1, codec="lossless", music=True,
            )  # fmt: skip
            found.append(Item(path=path, truth=truth))
    return found
