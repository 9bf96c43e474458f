"""The store of durable work."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from cratehand.domain.ids import JobId, TrackId
from cratehand.domain.job import Job, JobKind, JobState, Priority

IdSource = Callable[[], str]
"""Gives a fresh random id of 16 hex digits."""


class JobStore(Protocol):
    """Durable work: none runs twice, none is lost."""

    def enqueue(
        self,
        kind: JobKind,
        track_ids: Sequence[TrackId],
        *,
        priority: Priority,
        at_s: float,
        new_id: IdSource,
    ) -> Sequence[Job]:
        """Queue work; where an open job of this kind exists for a track it is returned, its priority raised."""
        ...

    def add(self, kind: JobKind, *, priority: Priority, at_s: float, new_id: IdSource) -> Job:
        """Queue work that belongs to no track."""
        ...

    def claim(
        self,
        *,
        limit: int,
        at_s: float,
        priority_at_most: Priority = Priority.BACKGROUND,
        kind: JobKind = JobKind.ANALYSE,
    ) -> Sequence[Job]:
        """Take up to `limit` queued jobs of a kind, most urgent then oldest first; they are running from now on."""
        ...

    def finish(self, job_id: JobId, *, state: JobState, at_s: float, error: str | None = None) -> Job:
        """End a running or queued job; ending one that has ended raises `ConflictError`."""
        ...

    def requeue(self, job_id: JobId, *, counts: bool = True) -> Job:
        """Put one running job back; without `counts` the attempt that ended so is not counted."""
        ...

    def get(self, job_id: JobId) -> Job | None: ...

    def list(self, *, states: Sequence[JobState] = (), limit: int = 100, kind: JobKind | None = None) -> Sequence[Job]:
        """Return jobs, of one kind where it is named: running first, then queued, then the latest ended."""
        ...

    def counts(self, kind: JobKind | None = None) -> Mapping[JobState, int]:
        """Return how many jobs are in each state, of one kind where it is named."""
        ...

    def prune(self, *, ended_before_s: float) -> int:
        """Forget ended jobs older than that; return how many."""
        ...
