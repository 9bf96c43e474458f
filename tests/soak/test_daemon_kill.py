"""kill -9 at random moments, two hundred times: a consistent catalogue, each track analysed once, no word forgotten."""

from pathlib import Path

import pytest

from tests.e2e.kill_rounds import KillRounds

ROUNDS = 200


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    tally = KillRounds(tmp_path, seed=20, first_files=60).run(ROUNDS)
    print(
        f"\n{tally.rounds} kills in {tally.seconds:.0f} s: {tally.before_ready} before ready, {tally.in_an_analysis} in "
        f"an analysis, {tally.acknowledged} corrections acknowledged, {tally.files} files; all processes gone at the "
        f"latest {tally.slowest_family_s:.1f} s after the kill"
    )
    assert tally.in_an_analysis > ROUNDS // 10
    assert tally.acknowledged > ROUNDS // 10
