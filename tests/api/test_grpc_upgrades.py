"""The service Upgrades: tags are written, listed, undone; what can't be meant is refused."""

import asyncio
import json
import os

import grpc
import pytest

from cratehand.app.data_folder import DataFolder
from cratehand.app.process_lock import ProcessLock
from cratehand.catalogue import schema
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.provenance import PERSON, Fact
from cratehand.domain.track import FileStamp, Presence
from cratehand.servers.grpc.server import GrpcServer
from cratehand_api.v1 import upgrades_pb2, upgrades_pb2_grpc
from tests.api.clients import SHOWN, channel
from tests.api.house import TOKEN, House
from tests.audio_files import write_audio
from tests.e2e.daemon_process import command
from tests.signals import noise


@pytest.fixture
async def upgrades(grpc_server: GrpcServer):
    async with channel(grpc_server.address) as opened:
        yield upgrades_pb2_grpc.UpgradesStub(opened)


@pytest.fixture
def track(house: House) -> str:
    """Give the first track a real file; return its id."""
    track_id = house.track_ids[0]
    path = write_audio(house.folder / "track 0.flac", noise(duration_s=0.5))
    with house.catalogue.writing() as stores:
        stores.tracks.place(track_id, path=path, stamp=FileStamp.of(path.stat()), presence=Presence.PRESENT)
    return track_id


async def test_tags_are_written_listed_and_undone(house: House, upgrades, track: str) -> None:
    path = house.folder / "track 0.flac"
    before = path.read_bytes()
    wish = upgrades_pb2.WriteTagsRequest(track=track, key_notation="camelot", who="dj", dry_run=True)
    shown = await upgrades.WriteTags(wish, metadata=SHOWN)
    assert {step.what: step.after for step in shown.changes}["write tag key"] == "8A"
    assert path.read_bytes() == before
    wish.dry_run = False
    plan = await upgrades.WriteTags(wish, metadata=SHOWN)
    assert (plan.state, plan.kind, plan.who) == ("applied", "tags", "dj")
    assert path.read_bytes() != before
    (listed,) = (await upgrades.ListHistory(upgrades_pb2.ListHistoryRequest(), metadata=SHOWN)).plans
    assert listed.id == plan.id
    undone = await upgrades.UndoPlan(upgrades_pb2.PlanRequest(id=plan.id[:8]), metadata=SHOWN)
    assert undone.state == "undone"
    assert undone.HasField("undone_at_s")
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        ("GetPlan", upgrades_pb2.PlanRequest(id=""), grpc.StatusCode.INVALID_ARGUMENT),
        ("ApplyPlan", upgrades_pb2.PlanRequest(id="ffff000000000000"), grpc.StatusCode.NOT_FOUND),
        ("UndoPlan", upgrades_pb2.PlanRequest(id="nothing"), grpc.StatusCode.NOT_FOUND),
        ("ListPairs", upgrades_pb2.ListPairsRequest(limit=-1), grpc.StatusCode.INVALID_ARGUMENT),
        ("WriteTags", upgrades_pb2.WriteTagsRequest(track="no track"), grpc.StatusCode.NOT_FOUND),
        ("Repair", upgrades_pb2.RepairRequest(track="no track"), grpc.StatusCode.NOT_FOUND),
    ],
)
async def test_what_can_not_be_meant_is_refused(upgrades, method: str, request_, code: grpc.StatusCode) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(upgrades, method)(request_, metadata=SHOWN)
    assert caught.value.code() is code


async def test_a_scan_ends_with_a_count_and_lists_are_empty_at_first(upgrades) -> None:
    progress = [told async for told in upgrades.Scan(upgrades_pb2.ScanRequest(), metadata=SHOWN)]
    assert progress[-1].finished
    assert progress[-1].judged == 0
    assert not (await upgrades.ListPairs(upgrades_pb2.ListPairsRequest(), metadata=SHOWN)).pairs
    assert not (await upgrades.ListDuplicates(upgrades_pb2.ListDuplicatesRequest(), metadata=SHOWN)).groups
    assert not (await upgrades.ListMissing(upgrades_pb2.ListMissingRequest(), metadata=SHOWN)).missing


