"""A real catalogue in a temporary folder, a clock wound by hand, and a list of what was published."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cratehand.catalogue.device import SqliteCatalogue, open_device
from cratehand.domain.events import Event
from tests.fakes.clock import HandWoundClock


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[SqliteCatalogue]:
    opened = open_device(tmp_path / "data" / "catalogue.db")
    yield opened
    opened.close()


@pytest.fixture
def clock() -> HandWoundClock:
    return HandWoundClock()


@pytest.fixture
def published() -> list[Event]:
    return []
