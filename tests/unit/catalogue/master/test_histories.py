from pathlib import Path

import pytest

from cratehand.catalogue.master.address import parse_address
from cratehand.catalogue.master.setting_up import set_up
from tests.postgres_server import TestServer
from tests.unit.catalogue.master.histories import History

pytestmark = pytest.mark.postgres


@pytest.mark.parametrize("seed", range(15))
def test_devices_agree_in_the_end_and_nothing_acknowledged_is_lost(
    seed: int, server: TestServer, tmp_path: Path
) -> None:
    url = server.fresh_database()
    set_up(parse_address(url))
    History(seed=seed, folder=tmp_path, url=url).run()
