"""A writer that is killed in the middle, and what has to be true afterwards."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from cratehand.catalogue import check, open_device
from cratehand.domain.fields import Field
from cratehand.domain.job import JobState
from tests.unit.catalogue.building import track_id

SCRIPT = """
import sys, time
from pathlib import Path
from cratehand.catalogue import open_device
from cratehand.domain.fields import Field
from cratehand.domain.job import JobKind, JobState, Priority
from tests.unit.catalogue.building import a_fact, a_track, ids, track_id
catalogue, new_id = open_device(Path(sys.argv[1])), ids()
number = 0
while True:
    number += 1
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number)])
        stores.jobs.enqueue(JobKind.ANALYSE, [track_id(number)], priority=Priority.FRESH, at_s=1.0, new_id=new_id)
    with catalogue.writing() as stores:
        (job,) = stores.jobs.claim(limit=1, at_s=2.0)
    with catalogue.writing() as stores:
        stores.facts.record(track_id(number), [a_fact(Field.TITLE, f"t{number}"), a_fact(Field.YEAR, number)])
        stores.jobs.finish(job.id, state=JobState.DONE, at_s=3.0)
    # What is told here was committed, so it has to be there whatever happens.
    print(number, flush=True)
"""


def kill_a_writer(path: Path, *, delay_s: float) -> int:
    """Kill a writer some time after its first commit; return how many rounds it had told of."""
    child = subprocess.Popen([sys.executable, "-c", SCRIPT, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    told = [child.stdout.readline()]
    time.sleep(delay_s)
    child.send_signal(signal.SIGKILL)
    told += child.stdout.read().splitlines()
    child.stdout.close()
    child.wait(10)
    acknowledged = int([line for line in told if line.strip()][-1])

    assert check(path) == []
    catalogue = open_device(path)
    with catalogue.writing() as stores:
        counts = stores.jobs.counts()
        assert counts[JobState.DONE] >= acknowledged
        for job in stores.jobs.list(limit=100_000):
            assert job.track_id is not None
            # Done with its facts, or not done and without: never half.
            assert len(stores.facts.facts(job.track_id)) == (2 if job.state is JobState.DONE else 0)
        summary = stores.tracks.summary(track_id(acknowledged))
        assert summary is not None
        assert summary.title == f"t{acknowledged}"
        for job in stores.jobs.list(states=[JobState.RUNNING]):
            assert stores.jobs.requeue(job.id).attempts == 1
        assert len(stores.jobs.list(states=[JobState.QUEUED])) <= 1
        assert stores.facts.believed([track_id(acknowledged)], Field.YEAR)
    catalogue.close()
    return acknowledged
