"""kill -9 at every step of applying and undoing: always the old state or the new one, both sounds on the disk."""

import os
from pathlib import Path

import pytest

from tests.unit.usecases.plan_kills import PlanKills

pytestmark = [pytest.mark.soak, pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")]

WAYS = [
    pytest.param({}, id="other ending"),
    pytest.param({"current": "music/a.flac", "landed": "inbox/b.flac"}, id="same name"),
    pytest.param({"current": "music/a.mp3", "landed": "music/a.flac"}, id="landed under the new name"),
    pytest.param({"links": False}, id="two disks"),
    pytest.param({"current": "music/a.mp3", "landed": "inbox/b.mp3", "links": False}, id="two disks, same name"),
]


@pytest.mark.parametrize("options", WAYS)
def test_every_kill_leaves_the_old_state_or_the_new_one(tmp_path: Path, options: dict[str, object]) -> None:
    kills = PlanKills(tmp_path, **options)
    kills.run(verb="apply", every=2)
    tally = kills.run(verb="undo", every=2)
    print(f"\n{tally.points} kill points: {tally.old} as before, {tally.new} done; calls {tally.steps}")
    assert tally.old
    assert tally.new
    assert tally.points >= 60
