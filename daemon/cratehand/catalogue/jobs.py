"""Durable work: none runs twice, none is lost.

A job is running from its claim until the transaction that ends it. What it found is recorded in that same transaction:
after a crash a job is either not done, and goes on, or done with its facts.
"""

import builtins
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, case, delete, func, select, update

from cratehand.catalogue import schema
from cratehand.catalogue.bulk import insert_rows
from cratehand.catalogue.keys import chunks, id_of, keys_of
from cratehand.catalogue.playlists import existing_keys
from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError
from cratehand.domain.ids import JobId, TrackId
from cratehand.domain.job import Job, JobKind, JobState, Priority
from cratehand.domain.stores import IdSource

_jobs = schema.jobs.c
_QUEUED: Final = JobState.QUEUED.value
_RUNNING: Final = JobState.RUNNING.value
_FINAL: Final = [state.value for state in JobState if state.is_final]


class SqlJobStore:
    """`JobStore` on a connection inside a transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def enqueue(
        self,
        kind: JobKind,
        track_ids: Sequence[TrackId],
        *,
        priority: Priority,
        at_s: float,
        new_id: IdSource,
    ) -> Sequence[Job]:
        """Queue work; where an open job of this kind exists for a track it is returned, its priority raised.

        Tracks that do not exist get no job.
        """
        wanted = existing_keys(self._connection, list(dict.fromkeys(keys_of(track_ids))))
        jobs: builtins.list[Job] = []
        for piece in chunks(wanted):
            waiting = self._open(kind, piece)
            self._connection.execute(
                update(schema.jobs)
                .where(_jobs.number.in_([job.number for job in waiting.values()]), _jobs.priority > priority.value)
                .values(priority=priority.value)
            )
            insert_rows(
                self._connection,
                schema.jobs,
                ("id", "kind", "state", "priority", "track", "created_at_s", "attempts"),
                [(new_id(), kind.value, _QUEUED, priority.value, key, at_s, 0) for key in piece if key not in waiting],
            )
            opened = self._open(kind, piece)
            jobs += [_job(opened[key]) for key in piece]
        return jobs

    def add(self, kind: JobKind, *, priority: Priority, at_s: float, new_id: IdSource) -> Job:
        values = {"id": new_id(), "kind": kind.value, "state": _QUEUED, "priority": priority.value, "attempts": 0}
        inserted = schema.jobs.insert().values(**values, created_at_s=at_s).returning(*schema.jobs.columns)
        return _job(self._connection.execute(inserted).one())

    def claim(
        self,
        *,
        limit: int,
        at_s: float,
        priority_at_most: Priority = Priority.BACKGROUND,
        kind: JobKind = JobKind.ANALYSE,
    ) -> Sequence[Job]:
        next_in_line = (
            select(_jobs.number)
            .where(_jobs.state == _QUEUED, _jobs.priority <= priority_at_most.value, _jobs.kind == kind.value)
            .order_by(_jobs.priority, _jobs.number)
            .limit(max(limit, 0))
        )
        claimed = self._connection.execute(
            update(schema.jobs)
            .where(_jobs.number.in_(next_in_line.scalar_subquery()))
            .values(state=_RUNNING, started_at_s=at_s, attempts=_jobs.attempts + 1)
            .returning(*schema.jobs.columns)
        ).all()
        return [_job(row) for row in sorted(claimed, key=lambda row: (row.priority, row.number))]

    def finish(self, job_id: JobId, *, state: JobState, at_s: float, error: str | None = None) -> Job:
        """End a running or queued job.

        Raises:
            NotFoundError: No such job.
            ConflictError: It has ended already.
            InvalidInputError: `state` is not one that ends a job.
        """
        if not state.is_final:
            raise InvalidInputError(f"a job does not end as {state}")
        return self._change(
            job_id,
            {_QUEUED, _RUNNING},
            {"state": state.value, "finished_at_s": at_s, "error": error},
        )

    def requeue(self, job_id: JobId, *, counts: bool = True) -> Job:
        """Put one running job back; raises `NotFoundError`, or `ConflictError` where it does not run."""
        attempts = _jobs.attempts if counts else _jobs.attempts - 1
        return self._change(job_id, {_RUNNING}, {"state": _QUEUED, "started_at_s": None, "attempts": attempts})

    def get(self, job_id: JobId) -> Job | None:
        row = self._connection.execute(select(schema.jobs).where(_jobs.id == job_id)).first()
        return None if row is None else _job(row)

    def list(self, *, states: Sequence[JobState] = (), limit: int = 100, kind: JobKind | None = None) -> Sequence[Job]:
        group = case((_jobs.state == _RUNNING, 0), (_jobs.state == _QUEUED, 1), else_=2)
        is_final = _jobs.state.in_(_FINAL)
        query = select(schema.jobs).order_by(
            group,
            case((is_final, 0), else_=_jobs.priority),
            case((is_final, -_jobs.finished_at_s), else_=0.0),
            case((is_final, -_jobs.number), else_=_jobs.number),
        )
        if states:
            query = query.where(_jobs.state.in_([state.value for state in states]))
        if kind is not None:
            query = query.where(_jobs.kind == kind.value)
        return [_job(row) for row in self._connection.execute(query.limit(max(limit, 0)))]

    def counts(self, kind: JobKind | None = None) -> Mapping[JobState, int]:
        query = select(_jobs.state, func.count()).group_by(_jobs.state)
        if kind is not None:
            query = query.where(_jobs.kind == kind.value)
        rows = self._connection.execute(query)
        found = {JobState(state): int(number) for state, number in rows}
        return {state: found.get(state, 0) for state in JobState}

    def prune(self, *, ended_before_s: float) -> int:
        ended = _jobs.state.in_(_FINAL) & (_jobs.finished_at_s < ended_before_s)
        return self._connection.execute(delete(schema.jobs).where(ended)).rowcount

    def _open(self, kind: JobKind, keys: Sequence[int]) -> dict[int, Row[Any]]:
        rows = self._connection.execute(
            select(schema.jobs).where(
                _jobs.track.in_(keys), _jobs.kind == kind.value, _jobs.state.in_([_QUEUED, _RUNNING])
            )
        )
        return {row.track: row for row in rows}

    def _change(self, job_id: JobId, states: set[str], values: dict[str, object]) -> Job:
        row = self._connection.execute(
            update(schema.jobs)
            .where(_jobs.id == job_id, _jobs.state.in_(sorted(states)))
            .values(values)
            .returning(*schema.jobs.columns)
        ).first()
        if row is not None:
            return _job(row)
        job = self.get(job_id)
        if job is None:
            raise NotFoundError(f"no job {job_id}; it may have been forgotten after its end")
        raise ConflictError(f"job {job_id} is {job.state} and can not become {values['state']}")


def _job(row: Row[Any]) -> Job:
    state = JobState(row.state)
    return Job(
        id=JobId(row.id),
        kind=JobKind(row.kind),
        state=state,
        priority=Priority(row.priority),
        track_id=None if row.track is None else id_of(row.track),
        created_at_s=row.created_at_s,
        started_at_s=row.started_at_s,
        finished_at_s=row.finished_at_s,
        attempts=row.attempts,
        # Progress in the middle is told by events; only the ends are worth a disk.
        progress=1.0 if state is JobState.DONE else 0.0,
        error=row.error,
    )
