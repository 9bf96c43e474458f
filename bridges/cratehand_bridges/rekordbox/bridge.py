"""The DJ's Rekordbox collection, read from master.db while Rekordbox may be open and writing."""

import hashlib
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from sqlcipher3 import dbapi2 as sqlcipher

from cratehand.domain.collection import CollectionChange
from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.provenance import Source, SourceKind
from cratehand_bridges.rekordbox.anlz import AnalysisFiles
from cratehand_bridges.rekordbox.assemble import assemble
from cratehand_bridges.rekordbox.find import find_anlz_root
from cratehand_bridges.rekordbox.fingerprints import Baseline, load_baseline, take_baseline
from cratehand_bridges.rekordbox.gate import gate_of
from cratehand_bridges.rekordbox.harvest import Harvest, Sweeping, collect
from cratehand_bridges.rekordbox.opening import Outcome, with_database
from cratehand_bridges.rekordbox.rows import CONTENT, ID, VALUES, Reader, Row, live
from cratehand_bridges.rekordbox.snapshot import discard_snapshot
from cratehand_bridges.rekordbox.stamp import DatabaseStamp, take_stamp

_log = logging.getLogger(__name__)

SWEEP_EVERY_S: Final = 3600.0
"""How often every row is compared, to find what somebody wrote without Rekordbox's stamps."""

_SWEEP_SHARE: Final = 0.2
"""Sweeps that foreign writers cause take at most this share of the time."""

_SAVE_EVERY_S: Final = 60.0
_MARK_FORMAT: Final = 1
_ANALYSIS_PATH: Final = VALUES + CONTENT.values.index("AnalysisDataPath")


