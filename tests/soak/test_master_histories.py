"""A thousand random histories of devices and a master; every seed can be run again by itself.

Two or three devices with clocks that are a day off edit, delete, merge, give tracks other files and make plans; every
connection goes through a proxy that cuts it; now and then a device or the server is killed with SIGKILL and comes back.

``CRATEHAND_SOAK_HISTORIES=40`` runs so many, ``CRATEHAND_SOAK_SEEDS=17-57`` those of a range (17 alone: one),
``CRATEHAND_SOAK_MINUTES=10`` begins no further one after so long; what was run and how long one took is printed.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
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
GIVEN = dict(os.environ)
"""Read now: tests run without settings of the environment."""
_LONGEST_MEETING_S = 0.2
"""Of processor time, after which a meeting is killed at the latest: a quick one takes some 50 ms."""


@dataclass
class Tally:
    """What happened in all histories."""

    histories: int = 0
    cuts: int = 0
    server_kills: int = 0
    device_kills: int = 0
    ended_before: int = 0
    """Meetings that had ended before they could be killed."""


class HistoryWithKills(History):
    """A history in which server and devices are killed, too."""

    server: TestServer
    tally: Tally

    def _break(self, device: Device, step: int) -> None:
        super()._break(device, step)
        if self.rng.random() < 0.1:
            running = self.server.embedded.running()
            if running is not None:
                os.kill(running.pid, signal.SIGKILL)
                self.tally.server_kills += 1
            self.server.embedded.start()
        if self.rng.random() < 0.5:
            self._kill_in_the_middle(device)

    def _kill_in_the_middle(self, device: Device) -> None:
        """Meet the master in a process that is killed somewhere on the way."""
        child = os.fork()
        if child == 0:
            for alarm, timer in ((signal.SIGPROF, signal.ITIMER_PROF), (signal.SIGALRM, signal.ITIMER_REAL)):
                signal.signal(alarm, signal.SIG_DFL)
                # Of processor time, so that a busy machine does not kill everything before it begins.
                lasts_s = self.rng.random() * _LONGEST_MEETING_S + 0.001
                signal.setitimer(timer, lasts_s if timer is signal.ITIMER_PROF else 60.0)
            try:
                fresh = Device(device.path, device.master.address, name=device.name)
                fresh.sync()
            except CratehandError:
                pass
            finally:
                os._exit(0)
        device.master.close()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            self.tally.device_kills += 1
        else:
            self.tally.ended_before += 1


def seeds() -> range:
    if given := GIVEN.get("CRATEHAND_SOAK_SEEDS"):
        first, _, end = given.partition("-")
        return range(int(first), int(end or int(first) + 1))
    return range(int(GIVEN.get("CRATEHAND_SOAK_HISTORIES", HISTORIES)))


def run_history(seed: int, folder: Path, server: TestServer, tally: Tally) -> str | None:
    """Run one; return what is wrong with how it ended."""
    url = server.fresh_database()
    set_up(parse_address(url))
    history = HistoryWithKills(seed=seed, folder=folder, url=url, steps=random.Random(seed).choice([20, 40, 80]))
    history.server, history.tally = server, tally
    try:
        history.run()
    except (AssertionError, CratehandError) as error:
        return f"{seed}: {error!r:.300}"
    finally:
        tally.histories += 1
        tally.cuts += history.proxy.cuts
        for device in getattr(history, "devices", ()):
            device.close()
            for path in folder.glob(f"{device.path.name}*"):
                path.unlink()
        server.run(f"DROP DATABASE {url.rsplit('/', 1)[1]} WITH (FORCE)")
    return None


def test_a_thousand_histories_all_end_alike(tmp_path: Path) -> None:
    failed: list[str] = []
    tally = Tally()
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    minutes = float(GIVEN.get("CRATEHAND_SOAK_MINUTES", "inf"))
    with running_server() as server:
        for seed in seeds():
            if time.monotonic() - began_s > minutes * 60.0:
                break
            if (wrong := run_history(seed, tmp_path, server, tally)) is not None:
                print(wrong, flush=True)
                failed.append(wrong)
    took_s, cpu_s = time.monotonic() - began_s, time.process_time() - began_cpu_s
    each = max(tally.histories, 1)
    print(f"{tally}: {took_s:.0f} s, {took_s / each:.1f} s each ({cpu_s / each:.1f} s of processor here)")
    assert tally.histories
    assert not failed, "\n".join(failed)
