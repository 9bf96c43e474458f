"""A job followed to its end, whoever ends it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from cratehand.domain.events import JobProgressed
from cratehand.domain.ids import JobId
from cratehand.domain.job import Job
from cratehand.usecases.event_bus import EventBus, Subscription
from cratehand.usecases.jobs import Jobs
from cratehand.usecases.lanes import Lanes

_LOOK_S: Final = 3.0
"""How often a watched job is read without news: another process may have ended it."""


async def watch_job(job_id: JobId, *, jobs: Jobs, bus: EventBus, lanes: Lanes) -> AsyncIterator[Job]:
    """Yield a job as it is now and at each change, until it has ended; raises `NotFoundError` where there is none."""
    with bus.subscribe() as subscription:
        job = await lanes.quick(jobs.get, job_id)
        yield job
        sequence = bus.last_sequence
        while not job.state.is_final:
            sequence, found = await _news(subscription, job_id, sequence)
            newer = await lanes.quick(jobs.get, job_id) if found is None else found
            if newer.state is job.state:
                # What is read anew does not know how far a running job is.
                newer = replace(newer, progress=max(newer.progress, job.progress))
            if newer != job:
                job = newer
                yield job


async def _news(subscription: Subscription, job_id: JobId, sequence: int) -> tuple[int, Job | None]:
    """Wait for the next state of a job; None where events were missed, or none came for long: it has to be read."""
    try:
        async with asyncio.timeout(_LOOK_S):
            async for numbered in subscription:
                missed = numbered.sequence > sequence + 1
                sequence = max(sequence, numbered.sequence)
                match numbered.event:
                    case JobProgressed(job=job) if job.id == job_id and not missed:
                        return sequence, job
                    case _ if missed:
                        break
    except TimeoutError:
        pass
    return sequence, None
