"""A catalogue in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cratehand.catalogue import SqliteCatalogue, check, open_device


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "catalogue.db"


@pytest.fixture
def catalogue(path: Path) -> Iterator[SqliteCatalogue]:
    opened = open_device(path, ignore_case=False)
    yield opened
    opened.close()
    # Whatever a test did, the catalogue is left without a finding, unless the test damaged it on purpose.
    if path.exists() and not (path.parent / "damaged").exists():
        assert check(path) == []
