"""A thousand random histories of devices and a master; every seed can be run again by itself.

``CRATEHAND_SOAK_SEEDS=17-18`` runs a range. Now and then the server is killed and comes back.
"""

import os
import random
import signal
from pathlib import Path

import pytest

from cratehand.catalogue.master.address import parse_address
from cratehand.catalogue.master.setting_up import set_up
from cratehand.domain.errors import CratehandError
from tests.postgres_server import TestServer, running_server
from tests.unit.catalogue.master.devices import Device
from tests.unit.catalogue.master.histories import History

pytestmark = [pytest.mark.soak, pytest.mark.postgres]

HISTORIES = 1000


class HistoryWithKills(History):
    """A history in which server and devices are killed, too."""

    server: TestServer

    def _break(self, device: Device, step: int) -> None:
        super()._break(device, step)
        if self.rng.random() < 0.1:
            running = self.server.embedded.running()
            if running is not None:
                os.kill(running.pid, signal.SIGKILL)
            self.server.embedded.start()
        if self.rng.random() < 0.3:
            self._kill_in_the_middle(device)

    def _kill_in_the_middle(self, device: Device) -> None:
        """Meet the master in a process that is killed somewhere on the way."""
        child = os.fork()
        if child == 0:
            signal.setitimer(signal.ITIMER_REAL, self.rng.random() * 0.2 + 0.001)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            try:
                fresh = Device(device.path, device.master.address, name=device.name)
                fresh.sync()
            except CratehandError:
                pass
            finally:
                os._exit(0)
        device.master.close()
        os.waitpid(child, 0)


def seeds() -> range:
    first, _, end = os.environ.get("CRATEHAND_SOAK_SEEDS", f"0-{HISTORIES}").partition("-")
    return range(int(first), int(end or int(first) + 1))


def test_a_thousand_histories_all_end_alike(tmp_path: Path) -> None:
    failed: list[str] = []
    with running_server() as server:
        for seed in seeds():
            url = server.fresh_database()
            set_up(parse_address(url))
            history = HistoryWithKills(
                seed=seed, folder=tmp_path, url=url, steps=random.Random(seed).choice([20, 40, 80])
            )
            history.server = server
            try:
                history.run()
            except (AssertionError, CratehandError) as error:
                failed.append(f"{seed}: {error!r:.300}")
            finally:
                for device in getattr(history, "devices", ()):
                    device.close()
                server.run(f"DROP DATABASE {url.rsplit('/', 1)[1]} WITH (FORCE)")
    assert not failed, "\n".join(failed)