async def test_a_track_that_rekordbox_does_not_have_is_not_repaired(upgrades, track: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="not in Rekordbox"):
        await upgrades.Repair(upgrades_pb2.RepairRequest(track=track), metadata=SHOWN)


# --- a scan that only looks --------------------------------------------------------------------------------------


@pytest.fixture
def copies(house: House, track: str) -> list[str]:
    """Make the second track a copy of the first, not compared yet; return both ids."""
    other = house.track_ids[1]
    path = write_audio(house.folder / "track 1.flac", noise(duration_s=0.5))
    with house.catalogue.writing() as stores:
        stores.tracks.place(other, path=path, stamp=FileStamp.of(path.stat()), presence=Presence.PRESENT)
        for track_id in (track, other):
            heard = Fact(field=Field.FINGERPRINT, value="AQAA", source=PERSON, at_s=99.0)
            stores.facts.record(TrackId(track_id), [heard])
    return [track, other]


def everything(house: House) -> dict[str, object]:
    """Return all rows of the catalogue and all files beside it."""
    with house.catalogue.reading() as stores:
        connection = stores.tracks._connection
        rows: dict[str, object] = {
            name: sorted((tuple(row) for row in connection.exec_driver_sql(f"SELECT * FROM {name}")), key=repr)
            for name in schema.metadata.tables
        }
    files = {
        str(path.relative_to(house.folder)): path.read_bytes()
        for path in sorted(house.folder.rglob("*"))
        if path.is_file() and not path.name.startswith("catalogue.db")
    }
    return rows | files


async def test_a_dry_scan_answers_with_pairs_and_writes_nothing(house: House, upgrades, copies: list[str]) -> None:
    before = everything(house)
    dry = [told async for told in upgrades.Scan(upgrades_pb2.ScanRequest(dry_run=True), metadata=SHOWN)][-1]
    assert (dry.finished, dry.judged, len(dry.pairs)) == (True, 1, 1)
    assert {dry.pairs[0].current, dry.pairs[0].candidate} == {str(house.folder / f"track {n}.flac") for n in (0, 1)}
    assert everything(house) == before
    assert not (await upgrades.ListPairs(upgrades_pb2.ListPairsRequest(), metadata=SHOWN)).pairs
    told = [told async for told in upgrades.Scan(upgrades_pb2.ScanRequest(), metadata=SHOWN)][-1]
    assert told.judged == 1, "what was only tried is still to be judged"
    assert everything(house) != before


async def test_a_dry_scan_of_the_command_line_writes_nothing(
    house: House, grpc_server: GrpcServer, copies: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    data = DataFolder(tmp_path_factory.mktemp("data of the daemon"))
    data.token_file.write_text(TOKEN)
    lock = ProcessLock(data.lock_file)
    assert lock.acquire(), "the lock says that a daemon serves"
    ready = {"pid": os.getpid(), "grpc": grpc_server.address, "osc": "", "http": "", "token_file": str(data.token_file)}
    data.ready_file.write_text(json.dumps(ready))
    before = everything(house)
    try:
        dry = await asyncio.to_thread(command, data.path, "upgrade", "scan", "--dry-run", "--json")
        seen = everything(house)
        told = await asyncio.to_thread(command, data.path, "upgrade", "scan", "--json")
    finally:
        lock.release()
    assert dry.returncode == 0, dry.stderr
    answer = json.loads(dry.stdout)
    assert (answer["dry_run"], answer["judged"], [pair["accepted"] for pair in answer["pairs"]]) == (True, 1, [True])
    assert seen == before
    assert json.loads(told.stdout)["judged"] == 1
    assert everything(house) != before
