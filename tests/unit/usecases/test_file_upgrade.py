"""What lands is compared before it becomes a track; answers and plans are kept."""

from dataclasses import replace
from pathlib import Path

import pytest

from cratehand.domain.audio_quality import AudioQuality, QualityVerdict
from cratehand.domain.fields import Field
from cratehand.domain.folders import SeenFile
from cratehand.domain.ids import TrackId
from cratehand.domain.plan_record import PlanState, UpgradePair
from cratehand.domain.provenance import PERSON, Fact
from cratehand.domain.track import Presence, Track
from cratehand.domain.upgrade import Relation
from cratehand.usecases.reading_facts import ANALYSIS
from cratehand.usecases.upgrades import Upgrades
from tests.fakes.swaps import TRACK, Crate, make_crate
from tests.fakes.upgrades import FakeJudge, make_fake_upgrades


def upgrades_of(crate: Crate, judge: FakeJudge) -> Upgrades:
    upgrades = make_fake_upgrades(
        crate.catalogue,
        crate.root / "data",
        clock=crate.clock,
        publish=crate.published.append,
        judge=judge,
        fingerprints={crate.landed.name: "AQAA"},
    )
    upgrades.finding.on_waiting = lambda: None
    upgrades.finding.refresh_index()
    return upgrades


def seen(crate: Crate, path: Path) -> SeenFile:
    return SeenFile(path=path, stamp=crate.files.state(path).stamp)


def test_a_landed_file_waits_for_its_judgement_and_stays_a_candidate(tmp_path: Path) -> None:
    crate, judge = make_crate(tmp_path), FakeJudge()
    finding = upgrades_of(crate, judge).finding
    assert finding.hold([seen(crate, crate.landed)]) == {crate.landed}
    assert finding.waiting() == [crate.landed]
    plan = finding.judge_landed(crate.landed)
    assert plan is not None
    assert judge.asked == [(crate.current, crate.landed)]
    assert (plan.state, plan.track_id) == (PlanState.OPEN, TRACK)
    assert finding.hold([seen(crate, crate.landed)]) == {crate.landed}
    assert finding.waiting() == []
    ((pair, kept),) = finding.pairs()
    assert (pair.accepted, pair.offset_s, kept) == (True, 0.025, crate.plan(plan.id))


def test_what_the_catalogue_knows_of_the_current_file_is_told_to_the_judge(tmp_path: Path) -> None:
    crate, judge = make_crate(tmp_path), FakeJudge(accepted=False)
    with crate.catalogue.writing() as stores:
        stamp = crate.files.state(crate.current).stamp
        stores.tracks.set_reading(TRACK, stamp=stamp, digest=None, analysed_at_s=1.0, error=None)
        quality = AudioQuality(verdict=QualityVerdict.LOSSY, evidence={"wall_hz": 16_000.0})
        facts = {Field.QUALITY: quality, Field.FINGERPRINT: "AQAA"}
        stores.facts.record(TRACK, [Fact(field=name, value=facts[name], source=ANALYSIS, at_s=1.0) for name in facts])
    finding = upgrades_of(crate, judge).finding
    finding.judge_landed(crate.landed)
    assert [known and (known.quality, known.fingerprint) for known in judge.told] == [(quality, "AQAA")]


def test_what_was_known_before_the_current_file_changed_is_not_told(tmp_path: Path) -> None:
    crate, judge = make_crate(tmp_path), FakeJudge(accepted=False)
    with crate.catalogue.writing() as stores:
        stamp = crate.files.state(crate.current).stamp
        stores.tracks.set_reading(TRACK, stamp=stamp, digest=None, analysed_at_s=1.0, error=None)
    finding = upgrades_of(crate, judge).finding
    crate.current.write_bytes(crate.landed.read_bytes())
    finding.judge_landed(crate.landed)
    assert judge.told == [None]


