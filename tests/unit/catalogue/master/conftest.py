"""A server for this test process, and devices that are in step with a collection on it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cratehand.catalogue import check
from cratehand.catalogue.master.address import MasterAddress, parse_address
from cratehand.catalogue.master.setting_up import set_up
from tests.postgres_server import TestServer, running_server
from tests.unit.catalogue.master.devices import Device


@pytest.fixture(scope="session")
def server() -> Iterator[TestServer]:
    with running_server() as running:
        yield running


@pytest.fixture
def url(server: TestServer) -> str:
    return server.fresh_database()


@pytest.fixture
def address(url: str) -> MasterAddress:
    made = parse_address(url)
    set_up(made)
    return made


@pytest.fixture
def device(tmp_path: Path, address: MasterAddress) -> Iterator[Callable[[str], Device]]:
    """Make devices by name; each is checked at the end."""
    made: dict[str, Device] = {}

    def make(name: str) -> Device:
        if name not in made:
            made[name] = Device(tmp_path / f"{name}.db", address, name=name)
        return made[name]

    yield make
    for each in made.values():
        each.close()
        assert check(each.path) == []
