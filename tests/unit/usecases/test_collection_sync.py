"""The collection is followed; an error is told once and tried again."""

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.collection import CollectionChange, CollectionTrack, ImportReport
from cratehand.domain.errors import UnavailableError
from cratehand.domain.events import CollectionSynced, Event, TrackChanged
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.provenance import Source, SourceKind
from cratehand.usecases.collection_details import CollectionDetails
from cratehand.usecases.collection_sync import CollectionSync
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.quiet import Quiet
from tests.fakes.clock import HandWoundClock, counting_ids

MASTER = Source(kind=SourceKind.REKORDBOX, name="master.db")


class ScriptedReader:
    """Implements the port `CollectionReader` with changes and errors laid down before."""

    def __init__(self, *script: CollectionChange | UnavailableError) -> None:
        self.script = list(script)
        self.marks: list[Mapping[str, object] | None] = []
        self.source = MASTER

    def has_changed(self) -> bool:
        return bool(self.script)

    def read(self, since: Mapping[str, object] | None) -> CollectionChange:
        self.marks.append(since)
        step = self.script.pop(0) if self.script else CollectionChange(full=False, mark=since or {})
        if isinstance(step, UnavailableError):
            raise step
        return step

    def describe(self) -> str:
        return "scripted"

    def close(self) -> None:
        pass


class NoFolders:
    """Stands where a `FolderSync` looks at the files that the collection names."""

    def __init__(self) -> None:
        self.looks = 0

    def sweep(self) -> None:
        self.looks += 1

    def look_at(self, paths: object) -> None:
        self.looks += 1


def change(title: str, mark: int, *, grid_locked: bool = False) -> CollectionChange:
    values: dict[Field, object] = {Field.TITLE: title, Field.TEMPO_BPM: 126.0}
    track = CollectionTrack(id=ForeignId("7"), location="/m/a.mp3", values=values, grid_locked=grid_locked)
    return CollectionChange(full=mark == 1, tracks=[track], mark={"usn": mark})


def synced(catalogue: SqliteCatalogue, reader: ScriptedReader, published: list[Event]) -> CollectionSync:
    return CollectionSync(
        catalogue,
        reader,
        folder_sync=NoFolders(),  # type: ignore[arg-type]
        clock=HandWoundClock(),
        new_id=counting_ids(),
        publish=published.append,
    )


def test_each_read_begins_where_the_last_one_stood(catalogue: SqliteCatalogue, published: list[Event]) -> None:
    reader = ScriptedReader(change("One", 1), change("Two", 2))
    sync = synced(catalogue, reader, published)
    assert len(sync.sync().added) == 1
    assert len(sync.sync().changed) == 1
    sync.sync()
    assert reader.marks == [None, {"usn": 1}, {"usn": 2}]
    assert [event for event in published if isinstance(event, CollectionSynced)] == [
        CollectionSynced(added=1, changed=0, removed=0),
        CollectionSynced(added=0, changed=1, removed=0),
    ]
    assert any(isinstance(event, TrackChanged) for event in published)
    with catalogue.reading() as stores:
        track = stores.tracks.by_collection_id(ForeignId("7"))
        assert track is not None
        summary = stores.tracks.summary(track.id)
    assert summary is not None
    assert summary.title == "Two"


async def test_a_locked_database_is_told_once_and_read_later(
    catalogue: SqliteCatalogue, published: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    reader = ScriptedReader(UnavailableError("locked"), UnavailableError("locked"), change("One", 1))
    sync = synced(catalogue, reader, published)
    with caplog.at_level(logging.WARNING):
        async with Lanes() as lanes:
            following = asyncio.create_task(sync.follow(lanes))
            try:
                async with asyncio.timeout(15):
                    while not published:
                        await asyncio.sleep(0.05)
            finally:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
    assert [record.message for record in caplog.records if "locked" in record.message].__len__() == 1
    assert sync.last_error is None


class NoBattery:
    def on_battery(self) -> bool:
        return False


@pytest.mark.parametrize(("locked", "name"), [(False, "anlz"), (True, "anlz locked")])
async def test_analysis_files_speak_for_themselves_and_a_locked_grid_says_so(
    catalogue: SqliteCatalogue, published: list[Event], *, locked: bool, name: str
) -> None:
    grid = BeatGrid(anchors=(GridAnchor(start_s=0.05, tempo_bpm=126.0),))
    synced(catalogue, ScriptedReader(change("One", 1, grid_locked=locked)), published).sync()
    asked: list[tuple[ForeignId, ...]] = []

    def read(ids: tuple[ForeignId, ...]) -> Mapping[ForeignId, Mapping[Field, object]]:
        asked.append(ids)
        return {ForeignId("7"): {Field.BEAT_GRID: grid}}

    bus = EventBus()
    bus.bind(asyncio.get_running_loop())
    quiet = Quiet(catalogue, clock=HandWoundClock(), power=NoBattery(), publish=bus.publish)
    with ThreadPoolExecutor(1) as pool:
        async with Lanes() as lanes:
            details = CollectionDetails(
                catalogue,
                source=Source(kind=SourceKind.REKORDBOX, name="anlz"),
                executor=pool,
                read=read,
                quiet=quiet,
                bus=bus,
                clock=HandWoundClock(),
                lanes=lanes,
            )
            await details.read_all()
            await details.read_all()
    assert asked == [("7",)], "what was read once is not read again"
    with catalogue.reading() as stores:
        (known,) = stores.tracks.known_files()
        (fact,) = stores.facts.facts(TrackId(known.track_id), field=Field.BEAT_GRID)
    assert (fact.value, fact.source.name) == (grid, name)
    assert known.path == Path("/m/a.mp3")


def test_the_first_import_is_told_whole_and_read_on_from_at_once(
    catalogue: SqliteCatalogue, published: list[Event]
) -> None:
    reader, told = ScriptedReader(change("One", 2)), []
    everything = ImportReport(added=(TrackId("a" * 16),), changed=(TrackId("b" * 16),), cues=3, playlists=1)

    def first_import() -> ImportReport:
        with catalogue.writing() as stores:
            stores.collection.apply(
                CollectionChange(full=True, mark={"usn": 1}), source=reader.source, at_s=1.0, new_id=counting_ids()
            )
        return everything

    sync = CollectionSync(
        catalogue,
        reader,
        folder_sync=NoFolders(),  # type: ignore[arg-type]
        clock=HandWoundClock(),
        new_id=counting_ids(),
        publish=published.append,
        changed=told.extend,
        first_import=first_import,
    )
    report = sync.sync()
    assert reader.marks == [{"usn": 1}]
    assert len(report.added) == 2
    assert report.changed == everything.changed
    assert (report.cues, report.playlists) == (3, 1)
    assert set(told) == {*report.added, *report.changed}
    sync.sync()
    assert reader.marks[-1] == {"usn": 2}, "the second time it goes on"