class RekordboxDatabase:
    """Port `CollectionReader` on a master.db. Thread-safe; no file of the user's is ever changed.

    Args:
        path: The user's master.db.
        anlz_root: Folder of the analysis files; None looks for ``share`` beside the database, then where Rekordbox
            notes that they are.
        cache_dir: A folder of ours for what the last read saw, and for a copy where one is needed.
        monotonic_s: The clock that says when the hourly comparison is due.
    """

    def __init__(
        self,
        path: Path,
        *,
        anlz_root: Path | None = None,
        cache_dir: Path,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._anlz_root = anlz_root
        self._now_s = monotonic_s
        name = hashlib.sha256(str(path.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self._copy_dir = cache_dir / f"rekordbox-{name}"
        self._kept = cache_dir / f"rekordbox-{name}.npz"
        self._lock = gate_of(path)
        self._baseline: Baseline | None = None
        self._analysis: AnalysisFiles | None = None
        self._seen: DatabaseStamp | None = None
        self._gave_up_at: DatabaseStamp | str | None = None
        self._saved_at_s = self._swept_at_s = float("-inf")
        self._sweep_took_s = 0.0
        self._unsaved = self._sweep_owed = self._all_compared = False
        self._state = "not read yet"

    @property
    def source(self) -> Source:
        """Who speaks in the facts that come from here."""
        return Source(kind=SourceKind.REKORDBOX, name="master.db")

    def has_changed(self) -> bool:
        """Look cheaply (some 20 microseconds) whether anybody wrote since the last `read`; never raises.

        After a failure that waiting may mend this stays true; after one that needs the user's hand it is true again
        once the files look different. While another thread reads, nothing is new.
        """
        if not self._lock.acquire(blocking=False):
            return False
        try:
            looks = self._looks()
            if self._gave_up_at is not None:
                return looks != self._gave_up_at
            return looks != self._seen or self._sweep_due()
        finally:
            self._lock.release()

    def read(self, since: Mapping[str, object] | None) -> CollectionChange:
        """Read what changed since a mark; everything where the mark is None or no longer fits.

        Beat grids, sections and waveforms are not in it, see `analysis_of`.

        Raises:
            NotFoundError: The database is not there.
            UnavailableError: Locked, or vanished or replaced in the middle; try again.
            CorruptFileError: Not a database, or damaged.
            UnauthorizedError: Encrypted with another key.
            UnsupportedError: A schema we do not know.
        """
        with self._lock:
            try:
                change = self._read(since)
            except CratehandError as error:
                self._seen = None
                self._gave_up_at = None if isinstance(error, UnavailableError) else self._looks()
                self._state = f"failed: {error}"
                raise
            self._gave_up_at = None
            return change

    def analysis_of(self, ids: Iterable[ForeignId]) -> Mapping[ForeignId, Mapping[Field, object]]:
        """Read what Rekordbox's analysis files say of some tracks; up to 0.2 s a track, so in the background.

        Returns:
            ``BEAT_GRID``, ``SECTIONS`` and ``WAVEFORM`` as far as there are any; tracks without any are left out.

        Raises:
            CratehandError: As `read`.
        """
        wanted = list(ids)

        def look_up(connection: sqlcipher.Connection) -> tuple[list[Row], str]:
            reader = Reader(connection)
            return reader.with_ids(CONTENT, wanted), reader.analysis_root()

        with self._lock:
            rows, noted_root = with_database(self._path, self._copy_dir, look_up).value
            if self._analysis is None:
                root = self._anlz_root or find_anlz_root(self._path) or Path(noted_root or self._path.parent / "share")
                self._analysis = AnalysisFiles(root)
            files = self._analysis
        found = {ForeignId(row[ID]): files.read(str(row[_ANALYSIS_PATH] or "")) for row in live(rows)}
        return {track: values for track, values in found.items() if values}

    def describe(self) -> str:
        """Say in one line what is read and how it went last."""
        return f"Rekordbox collection {self._path}: {self._state}"

    def close(self) -> None:
        """Keep what the next start needs and remove our copy; allowed twice."""
        with self._lock:
            self._save()
            discard_snapshot(self._copy_dir)

    def _read(self, since: Mapping[str, object] | None) -> CollectionChange:
        began_s = self._now_s()
        looks = self._looks()
        baseline = self._baseline_of(since, looks)
        sweeping = Sweeping(
            now=self._sweep_due(),
            allowed=began_s - self._swept_at_s >= self._sweep_took_s / _SWEEP_SHARE,
            written=not (isinstance(looks, DatabaseStamp) and self._seen and looks.same_content(self._seen)),
        )
        outcome = with_database(self._path, self._copy_dir, lambda connection: collect(connection, baseline, sweeping))
        harvest = outcome.value
        self._baseline = None
        change = self._full(harvest) if harvest.baseline is None else self._delta(harvest, harvest.baseline)
        self._seen = outcome.stamp
        self._sweep_owed = harvest.sweep_owed
        if harvest.full or harvest.swept:
            # The first sweep after a full read need not wait for its share of the time.
            self._swept_at_s, self._sweep_took_s = began_s, self._now_s() - began_s if harvest.swept else 0.0
            self._unsaved = self._all_compared = True
        elif not change.is_empty:
            self._all_compared = False
        if harvest.full or began_s - self._saved_at_s >= _SAVE_EVERY_S:
            self._save()
        self._report(outcome, change, self._now_s() - began_s)
        return change

    def _full(self, harvest: Harvest) -> CollectionChange:
        self._baseline = take_baseline(uuid.uuid4().hex, harvest.database_id, harvest.update_count, harvest.rows)
        self._unsaved = True
        return assemble(harvest, _mark_of(self._baseline))

    def _delta(self, harvest: Harvest, baseline: Baseline) -> CollectionChange:
        change = assemble(harvest, _mark_of(baseline))
        if not change.is_empty:
            # What is handed out makes the old mark one of the past: whoever comes with it again reads everything.
            baseline = replace(baseline, token=uuid.uuid4().hex)
            change = replace(change, mark=_mark_of(baseline))
            self._unsaved = True
        self._baseline = baseline
        return change

    def _baseline_of(self, since: Mapping[str, object] | None, looks: DatabaseStamp | str) -> Baseline | None:
        if since is None or since.get("format") != _MARK_FORMAT:
            return None
        baseline = self._baseline
        if baseline is None and (kept := load_baseline(self._kept)) is not None:
            baseline, looked = kept
            if isinstance(looks, DatabaseStamp) and repr(looks) == looked:
                # Nobody wrote since every row was compared.
                self._seen, self._swept_at_s, self._all_compared = looks, self._now_s(), True
        return baseline if baseline is not None and baseline.token == since.get("token") else None

    def _looks(self) -> DatabaseStamp | str:
        """Return how the files look, or why they can't be looked at."""
        try:
            return take_stamp(self._path)
        except CratehandError as error:
            return str(error)

    def _sweep_due(self) -> bool:
        waited_s = self._now_s() - self._swept_at_s
        return waited_s >= SWEEP_EVERY_S or (self._sweep_owed and waited_s >= self._sweep_took_s / _SWEEP_SHARE)

    def _save(self) -> None:
        if self._baseline is not None and self._unsaved:
            is_sure = self._all_compared and self._seen is not None
            self._baseline.save(self._kept, looked=repr(self._seen) if is_sure else "")
            self._unsaved, self._saved_at_s = False, self._now_s()

    def _report(self, outcome: Outcome[Harvest], change: CollectionChange, took_s: float) -> None:
        assert self._baseline is not None
        rows = len(self._baseline.tables[CONTENT.name].ids)
        self._state = f"{rows} tracks, read {outcome.access} in {took_s:.2f} s; grids and waveforms when asked for"
        log = _log.debug if change.is_empty else _log.info
        log(
            "read %s in %.2f s: %d tracks, %d deleted",
            self._path,
            took_s,
            len(change.tracks),
            len(change.deleted_tracks),
        )


def _mark_of(baseline: Baseline) -> Mapping[str, object]:
    return {
        "format": _MARK_FORMAT,
        "token": baseline.token,
        "database_id": baseline.database_id,
        "update_count": baseline.update_count,
        "rows": {name: prints.totals[0] for name, prints in baseline.tables.items()},
    }
