"""Several plans in any order of applying and undoing: what is left is what is applied, and all undone is as it was."""

import random
from pathlib import Path

import pytest

from cratehand.domain.errors import ConflictError
from cratehand.domain.plan_record import PlanState
from tests.audio_files import write_audio
from tests.fakes.swaps import make_crate
from tests.signals import noise


@pytest.mark.parametrize("seed", range(6))
def test_whatever_the_order_everything_comes_back(tmp_path: Path, seed: int) -> None:
    luck = random.Random(seed)
    crate = make_crate(tmp_path, current="music/a.mp3", landed="inbox/b.mp3")
    files, rows = crate.music(), crate.rows()
    history = crate.history()
    done: list[str] = []
    for number in range(8):
        crate.clock.wind(1.0)
        plan_id = f"bbbb{number:012x}"
        if done and luck.random() < 0.4:
            chosen = luck.choice(done)
            if chosen == done[-1]:
                history.undo(chosen, who="dj")
                done.remove(chosen)
            else:
                with pytest.raises(ConflictError, match="undo that first"):
                    history.undo(chosen, who="dj")
        elif luck.random() < 0.5 or crate.landed.exists() is False:
            crate.tags_plan(crate.current, plan_id, energy=str(1 + number))
            assert history.apply(plan_id, who="dj").state is PlanState.APPLIED
            done.append(plan_id)
        else:
            crate.upgrade(plan_id)
            assert history.apply(plan_id, who="dj").state is PlanState.APPLIED
            done.append(plan_id)
    for plan_id in reversed(done):
        crate.clock.wind(1.0)
        history.undo(plan_id, who="dj")
    assert crate.music() == files
    assert crate.rows() == rows


def test_a_second_better_copy_and_back(tmp_path: Path) -> None:
    crate = make_crate(tmp_path, current="music/a.mp3", landed="inbox/b.mp3")
    states = [(crate.music(), crate.rows())]
    second = write_audio(tmp_path / "inbox/c.flac", noise(duration_s=1.0, seed=3))
    states[0] = (crate.music(), crate.rows())
    crate.history().apply(crate.upgrade("bbbb000000000001").id, who="dj")
    crate.clock.wind(1.0)
    states.append((crate.music(), crate.rows()))
    crate.history().apply(crate.upgrade("bbbb000000000002", landed=second).id, who="dj")
    crate.history().undo("bbbb000000000002", who="dj")
    assert (crate.music(), crate.rows()) == states[1]
    crate.history().undo("bbbb000000000001", who="dj")
    assert (crate.music(), crate.rows()) == states[0]