def test_a_refused_file_is_kept_as_a_row_and_becomes_a_track(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    finding = upgrades_of(crate, FakeJudge(accepted=False)).finding
    finding.hold([seen(crate, crate.landed)])
    assert finding.judge_landed(crate.landed) is None
    assert finding.hold([seen(crate, crate.landed)]) == frozenset()
    ((pair, plan),) = finding.pairs()
    assert (pair.accepted, pair.reason, plan) == (False, "equal is not better", None)


def test_a_file_that_can_not_be_compared_becomes_a_track(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    finding = upgrades_of(crate, FakeJudge(broken={"better.flac"})).finding
    finding.hold([seen(crate, crate.landed)])
    assert finding.judge_landed(crate.landed) is None
    assert finding.hold([seen(crate, crate.landed)]) == frozenset()
    assert finding.pairs() == []


def test_a_candidate_that_changes_makes_its_plan_void_and_is_judged_anew(tmp_path: Path) -> None:
    crate, judge = make_crate(tmp_path), FakeJudge()
    finding = upgrades_of(crate, judge).finding
    finding.hold([seen(crate, crate.landed)])
    plan = finding.judge_landed(crate.landed)
    assert plan is not None
    with crate.landed.open("ab") as file:
        file.write(b"\0" * 10)
    assert finding.hold([seen(crate, crate.landed)]) == {crate.landed}
    assert crate.plan(plan.id).state is PlanState.STALE
    assert finding.waiting() == [crate.landed]


def test_a_large_batch_lands_without_waiting(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    finding = upgrades_of(crate, FakeJudge()).finding
    stamp = crate.files.state(crate.landed).stamp
    batch = [SeenFile(path=tmp_path / f"{number}.flac", stamp=stamp) for number in range(65)]
    assert finding.hold(batch) == frozenset()


def test_after_an_undo_the_landed_file_is_not_proposed_again(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    upgrades = upgrades_of(crate, FakeJudge())
    upgrades.finding.hold([seen(crate, crate.landed)])
    plan = upgrades.finding.judge_landed(crate.landed)
    assert plan is not None
    upgrades.apply(str(crate.landed), who="dj")
    upgrades.undo(TRACK, who="dj")
    assert crate.plan(plan.id).state is PlanState.UNDONE
    assert upgrades.finding.hold([seen(crate, crate.landed)]) == frozenset()


def _second_track(crate: Crate, *, person: bool = False) -> TrackId:
    other = TrackId("aaaa000000000002")
    state = crate.files.state(crate.landed)
    with crate.catalogue.writing() as stores:
        stores.tracks.add(
            [
                Track(
                    id=other, path=crate.landed, presence=Presence.PRESENT, added_at_s=crate.clock.now_s() - 100,
                    stamp=state.stamp, digest=state.digest, analysed_at_s=1.0,
                )
            ]
        )  # fmt: skip
        stores.facts.record(other, [Fact(field=Field.FINGERPRINT, value="AQAA", source=PERSON, at_s=1.0)])
        if person:
            stores.facts.record(other, [Fact(field=Field.TITLE, value="mine", source=PERSON, at_s=1.0)])
    return other


def test_the_file_on_a_playlist_is_the_current_one_whoever_was_first(tmp_path: Path) -> None:
    crate, judge = make_crate(tmp_path), FakeJudge()
    finding = upgrades_of(crate, judge).finding
    other = _second_track(crate, person=True)
    assert finding.scan() == 1
    assert judge.asked == [(crate.current, crate.landed)]
    ((_, plan),) = finding.pairs()
    assert plan is not None
    assert plan.carry is not None
    assert plan.carry.absorbs == other
    assert finding.scan() == 0


def test_a_candidate_that_was_a_track_comes_back_as_one(tmp_path: Path) -> None:
    crate = make_crate(tmp_path)
    upgrades = upgrades_of(crate, FakeJudge())
    _second_track(crate, person=True)
    files, rows = crate.music(), crate.rows()
    upgrades.finding.scan()
    ((_, plan),) = upgrades.finding.pairs()
    assert plan is not None
    upgrades.apply(plan.id, who="dj")
    with crate.catalogue.reading() as stores:
        assert stores.tracks.counts()["total"] == 1
    upgrades.undo(plan.id, who="dj")
    assert (crate.music(), crate.rows()) == (files, rows)


@pytest.mark.parametrize("relation", [Relation.RELATED, Relation.DIFFERENT])
def test_other_relations_are_rows_without_a_plan(tmp_path: Path, relation: Relation) -> None:
    crate = make_crate(tmp_path)
    finding = upgrades_of(crate, FakeJudge(accepted=False, relation=relation)).finding
    finding.hold([seen(crate, crate.landed)])
    assert finding.judge_landed(crate.landed) is None
    assert [(pair.relation, plan) for pair, plan in finding.pairs()] == [(relation.value, None)]


def test_a_dry_scan_judges_and_keeps_nothing(tmp_path: Path) -> None:
    crate, judge = make_crate(tmp_path), FakeJudge()
    finding = upgrades_of(crate, judge).finding
    other = _second_track(crate, person=True)
    trial: list[UpgradePair] = []
    assert finding.scan(trial=trial) == 1
    assert [(pair.track_id, pair.candidate, pair.accepted) for pair in trial] == [(TRACK, crate.landed, True)]
    assert finding.pairs() == []
    with crate.catalogue.reading() as stores:
        assert stores.tracks.get(other) is not None
        assert stores.plans.list(limit=10) == []
    assert finding.scan() == 1
    assert len(finding.pairs()) == 1


@pytest.mark.parametrize("is_there", [True, False])
def test_steps_in_rekordbox_are_told_only_for_tracks_that_are_there(tmp_path: Path, *, is_there: bool) -> None:
    crate = make_crate(tmp_path)
    upgrades = replace(upgrades_of(crate, FakeJudge()), in_rekordbox=lambda track_id: is_there and track_id == TRACK)
    plan = crate.upgrade()
    assert bool(upgrades.steps(plan)) is is_there
