"""Look at durable work, and cancel it."""

from collections.abc import Mapping, Sequence

from cratehand.domain.errors import ConflictError, NotFoundError
from cratehand.domain.events import JobProgressed
from cratehand.domain.ids import JobId
from cratehand.domain.job import Job, JobKind, JobState, Priority
from cratehand.domain.ports import Clock
from cratehand.domain.stores import Catalogue, IdSource
from cratehand.usecases.event_bus import Publish
from cratehand.usecases.library import resolve


class Jobs:
    """The queue as a person sees it."""

    def __init__(self, catalogue: Catalogue, *, clock: Clock, new_id: IdSource, publish: Publish) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._new_id = new_id
        self._publish = publish

    def list(self, *, states: Sequence[JobState] = (), limit: int = 100) -> Sequence[Job]:
        """Return jobs, running first, then queued, then the latest ended."""
        with self._catalogue.reading() as stores:
            return stores.jobs.list(states=states, limit=limit)

    def counts(self) -> Mapping[JobState, int]:
        """Return how many jobs are in each state."""
        with self._catalogue.reading() as stores:
            return stores.jobs.counts()

    def get(self, job_id: JobId) -> Job:
        """Return one job; raises `NotFoundError`."""
        with self._catalogue.reading() as stores:
            job = stores.jobs.get(job_id)
        if job is None:
            raise NotFoundError(f"no job with the id {job_id!r}: `cratehand jobs` lists them")
        return job

    def analyse(self, reference: str, *, priority: Priority = Priority.INTERACTIVE) -> Job:
        """Queue the analysis of a track anew; a person who asks overtakes the background.

        Raises:
            NotFoundError: No such track.
        """
        with self._catalogue.writing() as stores:
            track_id = resolve(stores, reference)
            (job,) = stores.jobs.enqueue(
                JobKind.ANALYSE, [track_id], priority=priority, at_s=self._clock.now_s(), new_id=self._new_id
            )
        self._publish(JobProgressed(job=job))
        return job

    def cancel(self, job_id: JobId) -> Job:
        """Cancel a job that has not ended; raises `NotFoundError` or, where it has, `ConflictError`."""
        if (job := self.get(job_id)).state.is_final:
            raise ConflictError(f"job {job_id} has already ended: it is {job.state}")
        with self._catalogue.writing() as stores:
            ended = stores.jobs.finish(job_id, state=JobState.CANCELLED, at_s=self._clock.now_s())
        self._publish(JobProgressed(job=ended))
        return ended
