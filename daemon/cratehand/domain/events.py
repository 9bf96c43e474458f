"""What happens in the daemon that others want to hear of."""

from dataclasses import dataclass

from cratehand.domain.ids import PlanId, TrackId
from cratehand.domain.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackAdded:
    """A track is new in the catalogue."""

    track_id: TrackId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackChanged:
    """Something believed of a track, its file, its cues or its presence changed."""

    track_id: TrackId


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackAnalysed:
    """An analysis of a track is in the catalogue."""

    track_id: TrackId


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSynced:
    """A read of the DJ's collection reached the catalogue; counts, since there may be 50,000 ids."""

    added: int
    changed: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgressed:
    """A job was queued, started, moved on, or ended."""

    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietChanged:
    """Background work stopped or went on."""

    quiet: bool
    reason: str
    """Empty when not quiet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChanged:
    """A plan was made, applied, undone, or became void."""

    plan_id: PlanId
    kind: str
    state: str


Event = PlanChanged | TrackAdded | TrackChanged | TrackAnalysed | CollectionSynced | JobProgressed | QuietChanged
