"""The parts that follow one Rekordbox database."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cratehand.app.clock import SystemClock, new_id
from cratehand.app.first_import import FirstImport
from cratehand.app.rekordbox_details import read_details
from cratehand.app.workers import WorkerPool
from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.ids import TrackId
from cratehand.domain.provenance import Source, SourceKind
from cratehand.usecases.collection_details import CollectionDetails
from cratehand.usecases.collection_sync import CollectionSync
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.folder_sync import FolderSync
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.quiet import Quiet
from cratehand_bridges.rekordbox import RekordboxDatabase


@dataclass(frozen=True, slots=True, kw_only=True)
class RekordboxParts:
    """Reader, follower, and the one that reads the analysis files behind."""

    reader: RekordboxDatabase
    sync: CollectionSync
    details: CollectionDetails
    first_import: FirstImport

    def close(self) -> None:
        """End the first import where it is, and keep what the next start needs."""
        self.first_import.stop()
        self.reader.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class RekordboxNeeds:
    """What those parts are built from."""

    catalogue: SqliteCatalogue
    cache: Path
    pool: WorkerPool
    quiet: Quiet
    bus: EventBus
    clock: SystemClock
    lanes: Lanes
    folder_sync: FolderSync


def rekordbox_parts(database: Path, needs: RekordboxNeeds) -> RekordboxParts:
    """Build the parts for one database; call on the event loop."""
    reader = RekordboxDatabase(database, cache_dir=needs.cache)
    details = CollectionDetails(
        needs.catalogue,
        source=Source(kind=SourceKind.REKORDBOX, name="anlz"),
        executor=needs.pool,
        read=partial(read_details, str(database), str(needs.cache)),
        quiet=needs.quiet,
        bus=needs.bus,
        clock=needs.clock,
        lanes=needs.lanes,
    )
    loop = asyncio.get_running_loop()
    first_import = FirstImport(database, cache=needs.cache, catalogue=needs.catalogue.path)

    def changed(track_ids: Sequence[TrackId]) -> None:
        loop.call_soon_threadsafe(details.want, track_ids)

    sync = CollectionSync(
        needs.catalogue,
        reader,
        folder_sync=needs.folder_sync,
        clock=needs.clock,
        new_id=new_id,
        publish=needs.bus.publish,
        changed=changed,
        first_import=first_import,
    )
    return RekordboxParts(reader=reader, sync=sync, details=details, first_import=first_import)
