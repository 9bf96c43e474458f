"""What Rekordbox's analysis files say: grids, phrases, waveforms; read in the background, a batch at a time."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import islice
from typing import Final

from cratehand.domain.errors import CratehandError, UnavailableError
from cratehand.domain.events import TrackChanged
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.ports import Clock
from cratehand.domain.provenance import AnyFact, Fact, Source, SourceKind
from cratehand.domain.stores import Catalogue, Stores
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.quiet import Quiet

logger = logging.getLogger(__name__)

ReadDetails = Callable[[tuple[ForeignId, ...]], Mapping[ForeignId, Mapping[Field, object]]]
"""What runs in a worker: ids of the collection to what its analysis files say; has to be picklable."""

_BATCH: Final = 100
_LARGEST_BATCH: Final = 2000
_QUICK_BATCH_S: Final = 2.0
"""A batch that took less held few files, or none: opening the database again and again would cost more than reading."""
_LONGEST_BATCH_S: Final = 1800.0
_SILENT_LOOK_S: Final = 30.0


class CollectionDetails:
    """Brings the analysis files of the DJ's collection into the catalogue as statements of Rekordbox."""

    def __init__(  # noqa: PLR0913
        self,
        catalogue: Catalogue,
        *,
        source: Source,
        executor: Executor,
        read: ReadDetails,
        quiet: Quiet,
        bus: EventBus,
        clock: Clock,
        lanes: Lanes,
    ) -> None:
        self._catalogue = catalogue
        self._source = source
        self._executor = executor
        self._read = read
        self._quiet = quiet
        self._bus = bus
        self._clock = clock
        self._lanes = lanes
        self._waiting: dict[TrackId, None] = {}
        self._news = asyncio.Event()
        self._batch = _BATCH

    def want(self, track_ids: Sequence[TrackId]) -> None:
        """Queue tracks whose rows changed; call on the event loop."""
        self._waiting.update(dict.fromkeys(track_ids))
        self._news.set()

    async def run(self) -> None:
        """Work for ever, silent when silence is asked for; begins with the tracks whose files were never read."""
        self.want(await self._lanes.slow(self._never_read))
        while True:
            await self._news.wait()
            while await self._lanes.quick(self._quiet.reason):
                await asyncio.sleep(_SILENT_LOOK_S)
            if not await self.read_batch():
                self._news.clear()

    async def read_all(self) -> None:
        """Read everything that waits or was never read; for `cratehand run --once`."""
        self.want(await self._lanes.slow(self._never_read))
        while await self.read_batch():
            pass

    async def read_batch(self) -> bool:
        """Read the next batch; False where nothing waits.

        Raises:
            UnavailableError: It can't be read now; it waits on.
        """
        batch = list(islice(self._waiting, self._batch))
        for track_id in batch:
            del self._waiting[track_id]
        ids = await self._lanes.quick(self._collection_ids, batch)
        if not ids:
            return bool(self._waiting)
        began_s = self._clock.monotonic_s()
        try:
            async with asyncio.timeout(_LONGEST_BATCH_S):
                found = await asyncio.wrap_future(self._executor.submit(self._read, tuple(ids)))
        except UnavailableError:
            self.want(batch)
            raise
        except CratehandError as error:
            logger.warning("the analysis files of %d tracks could not be read: %s", len(ids), error)
            return False
        except Exception as error:
            # The owner of the worker: whatever it died of concerns this batch only.
            died_of = str(error) or type(error).__name__
            logger.warning("the reader of the analysis files of %d tracks died: %s", len(ids), died_of)
            return bool(self._waiting)
        is_quick = self._clock.monotonic_s() - began_s < _QUICK_BATCH_S
        self._batch = min(self._batch * 2, _LARGEST_BATCH) if is_quick else max(self._batch // 2, _BATCH)
        known = {ids[foreign]: values for foreign, values in found.items() if foreign in ids}
        await self._lanes.quick(self._record, known)
        return bool(self._waiting)

    def _never_read(self) -> list[TrackId]:
        with self._catalogue.reading() as stores:
            return list(stores.collection.lacking(Field.BEAT_GRID, kind=SourceKind.REKORDBOX))

    def _collection_ids(self, batch: Sequence[TrackId]) -> dict[ForeignId, TrackId]:
        with self._catalogue.reading() as stores:
            tracks = stores.tracks.many(batch).values()
        return {track.collection_id: track.id for track in tracks if track.collection_id is not None}

    def _record(self, found: Mapping[TrackId, Mapping[Field, object]]) -> None:
        at_s = self._clock.now_s()
        with self._catalogue.writing() as stores:
            for track_id, values in found.items():
                source = _speaker(stores, track_id, self._source)
                facts: list[AnyFact] = [
                    Fact(field=field, value=value, source=source, at_s=at_s)
                    for field, value in stores.collection.restated(track_id, values).items()
                ]
                stores.facts.record(track_id, facts)
        for track_id in found:
            self._bus.publish(TrackChanged(track_id=track_id))


def _speaker(stores: Stores, track_id: TrackId, source: Source) -> Source:
    """Return who speaks in the analysis files of a track: where the DJ locked its grid, one who says so."""
    said = [
        fact.source
        for fact in stores.facts.facts(track_id, field=Field.TEMPO_BPM)
        if fact.source.kind is SourceKind.REKORDBOX
    ]
    if said and said[-1].name.endswith("locked"):
        return replace(source, name=f"{source.name} locked")
    return source
