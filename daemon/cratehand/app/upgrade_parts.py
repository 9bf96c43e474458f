"""The parts that find better copies and keep plans, put together."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from cratehand.analysis.fingerprint_match import read_fingerprint, sample_items
from cratehand.app.clock import SystemClock, new_id
from cratehand.app.data_folder import DataFolder
from cratehand.app.wiring import OfflineUseCases
from cratehand.app.worker import fingerprint_file, judge_pair
from cratehand.audio.decode import FileReader
from cratehand.audio.file_swap import DiskSwapper
from cratehand.audio.fingerprint import ChromaprintFingerprinter
from cratehand.audio.tag_writing import MutagenTagWriter
from cratehand.catalogue.device import SqliteCatalogue
from cratehand.catalogue.fingerprint_index import FingerprintIndexFile
from cratehand.domain.errors import UnavailableError
from cratehand.domain.events import Event
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.plan_record import PlanRecord
from cratehand.domain.upgrade import CopyName, Judgement, KnownSound
from cratehand.usecases.collection_writes import CollectionWrites
from cratehand.usecases.copy_search import CopySearch
from cratehand.usecases.duplicates import Duplicates
from cratehand.usecases.file_upgrade import FileUpgrade, UpgradeParts
from cratehand.usecases.history import History
from cratehand.usecases.missing import Missing
from cratehand.usecases.plan_files import PlanFiles
from cratehand.usecases.plan_writes import PlanWrites
from cratehand.usecases.repair import Repair
from cratehand.usecases.tag_plans import TagPlans
from cratehand.usecases.upgrades import Upgrades
from cratehand_bridges.rekordbox import RekordboxWriter, WriterSettings

R = TypeVar("R")

_LONGEST_S: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeNeeds:
    """What those parts are built from."""

    offline: OfflineUseCases
    folder: DataFolder
    pool: Executor
    clock: SystemClock
    publish: Callable[[Event], None]
    rekordbox_is_off: bool = False
    """Whether the user said so: then nobody is told what to do there."""


@dataclass(slots=True, kw_only=True)
class Settled:
    """Who looks at the files of a plan afterwards; the folders are put together later than the plans."""

    look: Callable[[Sequence[Path]], object] = lambda _: None

    def __call__(self, paths: Sequence[Path]) -> None:
        self.look(paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class RekordboxQueue:
    """What waits for Rekordbox's end, and the way in."""

    writes: CollectionWrites
    take: Callable[[PlanRecord], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradeHouse:
    """The use cases, and what has to be owned by somebody."""

    upgrades: Upgrades
    index: FingerprintIndexFile
    queue: RekordboxQueue | None
    settled: Settled


def build_upgrades(needs: UpgradeNeeds, *, rekordbox: Path | None) -> UpgradeHouse:
    """Build everything about plans; `rekordbox` is the database that may be written to, None where none may."""
    index, settled = open_index(needs.folder), Settled()
    history = make_history(needs, settled)
    queue = None if rekordbox is None else make_queue(needs, rekordbox)
    return UpgradeHouse(upgrades=make_upgrades(needs, history, index, queue), index=index, queue=queue, settled=settled)


def make_history(needs: UpgradeNeeds, settled: Settled) -> History:
    """Return what applies and undoes plans."""
    return History(
        needs.offline.catalogue,
        files=PlanFiles(DiskSwapper(), MutagenTagWriter(), trash=needs.folder.trash),
        clock=needs.clock,
        new_id=new_id,
        publish=needs.publish,
        settled=settled,
    )


def open_index(folder: DataFolder) -> FingerprintIndexFile:
    """Open the index of fingerprints in the cache; made where there is none."""
    return FingerprintIndexFile(folder.cache / "fingerprints.db", lambda text: sample_items(read_fingerprint(text)))


def make_queue(needs: UpgradeNeeds, database: Path) -> RekordboxQueue:
    """Return what writes into Rekordbox's own database, only where the user asked for it; call on the event loop."""
    plans = PlanWrites(needs.offline.catalogue, probe=FileReader().probe, clock=needs.clock)
    writer = RekordboxWriter(database, WriterSettings(folder=needs.folder.path / "rekordbox"), clock=needs.clock)
    writes = CollectionWrites(plans, writer, clock=needs.clock, ended=lambda _: None)
    loop = asyncio.get_running_loop()

    def take(plan: PlanRecord) -> None:
        plans.take(plan)
        loop.call_soon_threadsafe(writes.wake)

    return RekordboxQueue(writes=writes, take=take)


def make_upgrades(
    needs: UpgradeNeeds, history: History, index: FingerprintIndexFile, queue: RekordboxQueue | None
) -> Upgrades:
    """Put the use cases together."""
    catalogue, files = needs.offline.catalogue, DiskSwapper()
    told: dict[str, Any] = {"clock": needs.clock, "new_id": new_id}
    search = CopySearch(FileReader(), ChromaprintFingerprinter(), index, partial(_fingerprints, catalogue))
    finding = FileUpgrade(
        catalogue,
        UpgradeParts(
            judge=partial(_judge, needs.pool),
            listen=partial(_listen, needs.pool),
            likely=search.tracks_like,
            index=index,
            files=files,
        ),
        publish=needs.publish,
        **told,
    )

    def apply(plan_id: str, who: str) -> PlanRecord:
        return upgrades.applied(history.apply(plan_id, who=who))

    upgrades = Upgrades(
        history=history,
        finding=finding,
        duplicates=Duplicates(catalogue, search.tracks_like),
        missing=Missing(catalogue, search.tracks_like, files=files, apply=apply, **told),
        tags=TagPlans(catalogue, files=files, apply=apply, **told),
        repair=Repair(catalogue, apply=apply, **told),
        exports=needs.folder.exports,
        write_xml=lambda path, playlist: needs.offline.export.to_rekordbox(path, playlist=playlist),
        queue=(lambda _: None) if queue is None else queue.take,
        in_rekordbox=(lambda _: False) if needs.rekordbox_is_off else partial(_is_in_collection, catalogue),
    )
    return upgrades


def _fingerprints(catalogue: SqliteCatalogue, track_ids: Sequence[TrackId]) -> Mapping[TrackId, str]:
    with catalogue.reading() as stores:
        facts = stores.facts.believed(track_ids, Field.FINGERPRINT)
    return {track_id: str(fact.value) for track_id, fact in facts.items()}


def _is_in_collection(catalogue: SqliteCatalogue, track_id: TrackId) -> bool:
    with catalogue.reading() as stores:
        track = stores.tracks.get(track_id)
    return track is not None and track.collection_id is not None


def _judge(
    pool: Executor, current: Path, candidate: Path, name: CopyName | None, sound: KnownSound | None
) -> Judgement:
    return _result(pool.submit(judge_pair, str(current), str(candidate), name, sound), candidate)


def _listen(pool: Executor, path: Path) -> str | None:
    return _result(pool.submit(fingerprint_file, str(path)), path)


def _result(future: "Future[R]", path: Path) -> R:
    try:
        return future.result(_LONGEST_S)
    except (BrokenExecutor, TimeoutError) as error:
        future.cancel()
        raise UnavailableError(f"{path}: comparing it was cut off ({type(error).__name__})") from error
