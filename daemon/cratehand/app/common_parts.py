"""What most parts of the daemon are built from."""

from dataclasses import dataclass

from cratehand.app.clap_switch import placed_by_clap
from cratehand.app.clock import SystemClock
from cratehand.app.data_folder import DataFolder
from cratehand.app.settings import Settings
from cratehand.app.wiring import OfflineUseCases
from cratehand.domain.embedding import EmbeddingSpace
from cratehand.usecases.event_bus import EventBus
from cratehand.usecases.lanes import Lanes
from cratehand.watch.ignore import IgnoreRules


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonParts:
    """Made once, first."""

    settings: Settings
    folder: DataFolder
    offline: OfflineUseCases
    bus: EventBus
    clock: SystemClock
    lanes: Lanes

    @property
    def ignore(self) -> IgnoreRules:
        return IgnoreRules(self.settings.watch.ignore, self.folder.never_music)

    @property
    def workers(self) -> int:
        return self.settings.analysis.workers

    def spaces(self) -> tuple[EmbeddingSpace, ...]:
        return placed_by_clap(self.settings.analysis, self.folder.models)
