"""A person's corrections of a track that Rekordbox has become a plan for it."""

import pytest

from cratehand.catalogue import SqliteCatalogue
from cratehand.domain.errors import ConflictError, InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId, TrackId
from cratehand.domain.plan_record import PlanKind, PlanRecord
from cratehand.domain.provenance import PERSON, Fact, Source, SourceKind
from cratehand.usecases.repair import REPAIRED_PLAYLIST, Repair
from tests.fakes.clock import HandWoundClock, counting_ids
from tests.unit.catalogue.building import a_track, track_id

REKORDBOX = Source(kind=SourceKind.REKORDBOX, name="master.db")


@pytest.fixture
def track(catalogue: SqliteCatalogue) -> TrackId:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1)])
        stores.facts.record(track_id(1), [Fact(field=Field.TEMPO_BPM, value=63.0, source=REKORDBOX, at_s=1.0)])
    return track_id(1)


def repair_of(catalogue: SqliteCatalogue, applied: list[str]) -> Repair:
    def apply(plan_id: str, who: str) -> PlanRecord:
        applied.append(plan_id)
        with catalogue.reading() as stores:
            return stores.plans.list()[0]

    return Repair(catalogue, clock=HandWoundClock(), new_id=counting_ids(), apply=apply)


def test_what_a_person_set_otherwise_is_told(catalogue: SqliteCatalogue, track: TrackId) -> None:
    applied: list[str] = []
    repair = repair_of(catalogue, applied)
    with pytest.raises(ConflictError, match="not in Rekordbox"):
        repair.propose(track, who="dj")
    with catalogue.writing() as stores:
        stores.tracks.set_collection_id(track, ForeignId("7"))
    with pytest.raises(InvalidInputError, match="nothing to repair"):
        repair.propose(track, who="dj")
    with catalogue.writing() as stores:
        stores.facts.record(track, [Fact(field=Field.TEMPO_BPM, value=126.0, source=PERSON, at_s=2.0)])
    shown = repair.propose(track, who="dj", dry_run=True)
    assert not applied
    plan = repair.propose(track, who="dj")
    assert applied
    assert plan.kind is PlanKind.REPAIR
    assert plan.tell is not None
    assert plan.tell.playlist == REPAIRED_PLAYLIST
    assert list(plan.tell.edits) == [{"field": "tempo_bpm", "before": 63.0, "after": 126.0}] == list(shown.tell.edits)  # type: ignore[union-attr]
