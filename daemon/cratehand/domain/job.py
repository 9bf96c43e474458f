"""Durable work and its life."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from cratehand.domain.ids import JobId, TrackId


class JobKind(StrEnum):
    """What is to be done."""

    ANALYSE = "analyse"
    STEMS = "stems"


class JobState(StrEnum):
    """queued → running → done | failed | cancelled; a crash takes running back to queued."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self in {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


class Priority(IntEnum):
    """Lower runs first; interactive overtakes background."""

    INTERACTIVE = 0
    FRESH = 1
    """A file that just landed."""
    BACKGROUND = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of durable work."""

    id: JobId
    kind: JobKind
    state: JobState
    priority: Priority
    track_id: TrackId | None
    created_at_s: float
    started_at_s: float | None = None
    finished_at_s: float | None = None
    attempts: int = 0
    progress: float = 0.0
    """0..1."""
    error: str | None = None
