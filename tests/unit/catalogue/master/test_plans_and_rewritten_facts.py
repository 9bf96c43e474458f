"""What plans leave behind on other devices: their history, and the facts that they moved or dropped."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic import command
from sqlalchemy import create_engine

from cratehand.catalogue import open_device
from cratehand.catalogue.master.address import MasterAddress
from cratehand.catalogue.migrate import MIGRATIONS, alembic_config
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.errors import ConflictError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ContentDigest, PlanId
from cratehand.domain.plan_elsewhere import PlanElsewhere
from cratehand.domain.plan_record import (
    CarryOver,
    FileState,
    PlanKind,
    PlanRecord,
    PlanState,
    Relocate,
    SwapFile,
    TellRekordbox,
)
from cratehand.domain.provenance import PERSON, Source, SourceKind
from cratehand.domain.track import FileStamp
from cratehand.usecases.history import find_plan, history_everywhere
from tests.unit.catalogue.building import REKORDBOX, a_cue, a_fact, track_id
from tests.unit.catalogue.master.devices import Device, ask_master, master_snapshot, settle
from tests.unit.catalogue.master.test_sync import SPACE

pytestmark = pytest.mark.postgres

Make = Callable[[str], Device]
ANALYSIS = Source(kind=SourceKind.ANALYSIS, name="cratehand.loudness", version="1")
STAMP = FileStamp(size_bytes=1, mtime_ns=2, ctime_ns=3, inode=4)


def a_file(path: str) -> FileState:
    return FileState(path=Path(path), stamp=STAMP, digest=ContentDigest("d:1"))


def a_plan(number: int = 1, *, device: str = "first", applied_at_s: float | None = 10.0) -> PlanRecord:
    current, landed = f"/{device}/secret/old.mp3", f"/{device}/secret/new.flac"
    return PlanRecord(
        id=PlanId(f"{number:016x}"),
        kind=PlanKind.UPGRADE,
        state=PlanState.OPEN if applied_at_s is None else PlanState.APPLIED,
        who="anna",
        why="a genuine FLAC instead of an MP3",
        track_id=track_id(1),
        created_at_s=5.0,
        applied_at_s=applied_at_s,
        error=f"{current} was busy",
        steps=(
            SwapFile(
                current=a_file(current), target=Path(f"/{device}/secret/old.flac"), landed=a_file(landed),
                tags={"genre": "House"}, cover=Path(f"/{device}/secret/cover.png"),
            ),
            CarryOver(track_id=track_id(1), path=Path(f"/{device}/secret/old.flac"), offset_s=0.025),
            Relocate(track_id=track_id(1), before=Path(f"/{device}/secret/a.mp3"), found=a_file(f"/{device}/secret/b.mp3")),
            TellRekordbox(track_id=track_id(1), playlist="Upgraded"),
        ),
        record={"trash": f"/{device}/secret/trash"},
    )  # fmt: skip


def add(device: Device, plan: PlanRecord) -> PlanRecord:
    with device.catalogue.writing() as stores:
        stores.plans.add(plan)
    return plan


def told(device: Device) -> list[PlanElsewhere]:
    with device.catalogue.reading() as stores:
        return stores.plans.elsewhere()


def test_plans_of_both_devices_are_in_the_history_of_both(device: Make) -> None:
    first, second = device("first"), device("second")
    add(first, a_plan(1, applied_at_s=10.0))
    add(second, a_plan(2, device="second", applied_at_s=20.0))
    settle(first, second)
    for each, other in ((first, "second"), (second, "first")):
        with each.catalogue.reading() as stores:
            history = history_everywhere(stores, limit=10)
        assert [plan.id for plan in history] == [f"{2:016x}", f"{1:016x}"]
        assert [plan.device for plan in history if isinstance(plan, PlanElsewhere)] == [other]
    changes = {(change.what, change.where, change.after) for change in told(second)[0].changes}
    assert ("write tag genre", "", "House") in changes
    assert ("shift cues, loops, grid and sections", track_id(1), "+25.00 ms") in changes
    assert ("add to playlist", "Upgraded", track_id(1)) in changes


def test_no_path_of_a_plan_leaves_its_device(device: Make, address: MasterAddress) -> None:
    first, second = device("first"), device("second")
    add(first, a_plan(1))
    settle(first, second)
    question = "SELECT * FROM plans_elsewhere"
    everything = json.dumps([ask_master(address, question), second.ask(question)])
    assert "anna" in everything
    assert "secret" not in everything
    assert ask_master(address, "SELECT count(*) FROM plans") == [(0,)]
    assert second.ask("SELECT count(*) FROM plans") == [(0,)]


def test_a_plan_of_another_device_can_be_listed_and_not_applied(device: Make) -> None:
    first, second = device("first"), device("second")
    plan = add(first, a_plan(1, applied_at_s=None))
    settle(first, second)
    assert [each.state for each in told(second)] == [PlanState.OPEN]
    with second.catalogue.reading() as stores:
        assert stores.plans.get(plan.id) is None
        assert stores.plans.list() == []
        assert history_everywhere(stores, limit=10) == []
        with pytest.raises(ConflictError, match="on the device first: it can be applied and undone there only"):
            find_plan(stores, plan.id[:14])


def test_what_becomes_of_a_plan_is_told_and_so_is_that_it_is_gone(device: Make, address: MasterAddress) -> None:
    first, second = device("first"), device("second")
    plan = add(first, a_plan(1))
    settle(first, second)
    with first.catalogue.writing() as stores:
        stores.plans.save(replace(plan, state=PlanState.UNDONE, undone_at_s=30.0))
    settle(first, second)
    assert [(each.state, each.undone_at_s) for each in told(second)] == [(PlanState.UNDONE, 30.0)]
    with first.catalogue.writing() as stores:
        stores.connection.exec_driver_sql("DELETE FROM plans")
    settle(first, second)
    assert told(second) == []
    assert ask_master(address, "SELECT name, deleted FROM changes WHERE entity = 'plan'") == [(plan.id, True)]
    late = device("late")
    settle(late)
    assert told(late) == []


def test_work_on_a_plan_that_changes_nothing_to_tell_is_not_sent(device: Make) -> None:
    first = device("first")
    plan = add(first, a_plan(1))
    settle(first)
    with first.catalogue.writing() as stores:
        stores.plans.save(replace(plan, record={"thrown_away_at_s": 1.0}))
    assert first.sync().is_empty


def test_the_master_is_rebuilt_from_one_device_with_the_plans_of_all(device: Make, address: MasterAddress) -> None:
    first, second = device("first"), device("second")
    add(first, a_plan(1))
    add(second, a_plan(2, device="second"))
    settle(first, second)
    before = ask_master(address, "SELECT * FROM plans_elsewhere ORDER BY id")
    ask_master(address, "DELETE FROM plans_elsewhere; DELETE FROM changes; DELETE FROM pushes")
    second.master.begin_again()
    assert ask_master(address, "SELECT * FROM plans_elsewhere ORDER BY id") == before


def test_a_device_of_the_older_schema_tells_the_plans_that_it_has_and_those_to_come(device: Make) -> None:
    first, second = device("first"), device("second")
    settle(first)
    add(first, a_plan(1))
    first.close()
    engine = create_engine(f"sqlite:///{first.path}")
    config = alembic_config(MIGRATIONS)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    engine.dispose()
    assert "capture_plan_insert" not in str(sqlite_triggers(first.path))
    open_device(first.path).close()
    add(first, a_plan(2))
    settle(first, second)
    assert {plan.id for plan in told(second)} == {f"{1:016x}", f"{2:016x}"}


def sqlite_triggers(path: Path) -> list[str]:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        names = [row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    engine.dispose()
    return names


def a_track_with_a_file(device: Device) -> None:
    grid = BeatGrid(anchors=(GridAnchor(start_s=0.5, tempo_bpm=120.0),))
    device.add(1, digest="d:1")
    with device.catalogue.writing() as stores:
        facts = [a_fact(Field.DURATION_S, 200.0, source=ANALYSIS), a_fact(Field.TITLE, "One", source=ANALYSIS)]
        stores.facts.record(track_id(1), [*facts, a_fact(Field.BEAT_GRID, grid, source=PERSON)])
        stores.facts.record(track_id(1), [a_fact(Field.DURATION_S, 201.0, source=REKORDBOX)])
        stores.cues.replace(track_id(1), [a_cue(1.5, pad=0)], origin="rekordbox")
        stores.vectors.put(SPACE, track_id(1), np.array([1, 2, 3], dtype=np.float32))


def carry_over(device: Device, *, path: str = "/first/new.flac") -> dict[str, Any]:
    with device.catalogue.writing() as stores:
        return stores.carrying.carry_over(
            track_id(1), path=Path(path), stamp=STAMP, digest=ContentDigest("d:2"), offset_s=0.25
        )


def grid_start_s(device: Device) -> float:
    with device.catalogue.reading() as stores:
        (grid,) = [fact.value for fact in stores.facts.facts(track_id(1)) if fact.field is Field.BEAT_GRID]
    assert isinstance(grid, BeatGrid)
    return grid.anchors[0].start_s


def test_facts_that_a_plan_moved_or_dropped_are_so_everywhere_and_back_when_it_is_undone(
    device: Make, address: MasterAddress
) -> None:
    first, second = device("first"), device("second")
    a_track_with_a_file(first)
    settle(first, second)
    before = second.snapshot()
    record = carry_over(first)
    settle(first, second)
    assert grid_start_s(second) == 0.75
    assert second.ask("SELECT count(*) FROM facts WHERE field = 'duration_s'") == [(0,)]
    assert second.snapshot() == first.snapshot() == master_snapshot(address)
    late = device("late")
    settle(late)
    assert late.snapshot() == first.snapshot()
    with first.catalogue.writing() as stores:
        stores.carrying.carry_back(track_id(1), record, stamp=STAMP)
    settle(first, second, late)
    assert second.snapshot() == late.snapshot() == first.snapshot() == master_snapshot(address) == before


def test_what_a_file_sounded_like_that_was_put_back_is_forgotten_everywhere(device: Make) -> None:
    first, second = device("first"), device("second")
    first.add(1)
    settle(first, second)
    record = carry_over(first)
    settle(first, second)
    assert second.ask("SELECT digest FROM tracks") == [("d:2",)]
    with first.catalogue.writing() as stores:
        stores.carrying.carry_back(track_id(1), record, stamp=STAMP)
    settle(first, second)
    assert second.ask("SELECT digest FROM tracks") == first.ask("SELECT digest FROM tracks") == [(None,)]


def test_facts_that_a_device_got_from_the_master_are_moved_by_its_own_plan_for_all(device: Make) -> None:
    first, second = device("first"), device("second")
    a_track_with_a_file(first)
    settle(first, second)
    carry_over(second, path="/second/better.flac")
    settle(second, first)
    assert grid_start_s(first) == 0.75
    assert first.snapshot() == second.snapshot()


def test_a_deleted_track_takes_the_notes_on_its_moved_facts_along(device: Make) -> None:
    first = device("first")
    a_track_with_a_file(first)
    settle(first)
    carry_over(first)
    with first.catalogue.writing() as stores:
        stores.tracks.remove([track_id(1)])
    assert first.ask("SELECT entity FROM changes") == [("track",)]


def test_plans_of_two_devices_that_move_the_same_facts_end_alike(device: Make, address: MasterAddress) -> None:
    first, second = device("first"), device("second")
    a_track_with_a_file(first)
    settle(first, second)
    carry_over(first)
    carry_over(second, path="/second/better.flac")
    settle(first, second)
    assert first.snapshot() == second.snapshot() == master_snapshot(address)


def test_a_fact_that_was_dropped_and_is_brought_once_more_is_there(device: Make, address: MasterAddress) -> None:
    first, second = device("first"), device("second")
    a_track_with_a_file(first)
    settle(first, second)
    carry_over(first)
    settle(first)
    # It never heard of the plan and tells everything anew.
    second.master.begin_again()
    settle(first, second)
    late = device("late")
    settle(late)
    assert first.snapshot() == second.snapshot() == late.snapshot() == master_snapshot(address)
