"""A short sample of `tests/soak/test_daemon_kill.py`."""

from pathlib import Path

import pytest

from tests.e2e.kill_rounds import KillRounds

pytestmark = pytest.mark.timeout(300)


def test_a_few_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    tally = KillRounds(tmp_path, seed=3, first_files=4).run(3)
    assert tally.rounds == 3
