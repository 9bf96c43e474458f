"""Rekordbox reaches the catalogue, again and again, without anybody noticing."""

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from cratehand.domain.collection import ImportReport
from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.events import CollectionSynced, TrackChanged
from cratehand.domain.ids import TrackId
from cratehand.domain.ports import Clock, CollectionReader
from cratehand.domain.stores import Catalogue, IdSource
from cratehand.usecases.event_bus import Publish
from cratehand.usecases.folder_sync import FolderSync
from cratehand.usecases.lanes import Lanes

logger = logging.getLogger(__name__)

_POLL_S: Final = 1.0
_DEBOUNCE_S: Final = 0.4
_LONGEST_BACK_OFF_S: Final = 60.0
_FEW: Final = 200
"""Up to so many changed tracks are announced one by one; more by one event with counts."""


class CollectionSync:
    """Follows the DJ's collection.

    With `first_import`, that brings in everything where nothing of this collection is known yet; else it happens here.
    """

    def __init__(  # noqa: PLR0913
        self,
        catalogue: Catalogue,
        reader: CollectionReader,
        *,
        folder_sync: FolderSync,
        clock: Clock,
        new_id: IdSource,
        publish: Publish,
        changed: Callable[[Sequence[TrackId]], None] = lambda _: None,
        first_import: Callable[[], ImportReport] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._reader = reader
        self._folder_sync = folder_sync
        self._clock = clock
        self._new_id = new_id
        self._publish = publish
        self._changed = changed
        self._first_import = first_import
        self._last_error: str | None = None

    @property
    def last_error(self) -> str | None:
        """Why the latest read failed, in one line; None when it went well."""
        return self._last_error

    def describe(self) -> str:
        """Say in one line what is read and how it went last."""
        return self._reader.describe()

    def sync(self) -> ImportReport:
        """Read what changed and bring it into the catalogue; look at the files it names.

        Raises:
            CratehandError: As `CollectionReader.read`.
        """
        began_s = self._clock.monotonic_s()
        report = self._bring_in_everything()
        if report is None and (report := self._take_over()) is None:
            return ImportReport()
        logger.info(
            "collection: %d added, %d changed, %d removed, %d cues, %d playlists, in %.2f s",
            len(report.added), len(report.changed), len(report.removed), report.cues, report.playlists,
            self._clock.monotonic_s() - began_s,
        )  # fmt: skip
        self._announce(report)
        touched = [*report.added, *report.changed]
        self._changed(touched)
        self._look_at_files(touched)
        return report

    def _bring_in_everything(self) -> ImportReport | None:
        """Do the first import; None where it was done long ago, or has no way of its own."""
        if self._first_import is None or self._mark() is not None:
            return None
        first = self._first_import()
        # Read on at once: as long as nobody wrote since, the reader need not compare every row.
        then = self._take_over() or ImportReport()
        return ImportReport(
            added=(*first.added, *then.added),
            changed=(*first.changed, *then.changed),
            removed=(*first.removed, *then.removed),
            cues=first.cues + then.cues,
            playlists=first.playlists + then.playlists,
        )

    def _mark(self) -> Mapping[str, object] | None:
        with self._catalogue.reading() as stores:
            return stores.collection.mark(self._reader.source)

    def _take_over(self) -> ImportReport | None:
        """Read and write; what was read is let go with the end of this, before anything else is loaded."""
        change = self._reader.read(self._mark())
        if change.is_empty:
            return None
        with self._catalogue.writing() as stores:
            return stores.collection.apply(
                change, source=self._reader.source, at_s=self._clock.now_s(), new_id=self._new_id
            )

    def _look_at_files(self, touched: Sequence[TrackId]) -> None:
        if len(touched) > _FEW:
            self._folder_sync.sweep()
        elif touched:
            with self._catalogue.reading() as stores:
                tracks = stores.tracks.many(touched).values()
            self._folder_sync.look_at([track.path for track in tracks if track.path is not None])

    async def follow(self, lanes: Lanes) -> None:
        """Poll for ever; an error is told once and tried again, ever more slowly, up to once a minute.

        What only the user's hand can mend is tried again at once when the files look different.
        """
        wait_s, wants_read = _POLL_S, True
        while True:
            if wants_read:
                error = await self._try(lanes)
                wait_s = _POLL_S if error is None else min(wait_s * 2, _LONGEST_BACK_OFF_S)
                wants_read = error is not None
                if error is not None:
                    await self._wait_after(error, wait_s, lanes)
                    continue
            await self._until_changed()
            # Rekordbox writes in bursts; wait for the end of this one.
            wants_read = True
            await asyncio.sleep(_DEBOUNCE_S)

    async def _until_changed(self) -> None:
        """Look once a second, in one thread: through the event loop each look would cost ten times as much."""
        stop = threading.Event()

        def look() -> None:
            while not stop.wait(_POLL_S) and not self._reader.has_changed():
                pass

        try:
            await asyncio.to_thread(look)
        finally:
            stop.set()

    async def _try(self, lanes: Lanes) -> CratehandError | None:
        try:
            await lanes.slow(self.sync)
        except CratehandError as error:
            if str(error) != self._last_error:
                self._last_error = str(error)
                logger.warning("the collection can't be read, cratehand tries again: %s", error)
            return error
        if self._last_error is not None:
            self._last_error = None
            logger.info("the collection can be read again")
        return None

    async def _wait_after(self, error: CratehandError, wait_s: float, lanes: Lanes) -> None:
        waited_s = 0.0
        while waited_s < wait_s:
            await asyncio.sleep(_POLL_S)
            waited_s += _POLL_S
            if not isinstance(error, UnavailableError) and await lanes.quick(self._reader.has_changed):
                await asyncio.sleep(_DEBOUNCE_S)
                return

    def _announce(self, report: ImportReport) -> None:
        self._publish(
            CollectionSynced(added=len(report.added), changed=len(report.changed), removed=len(report.removed))
        )
        touched = [*report.added, *report.changed, *report.removed]
        if len(touched) <= _FEW:
            for track_id in touched:
                self._publish(TrackChanged(track_id=track_id))
