"""Where generated sound, peers and their answers are kept between runs: below the temp dir, never in the project."""

import os
import tempfile
from pathlib import Path
from typing import Final

SOUND_VERSION: Final = 2
"""Raised when a generator makes other sound or truth for the same seed."""


def cache_folder() -> Path:
    """Return the folder, made if need be: ``CRATEHAND_BENCH_TMP`` or the system's temp dir, below it our name."""
    folder = Path(os.environ.get("CRATEHAND_BENCH_TMP") or tempfile.gettempdir()) / "cratehand-truth"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def sound_folder() -> Path:
    """Return where generated sounds of this version are."""
    return cache_folder() / f"sound-{SOUND_VERSION}"


def shared_data() -> Path | None:
    """Return the folder of real music for benchmarks, ``CRATEHAND_BENCH_DATA`` or ``../shared/data``; None without."""
    default = Path(__file__).parents[4] / "shared" / "data"
    folder = Path(os.environ.get("CRATEHAND_BENCH_DATA") or default)
    return folder if (folder / "audio").is_dir() else None
