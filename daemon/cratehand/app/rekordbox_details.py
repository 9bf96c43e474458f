"""Reading Rekordbox's analysis files in a worker process."""

from collections.abc import Mapping
from pathlib import Path

from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand_bridges.rekordbox import RekordboxDatabase


def read_details(
    database: str, cache_dir: str, ids: tuple[ForeignId, ...]
) -> Mapping[ForeignId, Mapping[Field, object]]:
    """Return what the analysis files say of some tracks, see `RekordboxDatabase.analysis_of`."""
    # A cache folder of its own: the daemon's reader keeps its state in the other.
    reader = RekordboxDatabase(Path(database), cache_dir=Path(cache_dir) / "details")
    try:
        return dict(reader.analysis_of(ids))
    finally:
        reader.close()
