"""The whole daemon beside a real master."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cratehand.catalogue.master.address import parse_address
from cratehand.catalogue.master.setting_up import set_up
from tests.cutting_proxy import CuttingProxy
from tests.e2e.daemon_process import DaemonProcess
from tests.postgres_server import TestServer, running_server
from tests.unit.catalogue.building import track_id
from tests.unit.catalogue.master.devices import Device

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server() -> Iterator[TestServer]:
    with running_server() as running:
        yield running


def wait_until(is_so: "object", *, within_s: float = 60.0) -> float:
    began_s = time.monotonic()
    while not is_so():  # type: ignore[operator]
        assert time.monotonic() - began_s < within_s
        time.sleep(0.05)
    return time.monotonic() - began_s


def test_two_daemons_see_each_others_changes_and_work_on_without_the_master(server: TestServer, tmp_path: Path) -> None:
    url = server.fresh_database()
    set_up(parse_address(url))
    other = Device(tmp_path / "other.db", parse_address(url), name="other")
    other.add(1)
    other.correct(track_id(1), "from elsewhere")
    other.sync()
    with CuttingProxy(server.port, rng=random.Random(1)) as proxy:
        through = url.replace(f":{server.port}/", f":{proxy.port}/")
        with DaemonProcess(tmp_path / "data", master__url=through) as daemon:
            mine = Device(tmp_path / "data" / "catalogue.db", parse_address(url), name="unused")
            wait_until(lambda: mine.title(track_id(1)) == "from elsewhere")
            wait_until(lambda: "all that is there is here" in daemon.status().master)
            other.correct(track_id(1), "changed there", at_s=50.0)
            other.sync()
            wait_until(lambda: mine.title(track_id(1)) == "changed there")
            # Written by another process, as commands do; the daemon sees it and pushes.
            mine.correct(track_id(1), "changed here", at_s=60.0)

            def arrived() -> bool:
                other.sync()
                return other.title(track_id(1)) == "changed here"

            wait_until(arrived)
            proxy.is_black_hole = True
            proxy.cut_all()
            mine.correct(track_id(1), "while it is away", at_s=70.0)
            wait_until(lambda: daemon.status().HasField("master_error"))
            assert "changes wait here" in daemon.status().master
            assert daemon.library is not None
            proxy.is_black_hole = False
            proxy.cut_all()
            wait_until(lambda: arrived() or other.title(track_id(1)) == "while it is away", within_s=90.0)
            password = url.split(":")[2].split("@")[0]
            assert password not in daemon.said()
            assert password not in "".join(path.read_text() for path in (tmp_path / "data" / "logs").glob("*.log"))
            mine.close()
    other.close()
