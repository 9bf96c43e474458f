"""The house the servers stand in: all use cases on a real catalogue in a temporary folder, a few tracks, no watcher."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cratehand.audio.digest import AudioDigester
from cratehand.catalogue.device import SqliteCatalogue, open_device
from cratehand.domain.collection import CollectionChange
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.embedding import DSP_SPACE
from cratehand.domain.errors import UnavailableError
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.key import parse_key
from cratehand.domain.model_ports import DrumGenerator, MidiOut
from cratehand.domain.provenance import AnyFact, Fact, Source, SourceKind
from cratehand.domain.track import Presence, Track
from cratehand.domain.waveform import Waveform
from cratehand.usecases.collection_export import CollectionExport
from cratehand.usecases.drum_generation import DrumGeneration
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.health import Health
from cratehand.usecases.jobs import Jobs
from cratehand.usecases.lanes import Lanes
from cratehand.usecases.library import Library
from cratehand.usecases.live_session import LiveSession
from cratehand.usecases.pattern_playback import PatternPlayback
from cratehand.usecases.playlists import Playlists
from cratehand.usecases.quiet import Quiet
from cratehand.usecases.similarity import Similarity
from cratehand.usecases.stem_jobs import StemJobs
from cratehand.usecases.text_search import TextSearch
from cratehand.usecases.use_cases import UseCases
from cratehand.usecases.watched_folders import WatchedFolders
from cratehand_models.drum_midi import GeneralMidi
from cratehand_models.drum_templates import DrumTemplates
from tests.fakes.clock import HandWoundClock, counting_ids
from tests.fakes.drum_model import FakeDrumModel
from tests.fakes.midi import FakeMidi
from tests.fakes.upgrades import make_fake_upgrades

TOKEN = "a-token-of-the-tests"
ANALYSIS = Source(kind=SourceKind.ANALYSIS, name="test")
REKORDBOX = Source(kind=SourceKind.REKORDBOX, name="master.db")


class MainsPower:
    """Implements the port `PowerSensor`."""

    def on_battery(self) -> bool:
        return False


@dataclass
class House:
    """What a test holds in its hands."""

    use_cases: UseCases
    catalogue: SqliteCatalogue
    bus: EventBus
    clock: HandWoundClock
    track_ids: Sequence[TrackId]
    folder: Path
    woken: list[str] = field(default_factory=list)
    """What the servers asked of the parts that live as long as the daemon: ``wake``, ``refresh``."""


@asynccontextmanager
async def open_house(
    folder: Path,
    *,
    tracks: int = 3,
    open_midi: Callable[[], MidiOut] | None = None,
    drum_model: DrumGenerator | None = None,
    fill: Callable[[SqliteCatalogue, Path, int], list[TrackId]] | None = None,
) -> AsyncIterator[House]:
    """Open the house with `tracks` tracks; the last one is not analysed. `fill` brings others instead."""
    catalogue = open_device(folder / "catalogue.db", ignore_case=False)
    clock, bus, woken = HandWoundClock(), EventBus(), []
    bus.bind(asyncio.get_running_loop())
    quiet = Quiet(catalogue, clock=clock, power=MainsPower(), publish=bus.publish)
    folders = WatchedFolders(catalogue, configured=[folder], forbidden=[], clock=clock)

    async def refresh() -> None:
        woken.append("refresh")

    async with Lanes() as lanes:
        use_cases = UseCases(
            lanes=lanes,
            bus=bus,
            library=Library(catalogue, clock=clock, new_id=counting_ids(), publish=bus.publish),
            playlists=Playlists(catalogue, clock=clock, new_id=counting_ids(), publish=bus.publish),
            similarity=Similarity(catalogue),
            text_search=TextSearch(catalogue),
            jobs=Jobs(catalogue, clock=clock, new_id=counting_ids(), publish=bus.publish),
            export=CollectionExport(catalogue, write_xml=_write_names, write_m3u8=_write_names),
            stems=StemJobs(
                catalogue,
                cache=folder / "cache",
                digester=AudioDigester(),
                clock=clock,
                new_id=counting_ids(),
                publish=bus.publish,
            ),
            drums=DrumGeneration(
                model=drum_model or FakeDrumModel(),
                templates=DrumTemplates(),
                files=GeneralMidi(),
                draw_seed=lambda: 77,
            ),
            live=LiveSession(
                catalogue,
                text_search=TextSearch(catalogue),
                stems=folder / "stems",
            ),
            playback=PatternPlayback(open_midi or FakeMidi),
            folders=folders,
            refresh_folders=refresh,
            quiet=quiet,
            wake_background=lambda: woken.append("wake"),
            health=Health(
                catalogue,
                version="0.0-test",
                data_dir=folder,
                clock=clock,
                quiet_reason=quiet.reason,
                folders=folders.paths,
                collection=lambda: ("no Rekordbox", None),
            ),
            upgrades=make_fake_upgrades(catalogue, folder, clock=clock, publish=bus.publish),
        )
        ids = await lanes.slow(fill or _fill, catalogue, folder, tracks)
        try:
            yield House(use_cases, catalogue, bus, clock, ids, folder, woken)
        finally:
            with contextlib.suppress(AttributeError):
                catalogue.close()


def _write_names(target: Path, change: CollectionChange) -> None:
    try:
        target.write_text("\n".join(str(track.location) for track in change.tracks), "utf-8", "backslashreplace")
    except OSError as error:
        raise UnavailableError(f"{target} can not be written: {error.strerror}") from error


def _fill(catalogue: SqliteCatalogue, folder: Path, tracks: int) -> list[TrackId]:
    ids = [TrackId(f"{number + 0xABC0000000000000:016x}") for number in range(tracks)]
    vectors = np.random.default_rng(1).standard_normal((tracks, DSP_SPACE.dimension)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with catalogue.writing() as stores:
        stores.tracks.add(
            [
                Track(id=track_id, path=folder / f"track {number}.flac", presence=Presence.PRESENT, added_at_s=1.0)
                for number, track_id in enumerate(ids)
            ]
        )
        for number, track_id in enumerate(ids):
            analysed = number < tracks - 1
            stores.facts.record(track_id, facts(number, analysed=analysed))
            if analysed:
                stores.vectors.put(DSP_SPACE, track_id, vectors[number])
                stores.tracks.set_reading(track_id, stamp=None, digest=None, analysed_at_s=2.0, error=None)
        cue = Cue(kind=CueKind.HOT, start_s=1.5, pad=0, label="Übergang", colour=Colour(red=255, green=0, blue=16))
        stores.cues.replace(ids[0], [cue], origin="rekordbox")
    return ids


def facts(number: int, *, analysed: bool) -> list[AnyFact]:
    """Return what is known of track `number`."""
    told: list[AnyFact] = [
        Fact(field=Field.TITLE, value=f"Title {number}", source=REKORDBOX, at_s=10.0),
        Fact(field=Field.ARTIST, value="日本 Ärtist", source=REKORDBOX, at_s=10.0),
        Fact(field=Field.TEMPO_BPM, value=64.0, source=REKORDBOX, at_s=10.0),
    ]
    levels = np.full((4, 1200), number % 256, dtype=np.uint8)
    measured: list[AnyFact] = [
        Fact(field=Field.TEMPO_BPM, value=120.0 + number, source=ANALYSIS, at_s=20.0, confidence=0.9),
        Fact(field=Field.KEY, value=parse_key("8A"), source=ANALYSIS, at_s=20.0, confidence=0.8),
        Fact(field=Field.ENERGY, value=6, source=ANALYSIS, at_s=20.0, confidence=0.8),
        Fact(field=Field.DURATION_S, value=300.5, source=ANALYSIS, at_s=20.0),
        Fact(field=Field.WAVEFORM, value=Waveform(levels=levels, step_s=0.25), source=ANALYSIS, at_s=20.0),
    ]
    return [*told, *measured] if analysed else told
