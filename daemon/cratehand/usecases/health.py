"""How the daemon is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cratehand.domain.ports import Clock
from cratehand.domain.stores import Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What `cratehand status` shows."""

    version: str
    uptime_s: float
    data_dir: str
    tracks: dict[str, int]
    """``total, present, missing, offline, analysed, failed``."""
    jobs: dict[str, int]
    """State to number."""
    quiet_reason: str | None
    collection: str
    """One line about Rekordbox."""
    collection_error: str | None
    folders: Sequence[str]
    master: str | None = None
    """One line about the master; None where there is none."""
    master_error: str | None = None


class Health:
    """Gathers the state of all parts."""

    def __init__(  # noqa: PLR0913
        self,
        catalogue: Catalogue,
        *,
        version: str,
        data_dir: Path,
        clock: Clock,
        quiet_reason: Callable[[], str | None],
        folders: Callable[[], Sequence[Path]],
        collection: Callable[[], tuple[str, str | None]],
        master: Callable[[], tuple[str, str | None]] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._version = version
        self._data_dir = data_dir
        self._clock = clock
        self._quiet_reason = quiet_reason
        self._folders = folders
        self._collection = collection
        self._master = master
        self._began_s = clock.monotonic_s()

    def status(self) -> Status:
        """Return the state of all parts now."""
        with self._catalogue.reading() as stores:
            tracks = dict(stores.tracks.counts())
            jobs = {state.value: count for state, count in stores.jobs.counts().items()}
        described, error = self._collection()
        master, master_error = (None, None) if self._master is None else self._master()
        return Status(
            version=self._version,
            uptime_s=self._clock.monotonic_s() - self._began_s,
            data_dir=str(self._data_dir),
            tracks=tracks,
            jobs=jobs,
            quiet_reason=self._quiet_reason(),
            collection=described,
            collection_error=error,
            folders=[str(path) for path in self._folders()],
            master=master,
            master_error=master_error,
        )
