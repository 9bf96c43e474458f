import pytest

from cratehand.catalogue import SqliteCatalogue
from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError
from cratehand.domain.ids import JobId
from cratehand.domain.job import Job, JobKind, JobState, Priority
from tests.unit.catalogue.building import a_track, ids, track_id

NEW_ID = ids()


@pytest.fixture
def known(catalogue: SqliteCatalogue) -> SqliteCatalogue:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(1, 6)])
    return catalogue


def queued(catalogue: SqliteCatalogue, *numbers: int, priority: Priority = Priority.BACKGROUND) -> list[Job]:
    with catalogue.writing() as stores:
        tracks = [track_id(number) for number in numbers]
        return list(stores.jobs.enqueue(JobKind.ANALYSE, tracks, priority=priority, at_s=1.0, new_id=NEW_ID))


def claimed(catalogue: SqliteCatalogue, limit: int = 10, **more: Priority) -> list[Job]:
    with catalogue.writing() as stores:
        return list(stores.jobs.claim(limit=limit, at_s=2.0, **more))


def test_an_open_job_is_returned_and_raised_instead_of_doubled(known: SqliteCatalogue) -> None:
    (first,) = queued(known, 1)
    (again, other) = queued(known, 1, 2, priority=Priority.INTERACTIVE)
    assert (again.id, again.priority) == (first.id, Priority.INTERACTIVE)
    assert other.id != first.id
    assert queued(known, 1)[0].priority is Priority.INTERACTIVE
    with known.reading() as stores:
        assert stores.jobs.counts()[JobState.QUEUED] == 2


def test_one_track_named_twice_gets_one_job_and_an_unknown_one_none(known: SqliteCatalogue) -> None:
    assert len(queued(known, 1, 1, 99)) == 1


def test_urgent_jobs_come_first_then_the_oldest(known: SqliteCatalogue) -> None:
    queued(known, 1, 2)
    queued(known, 3, priority=Priority.FRESH)
    queued(known, 4, priority=Priority.INTERACTIVE)
    assert [job.track_id for job in claimed(known, 3)] == [track_id(4), track_id(3), track_id(1)]
    assert claimed(known, priority_at_most=Priority.FRESH) == []
    (last,) = claimed(known)
    assert (last.state, last.attempts, last.started_at_s) == (JobState.RUNNING, 1, 2.0)
    assert claimed(known) == [] == claimed(known, 0)


def test_a_job_ends_once(known: SqliteCatalogue) -> None:
    queued(known, 1)
    (job,) = claimed(known)
    with known.writing() as stores:
        done = stores.jobs.finish(job.id, state=JobState.DONE, at_s=5.0)
        assert (done.state, done.finished_at_s, done.progress) == (JobState.DONE, 5.0, 1.0)
        with pytest.raises(ConflictError, match="done"):
            stores.jobs.finish(job.id, state=JobState.FAILED, at_s=6.0, error="late")
        with pytest.raises(NotFoundError):
            stores.jobs.finish(JobId("f" * 16), state=JobState.DONE, at_s=6.0)
        with pytest.raises(InvalidInputError):
            stores.jobs.finish(job.id, state=JobState.QUEUED, at_s=6.0)
        assert stores.jobs.get(job.id) == done
    assert queued(known, 1)[0].id != job.id


def test_a_waiting_job_can_be_cancelled(known: SqliteCatalogue) -> None:
    (job,) = queued(known, 1)
    with known.writing() as stores:
        stores.jobs.finish(job.id, state=JobState.CANCELLED, at_s=5.0)
    assert claimed(known) == []


def test_a_job_that_is_put_back_goes_on_and_counts_as_an_attempt_only_where_asked(known: SqliteCatalogue) -> None:
    queued(known, 1)
    (job,) = claimed(known, 1)
    with known.writing() as stores:
        back = stores.jobs.requeue(job.id, counts=False)
    assert (back.state, back.attempts) == (JobState.QUEUED, 0)
    (again,) = claimed(known, 1)
    with known.writing() as stores:
        back = stores.jobs.requeue(again.id)
    assert (back.id, back.state, back.attempts) == (job.id, JobState.QUEUED, 1)
    (third,) = claimed(known, 1)
    assert third.attempts == 2


def test_only_a_running_job_is_put_back(known: SqliteCatalogue) -> None:
    (job,) = queued(known, 1)
    with known.writing() as stores:
        with pytest.raises(ConflictError):
            stores.jobs.requeue(job.id)
        stores.jobs.claim(limit=1, at_s=2.0)
        back = stores.jobs.requeue(job.id)
    assert (back.state, back.attempts, back.started_at_s) == (JobState.QUEUED, 1, None)


def test_a_list_shows_running_then_queued_then_the_latest_ended(known: SqliteCatalogue) -> None:
    jobs = queued(known, 1, 2, 3, 4)
    (running, first, second) = claimed(known, 3)
    with known.writing() as stores:
        stores.jobs.finish(first.id, state=JobState.DONE, at_s=5.0)
        stores.jobs.finish(second.id, state=JobState.FAILED, at_s=6.0, error="x")
        assert [job.id for job in stores.jobs.list()] == [running.id, jobs[3].id, second.id, first.id]
        assert [job.id for job in stores.jobs.list(states=[JobState.DONE, JobState.FAILED], limit=1)] == [second.id]
        assert stores.jobs.prune(ended_before_s=6.0) == 1
        assert stores.jobs.get(first.id) is None
        assert stores.jobs.get(second.id) is not None


def test_kinds_are_claimed_and_counted_apart_and_a_job_needs_no_track(known: SqliteCatalogue) -> None:
    queued(known, 1)
    with known.writing() as stores:
        stems = stores.jobs.add(JobKind.STEMS, priority=Priority.INTERACTIVE, at_s=1.0, new_id=NEW_ID)
    assert (stems.track_id, stems.state, stems.kind) == (None, JobState.QUEUED, JobKind.STEMS)
    assert [job.kind for job in claimed(known)] == [JobKind.ANALYSE]
    with known.writing() as stores:
        assert stores.jobs.counts(JobKind.STEMS)[JobState.QUEUED] == 1
        assert stores.jobs.counts()[JobState.QUEUED] == 1
        assert [job.id for job in stores.jobs.claim(limit=5, at_s=2.0, kind=JobKind.STEMS)] == [stems.id]
        assert [job.id for job in stores.jobs.list(states=[JobState.RUNNING], kind=JobKind.STEMS)] == [stems.id]
        assert len(stores.jobs.list(states=[JobState.RUNNING])) == 2
