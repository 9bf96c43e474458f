"""A writer of the catalogue killed at random moments, many times over one catalogue and over fresh ones."""

import random
from pathlib import Path

import pytest

from tests.unit.catalogue.crash import kill_a_writer


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_writer_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    rng = random.Random(1)
    told = [kill_a_writer(tmp_path / f"{number}.db", delay_s=rng.uniform(0, 0.6)) for number in range(60)]
    # Some of them got far enough to be in the middle of something.
    assert max(told) > 20
