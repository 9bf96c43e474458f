"""All use cases in one bundle: what the servers are given."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

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
from cratehand.usecases.upgrades import Upgrades
from cratehand.usecases.watched_folders import WatchedFolders


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What a user can want of the daemon. The synchronous ones are called through `lanes`."""

    lanes: Lanes
    bus: EventBus
    library: Library
    playlists: Playlists
    similarity: Similarity
    text_search: TextSearch
    jobs: Jobs
    export: CollectionExport
    stems: StemJobs
    drums: DrumGeneration
    live: LiveSession
    playback: PatternPlayback
    folders: WatchedFolders
    refresh_folders: Callable[[], Awaitable[None]]
    """Brings the watcher in step after folders were added or removed."""
    quiet: Quiet
    wake_background: Callable[[], None]
    """Lets the analysis queue look at once, e.g. after pause and resume."""
    health: Health
    upgrades: Upgrades
