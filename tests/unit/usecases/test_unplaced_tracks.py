"""What was analysed before a model was switched on is analysed again, once, behind everything else."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.embedding import CLAP_SPACE, EmbeddingSpace
from cratehand.domain.events import Event, JobProgressed
from cratehand.domain.ids import ContentDigest, TrackId
from cratehand.domain.job import JobKind, JobState, Priority
from cratehand.domain.track import Presence, Track
from cratehand.usecases.unplaced_tracks import UnplacedTracks
from tests.fakes.clock import HandWoundClock, counting_ids
from tests.fakes.readings import STAMP

HEARD, UNHEARD, NEW, GONE, WAITING = (TrackId(digit * 16) for digit in "12345")


@pytest.fixture
def crate(catalogue: SqliteCatalogue) -> SqliteCatalogue:
    with catalogue.writing() as stores:
        for track_id in (HEARD, UNHEARD, NEW, GONE, WAITING):
            gone = track_id == GONE
            presence = Presence.MISSING if gone else Presence.PRESENT
            stores.tracks.add([Track(id=track_id, path=Path(f"/{track_id}.wav"), presence=presence, added_at_s=1.0)])
            if track_id != NEW:
                digest = ContentDigest(f"fake:{track_id}")
                stores.tracks.set_reading(track_id, stamp=STAMP, digest=digest, analysed_at_s=2.0, error=None)
        stores.vectors.put(CLAP_SPACE, HEARD, np.ones(512, dtype=np.float32))
        stores.jobs.enqueue(JobKind.ANALYSE, [WAITING], priority=Priority.FRESH, at_s=3.0, new_id=lambda: "f" * 16)
    return catalogue


def unplaced(catalogue: SqliteCatalogue, told: list[Event], *spaces: EmbeddingSpace) -> UnplacedTracks:
    return UnplacedTracks(
        catalogue, spaces=lambda: spaces, clock=HandWoundClock(), new_id=counting_ids(), publish=told.append
    )


def test_only_what_was_analysed_and_lacks_a_vector_is_queued(crate: SqliteCatalogue) -> None:
    told: list[Event] = []
    assert unplaced(crate, told, CLAP_SPACE).queue() == 1
    with crate.reading() as stores:
        queued = {job.track_id: job.priority for job in stores.jobs.list(states=[JobState.QUEUED], limit=10)}
    assert queued == {WAITING: Priority.FRESH, UNHEARD: Priority.BACKGROUND}
    assert [type(event) for event in told] == [JobProgressed]


def test_while_no_model_is_switched_on_nothing_is_queued(crate: SqliteCatalogue) -> None:
    assert unplaced(crate, []).queue() == 0


def test_a_track_without_a_sound_is_not_queued_for_ever(crate: SqliteCatalogue) -> None:
    again = unplaced(crate, [], CLAP_SPACE)
    assert again.queue() == 1
    with crate.writing() as stores:
        for job in stores.jobs.list(states=[JobState.QUEUED], limit=10):
            if job.track_id == UNHEARD:
                stores.jobs.finish(job.id, state=JobState.DONE, at_s=4.0)
    assert again.queue() == 0


def test_stems_that_wait_take_no_room_and_analyses_do(crate: SqliteCatalogue) -> None:
    numbers = count(1)

    def wait(kind: JobKind) -> None:
        with crate.writing() as stores:
            for _ in range(500):
                stores.jobs.add(kind, priority=Priority.INTERACTIVE, at_s=4.0, new_id=lambda: f"e{next(numbers):015x}")

    wait(JobKind.STEMS)
    assert unplaced(crate, [], CLAP_SPACE).queue() == 1
    with crate.writing() as stores:
        (queued,) = [job for job in stores.jobs.list(states=[JobState.QUEUED], limit=2_000) if job.track_id == UNHEARD]
        stores.jobs.finish(queued.id, state=JobState.CANCELLED, at_s=5.0)
    wait(JobKind.ANALYSE)
    assert unplaced(crate, [], CLAP_SPACE).queue() == 0
