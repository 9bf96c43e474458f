import random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from cratehand.catalogue import schema
from cratehand.catalogue.master import capture
from cratehand.catalogue.master.address import MasterAddress, parse_address
from cratehand.catalogue.master.bound import load_binding, save_binding
from cratehand.catalogue.master.setting_up import set_up
from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.errors import (
    ConflictError,
    InvalidInputError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
    UnsupportedError,
)
from cratehand.domain.ids import PlanId, PlaylistId
from cratehand.domain.plan_record import PlanKind, PlanRecord, PlanState
from tests.cutting_proxy import CuttingProxy
from tests.postgres_server import TestServer
from tests.unit.catalogue.building import track_id
from tests.unit.catalogue.master.devices import Device, ask_master, master_snapshot, settle

pytestmark = pytest.mark.postgres

Make = Callable[[str], Device]


def test_a_wrong_password_is_told_without_the_password(
    url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    user, rest = url.split("@")
    wrong = parse_address(f"{user.rsplit(':', 1)[0]}:geheim-4711@{rest}")
    assert "geheim" not in repr(wrong)
    for meet in (lambda: set_up(wrong), Device(tmp_path / "a.db", wrong, name="a").sync):
        with pytest.raises(UnauthorizedError, match=r"\[master\] url") as caught:
            meet()
        assert "geheim" not in str(caught.value)
        assert caught.value.__cause__ is None
    assert "geheim" not in caplog.text


@pytest.mark.parametrize(
    "url",
    ["", "mysql://a:geheim@h/x", "postgresql://a:ge heim@:y:z/q w", "postgresql://a:geheim@h:port/x", "h:geheim"],
)
def test_a_url_that_is_none_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises((InvalidInputError, UnavailableError)) as caught:
        set_up(parse_address(url))
    assert "geheim" not in str(caught.value)


def test_nobody_at_the_address_is_unavailable_and_the_device_works_on(tmp_path: Path) -> None:
    device = Device(tmp_path / "a.db", parse_address("postgresql://a:b@127.0.0.1:9/x"), name="a")
    device.add(1)
    with pytest.raises(UnavailableError, match="works on without it"):
        device.sync()
    state = device.master.state()
    assert (state.behind, state.waiting) == (None, 0)
    assert state.problem is not None


def test_a_database_that_is_not_there_and_one_that_is_not_set_up(url: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such database"):
        set_up(parse_address(url + "_nowhere"))
    with pytest.raises(NotFoundError, match="cratehand master init"):
        Device(tmp_path / "a.db", parse_address(url), name="a").sync()


def test_a_user_without_rights_is_told_what_to_do(server: TestServer, url: str, tmp_path: Path) -> None:
    user = f"guest_{url[-8:]}"
    server.run(f"CREATE ROLE {user} LOGIN PASSWORD 'secretguest'")
    guest_url = url.replace("://cratehand:", f"://{user}:").replace(
        url.split(":")[2].split("@", maxsplit=1)[0], "secretguest"
    )
    with pytest.raises(UnauthorizedError, match="may not"):
        set_up(parse_address(guest_url))
    owner = parse_address(url)
    set_up(owner)
    device = Device(tmp_path / "guest.db", parse_address(guest_url), name="guest")
    with pytest.raises((UnauthorizedError, NotFoundError)):
        device.sync()
    set_up(owner, share_with=(user,))
    device.add(1)
    assert device.sync().pushed > 0


def test_a_full_server_refuses_new_connections_in_words(server: TestServer, url: str) -> None:
    taken: list[psycopg.Connection[tuple[object, ...]]] = []
    try:
        with pytest.raises(psycopg.OperationalError):
            while len(taken) < 200:
                taken.append(psycopg.connect(url))
        user = f"late_{url[-8:]}"
        with pytest.raises((UnavailableError, UnauthorizedError)) as caught:
            set_up(parse_address(url))
        assert "too many" in str(caught.value), user
    finally:
        for connection in taken:
            connection.close()


def test_a_newer_schema_is_not_written_and_the_device_works_on(device: Make, address: MasterAddress) -> None:
    first = device("first")
    first.add(1)
    settle(first)
    ask_master(address, "UPDATE alembic_version SET version_num = '9999'")
    first.correct(track_id(1), "while it is newer")
    first.master.close()
    with pytest.raises(UnsupportedError, match="newer cratehand"):
        first.sync()
    with pytest.raises(UnsupportedError, match="newer cratehand"):
        set_up(address)
    assert first.title(track_id(1)) == "while it is newer"
    ask_master(address, f"UPDATE alembic_version SET version_num = '{head()}'")
    assert first.sync().pushed > 0


def head() -> str:
    from cratehand.catalogue import schema

    return schema.HEAD


def test_an_older_schema_asks_for_an_update(device: Make, address: MasterAddress) -> None:
    ask_master(address, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(UnsupportedError, match="older schema"):
        device("first").sync()


def test_a_master_that_was_set_back_is_noticed_and_nothing_is_overwritten(device: Make, address: MasterAddress) -> None:
    first, second = device("first"), device("second")
    first.add(1, digest="d:1")
    settle(first, second)
    backup = {name: ask_master(address, f"SELECT * FROM {name}") for name in ("pushes",)}
    first.correct(track_id(1), "after the backup")
    settle(first, second)
    ask_master(
        address,
        f"DELETE FROM pushes WHERE revision > {max(row[0] for row in backup['pushes'])}; DELETE FROM facts; "
        f"UPDATE changes SET revision = least(revision, {max(row[0] for row in backup['pushes'])})",
    )
    for each in (first, second):
        with pytest.raises(ConflictError, match=r"set back.*--again"):
            each.sync()
        assert each.title(track_id(1)) == "after the backup"
    assert ask_master(address, "SELECT count(*) FROM facts") == [(0,)]
    first.master.begin_again()
    second.master.begin_again()
    settle(first, second)
    assert ask_master(address, "SELECT count(*) FROM facts") == [(1,)]
    assert first.snapshot() == second.snapshot()


def test_another_master_is_noticed_and_can_be_joined(device: Make, server: TestServer) -> None:
    first = device("first")
    first.add(1)
    settle(first)
    other = parse_address(server.fresh_database())
    set_up(other)
    moved = Device(first.path, other, name="first")
    with pytest.raises(ConflictError, match="--join"):
        moved.sync()
    assert ask_master(other, "SELECT count(*) FROM tracks") == [(0,)]
    moved.master.join()
    assert ask_master(other, "SELECT count(*) FROM tracks") == [(1,)]
    moved.close()


def test_a_copied_laptop_goes_on_as_a_device_of_its_own(
    device: Make, address: MasterAddress, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = device("first")
    first.add(1, digest="d:1")
    settle(first)
    first.close()
    shutil.copyfile(first.path, tmp_path / "copy.db")
    copy = Device(tmp_path / "copy.db", address, name="copy")
    first.correct(track_id(1), "on the first", at_s=10.0)
    first.sync()
    copy.correct(track_id(1), "on the copy", at_s=20.0)
    copy.sync()
    assert "copy" in caplog.text
    settle(first, copy)
    assert copy.master.state().device != first.master.state().device
    assert first.title(track_id(1)) == copy.title(track_id(1)) == "on the copy"
    assert ask_master(address, "SELECT count(*) FROM places") == [(2,)]
    copy.close()


def test_a_crash_between_two_turns_is_no_copy(device: Make) -> None:
    first = device("first")
    first.add(1)
    settle(first)
    name = first.master.state().device
    with first.catalogue.writing() as stores:
        # The master took the new turn, and the device died before it noted that.
        stores.connection.exec_driver_sql("UPDATE state SET value = json_set(value, '$.turn', 'older')")
    first.master.close()
    first.sync()
    assert first.master.state().device == name


def sync_unheard(device: Device) -> None:
    """Push, and be as a device is that was killed before it heard that the push arrived."""
    with device.catalogue.reading() as stores:
        before, noted = load_binding(stores.connection), stores.connection.execute(schema.changes.select()).all()
    assert before is not None
    assert noted
    device.sync()
    with device.catalogue.writing() as stores:
        after = load_binding(stores.connection)
        assert after is not None
        assert after.token == after.pushing
        save_binding(stores.connection, replace(after, seen=before.seen, token=before.token))
        rows = [{**row._mapping, "sending": True} for row in noted]
        stores.connection.execute(schema.changes.insert(), rows)


def test_what_was_pushed_unheard_does_not_come_back_as_the_word_of_another(
    device: Make, address: MasterAddress
) -> None:
    first, second = device("first"), device("second")
    first.add(1)
    settle(first, second)
    playlist = Playlist(id=PlaylistId("1" * 16), name="Peak", kind=PlaylistKind.PLAYLIST, entries=(track_id(1),))
    plan = PlanRecord(
        id=PlanId("2" * 16), kind=PlanKind.PLAYLIST, state=PlanState.OPEN, who="me", why="", track_id=None,
        created_at_s=1.0, steps=(),
    )  # fmt: skip
    with first.catalogue.writing() as stores:
        stores.playlists.save(playlist)
        stores.plans.add(plan)
    sync_unheard(first)
    with first.catalogue.writing() as stores:
        stores.playlists.remove(playlist.id)
        stores.plans.save(replace(plan, state=PlanState.APPLIED, applied_at_s=2.0))
        # The clock of this device was set back meanwhile, by a day.
        stores.connection.exec_driver_sql("UPDATE changes SET stamp = stamp - (86400000 << 16)")
    settle(second, first)
    assert first.ask("SELECT count(*) FROM playlists") == second.ask("SELECT count(*) FROM playlists") == [(0,)]
    assert first.snapshot() == second.snapshot() == master_snapshot(address)
    assert first.ask("SELECT count(*) FROM conflicts") == [(0,)]


def test_a_poisoned_row_here_is_set_aside_and_the_rest_goes_on(device: Make, address: MasterAddress) -> None:
    first = device("first")
    first.add(1)
    first.add(2)
    settle(first)
    first.correct(track_id(1), "poisoned")
    first.correct(track_id(2), "sound")
    # Damage, not a change: nothing notes it.
    with first.catalogue.writing() as stores, capture.silent(stores.connection):
        stores.connection.exec_driver_sql("UPDATE facts SET value = ? WHERE value = ?", ('"a\0b"', '"poisoned"'))
    assert first.sync().refused == 1
    assert ask_master(address, "SELECT value FROM facts") == [('"sound"',)]
    set_aside = first.master.state().set_aside
    assert [(each.what, each.side) for each in set_aside] == [("facts", "master")]
    assert first.sync().is_empty
    with first.catalogue.writing() as stores:
        stores.connection.exec_driver_sql(f"DELETE FROM facts WHERE track = {1 - (1 << 63)}")
    first.correct(track_id(1), "mended")
    first.sync()
    assert first.master.state().set_aside == []


def test_a_poisoned_row_there_is_set_aside_and_the_rest_goes_on(device: Make, address: MasterAddress) -> None:
    first, second = device("first"), device("second")
    first.add(1)
    settle(first)
    ask_master(
        address,
        "INSERT INTO changes (entity, track, name, revision, stamp, device) VALUES ('cues', 77, 'xml', 1, 1, 'x'); "
        "INSERT INTO changes (entity, track, name, revision, stamp, device) VALUES ('nonsense', 1, '', 1, 1, 'x')",
    )
    assert second.sync().pulled > 0
    assert second.ask("SELECT count(*) FROM tracks") == [(1,)]
    assert [(each.what, each.side) for each in second.master.state().set_aside] == [("cues", "device")]


@pytest.fixture
def proxy(server: TestServer) -> "CuttingProxy":
    with CuttingProxy(server.port, rng=random.Random(1)) as running:
        yield running


def through(proxy: CuttingProxy, url: str) -> MasterAddress:
    address = parse_address(url.replace(f":{url.rsplit(':', 1)[1].split('/', maxsplit=1)[0]}/", f":{proxy.port}/"))
    set_up(address)
    return address


def test_a_black_hole_is_given_up_and_nothing_is_lost(proxy: CuttingProxy, url: str, tmp_path: Path) -> None:
    address = through(proxy, url)
    device = Device(tmp_path / "a.db", address, name="a", silence_s=1.0)
    device.add(1)
    device.sync()
    device.correct(track_id(1), "into the hole")
    proxy.is_black_hole = True
    began_s = time.monotonic()
    with pytest.raises(UnavailableError):
        device.sync()
    assert time.monotonic() - began_s < 10.0
    proxy.is_black_hole = False
    assert device.sync().pushed > 0
    device.close()


def test_a_cut_at_any_byte_loses_nothing(proxy: CuttingProxy, url: str, tmp_path: Path) -> None:
    address = through(proxy, url)
    device, other = Device(tmp_path / "a.db", address, name="a"), Device(tmp_path / "b.db", address, name="b")
    for number in range(1, 30):
        device.add(number)
        device.correct(track_id(number), f"title {number}")
    for _ in range(12):
        for each in (device, other):
            proxy.cut_within = 40_000
            each.master.close()
            try:
                each.sync()
            except (UnavailableError, ConflictError):
                continue
    assert proxy.cuts > 0
    proxy.cut_within = None
    settle(device, other)
    assert device.snapshot() == other.snapshot()
    assert other.title(track_id(29)) == "title 29"
    for each in (device, other):
        each.close()


def test_devices_that_push_at_the_same_time_all_get_through(device: Make) -> None:
    devices = [device(name) for name in "abc"]
    for number, each in enumerate(devices):
        for track in range(10):
            each.add(100 * number + track + 1)
    failures: list[BaseException] = []

    def push(each: Device) -> None:
        try:
            for _ in range(3):
                each.sync()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=push, args=(each,)) for each in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    settle(*devices)
    assert devices[0].ask("SELECT count(*) FROM tracks") == [(30,)]
    assert devices[0].snapshot() == devices[1].snapshot() == devices[2].snapshot()
