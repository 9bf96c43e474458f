"""Events of the daemon on their way to devices: only what each knows and wants, at most fifty a second."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from cratehand.domain.errors import CratehandError
from cratehand.domain.events import (
    CollectionSynced,
    Event,
    JobProgressed,
    QuietChanged,
    TrackAdded,
    TrackAnalysed,
    TrackChanged,
)
from cratehand.domain.ids import TrackId
from cratehand.domain.job import Job, JobState
from cratehand.servers.osc.addresses import Value
from cratehand.servers.osc.datagrams import encode
from cratehand.servers.osc.sessions import Place, Session, Sessions
from cratehand.usecases.use_cases import UseCases

logger = logging.getLogger(__name__)

Send = Callable[[bytes, Place], None]

_STEP_S: Final = 0.02
"""Each session gets one event a step at most."""
_COUNT_EVERY_S: Final = 1.0


class EventFeed:
    """Turns events into datagrams. What waits is joined: a newer state replaces the older, counts add up."""

    def __init__(self, use_cases: UseCases, *, sessions: Sessions, send: Send) -> None:
        self._use_cases = use_cases
        self._sessions = sessions
        self._send = send
        self._news = asyncio.Event()
        self._jobs_moved = False
        self._counted_s = 0.0

    async def run(self) -> None:
        """Feed for ever."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name="osc: events")
            tasks.create_task(self._pump(), name="osc: pump")

    def tell_of_job(self, session: Session, job: Job) -> None:
        """Tell a device the state of a job that it follows from now on: the events until now it could not know."""
        self._take_job(session, job)
        self._news.set()

    async def _listen(self) -> None:
        last = self._use_cases.bus.last_sequence
        with self._use_cases.bus.subscribe() as subscription:
            async for numbered in subscription:
                listeners = [session for session in self._sessions.all() if session.wanted]
                if numbered.sequence > last + 1:
                    # We were too slow ourselves: a gap in their sequence tells the devices to ask anew.
                    for session in listeners:
                        session.next_sequence()
                last = numbered.sequence
                for session in listeners:
                    self._take(session, numbered.event)
                if listeners:
                    self._news.set()

    def _take(self, session: Session, event: Event) -> None:
        match event:
            case TrackAdded():
                self._count(session, added=1)
            case TrackChanged(track_id=track_id):
                self._count(session, changed=1)
                self._tell_of_track(session, track_id, "changed")
            case TrackAnalysed(track_id=track_id):
                self._count(session, analysed=1)
                self._tell_of_track(session, track_id, "analysed")
            case CollectionSynced(added=added, changed=changed, removed=removed):
                self._join(session, "collection", [added, changed, removed])
            case JobProgressed(job=job):
                self._take_job(session, job)
            case QuietChanged(quiet=quiet, reason=reason) if "quiet" in session.wanted:
                session.pending["quiet"] = ("/cratehand/event/quiet", [int(quiet), reason])
            case _:
                pass

    def _take_job(self, session: Session, job: Job) -> None:
        self._jobs_moved = self._jobs_moved or "jobs" in session.wanted
        request = session.request_of_job(job.id)
        if request is not None and "job" in session.wanted:
            session.pending[f"job {job.id}"] = ("/cratehand/event/job", [request, job.state.value, job.progress])

    def _tell_of_track(self, session: Session, track_id: TrackId, what: str) -> None:
        request = session.request_of_track(track_id)
        if request is not None and "track" in session.wanted:
            session.pending[f"track {track_id} {what}"] = ("/cratehand/event/track", [request, what])

    def _count(self, session: Session, *, added: int = 0, changed: int = 0, analysed: int = 0) -> None:
        self._join(session, "tracks", [added, changed, analysed])

    def _join(self, session: Session, kind: str, counts: list[int]) -> None:
        if kind in session.wanted:
            _, waiting = session.pending.get(kind, ("", [0] * len(counts)))
            joined: list[Value] = [int(old) + new for old, new in zip(waiting, counts, strict=True)]
            session.pending[kind] = (f"/cratehand/event/{kind}", joined)

    async def _pump(self) -> None:
        while True:
            await self._news.wait()
            if self._jobs_moved and asyncio.get_running_loop().time() - self._counted_s >= _COUNT_EVERY_S:
                await self._count_jobs()
            waiting = [session for session in self._sessions.all() if session.pending]
            for session in waiting:
                _, (path, values) = session.pending.popitem(last=False)
                self._send(encode(path, session.next_sequence(), *values), session.reply_to)
            if not waiting and not self._jobs_moved:
                self._news.clear()
            await asyncio.sleep(_STEP_S)

    async def _count_jobs(self) -> None:
        self._jobs_moved, self._counted_s = False, asyncio.get_running_loop().time()
        try:
            counts = await self._use_cases.lanes.quick(self._use_cases.jobs.counts)
        except CratehandError as error:
            logger.warning("jobs could not be counted for the devices: %s", error)
            return
        shown = (JobState.QUEUED, JobState.RUNNING, JobState.DONE, JobState.FAILED)
        values: list[Value] = [counts.get(state, 0) for state in shown]
        for session in self._sessions.all():
            if "jobs" in session.wanted:
                session.pending["jobs"] = ("/cratehand/event/jobs", values)
