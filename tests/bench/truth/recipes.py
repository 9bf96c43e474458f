"""Recipes of files: what is to be made; made once, in parallel, and kept with its truth."""

import logging
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import soundfile

from tests.bench.truth.cache_folder import sound_folder
from tests.bench.truth.mixdown import Stereo
from tests.bench.truth.processes import Tell, map_each
from tests.bench.truth.truth import Item, Truth, read_truth, write_truth

_log = logging.getLogger(__name__)
RATE_HZ: Final = 44_100

Maker = Callable[..., Truth]
"""Takes the path to write (any suffix) as first argument and keywords; returns the truth of what it wrote."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One file to be made. The arguments alone decide what it sounds like."""

    set: str
    name: str
    make: Maker
    arguments: dict[str, Any] = field(default_factory=dict)
    suffix: str = ".flac"

    @property
    def path(self) -> Path:
        """Where the file is or will be."""
        told = f"{self.make.__module__}.{self.make.__qualname__} {sorted(self.arguments.items())!r}"
        return sound_folder() / self.set / f"{self.name}-{zlib.crc32(told.encode()):08x}{self.suffix}"


def seeded(*parts: object) -> np.random.Generator:
    """Return a generator that depends on the words alone."""
    return np.random.default_rng(list("|".join(map(str, parts)).encode()))


def save(path: Path, samples: Stereo, *, rate_hz: int = RATE_HZ, subtype: str = "PCM_16") -> float:
    """Write float samples, shape ``(channels, frames)``, as FLAC or WAV by suffix; return their length in seconds."""
    kind = {".flac": "FLAC", ".wav": "WAV", ".aiff": "AIFF"}[path.suffix]
    # Half a gigabyte an hour either way; the fastest FLAC level saves a third of the time of making a file.
    level = {"compression_level": 0.0} if kind == "FLAC" else {}
    clipped = np.ascontiguousarray(np.clip(samples, -1.0, 1.0).T)
    soundfile.write(path, clipped, rate_hz, format=kind, subtype=subtype, **level)
    return float(samples.shape[1] / rate_hz)


def make_all(
    recipes: Sequence[Recipe], *, workers: int | None = None, tell: Tell | None = None
) -> tuple[list[Item], list[str]]:
    """Make what is not there yet.

    Returns:
        The items in the order of the recipes, and one line for each that could not be made.
    """
    missing = [recipe for recipe in recipes if not recipe.path.with_suffix(".json").exists()]
    failed: list[str] = []
    if missing:
        for recipe, word in zip(missing, map_each(_make, missing, workers=workers, tell=tell), strict=True):
            if word is not None:
                failed.append(word if isinstance(word, str) else f"{recipe.set}/{recipe.name}: {word!r}")
    items = []
    for recipe in recipes:
        kept = recipe.path.with_suffix(".json")
        if kept.exists():
            truth = read_truth(kept)
            items.append(Item(path=recipe.path, truth=truth))
    return items, failed


def _make(recipe: Recipe) -> str | None:
    path = recipe.path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        truth = recipe.make(partial, **recipe.arguments)
        partial.replace(path)
    except Exception as error:  # one file that can't be made is told, the others go on
        partial.unlink(missing_ok=True)
        return f"{recipe.set}/{recipe.name}: {type(error).__name__}: {error}"
    write_truth(path.with_suffix(".json"), replace(truth, name=path.name, set=recipe.set))
    return None
