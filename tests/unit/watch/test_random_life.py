from pathlib import Path

import pytest

from tests.unit.watch.random_disk import check_random_life


@pytest.mark.parametrize("seed", range(6))
def test_reports_add_up_to_what_is_there_whatever_people_do(tmp_path: Path, seed: int) -> None:
    check_random_life(tmp_path, seed, steps=60)
