"""A sample of the kill points of `tests/soak/test_plan_kills.py`."""

import os
from pathlib import Path

import pytest

from tests.unit.usecases.plan_kills import PlanKills

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")


def test_a_killed_plan_is_done_or_not_done(tmp_path: Path) -> None:
    kills = PlanKills(tmp_path)
    kills.run(verb="apply", every=61)
    tally = kills.run(verb="undo", every=61)
    assert tally.points >= 8
    assert tally.old
    assert tally.new
