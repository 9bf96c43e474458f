from collections.abc import Callable
from pathlib import Path

import pytest

from cratehand.app.data_folder import DataFolder
from cratehand.app.process_lock import held_lock
from cratehand.domain.errors import UnavailableError
from cratehand_models.manifest import shipped_manifest
from cratehand_models.store import WeightsStore
from tests.unit.app.conftest import IDS, Said

Cratehand = Callable[..., Said]


@pytest.fixture
def two_stems(folder: DataFolder) -> None:
    """The model of two stems, with weights that are as long as the right ones and empty."""
    model = shipped_manifest()["spleeter-2stems"]
    store = WeightsStore(folder.make().models)
    for file in model.files:
        path = store.place(model, file)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as made:
            made.truncate(file.size_bytes)


@pytest.mark.usefixtures("two_stems")
def test_a_track_is_named_by_its_id_or_its_file(cratehand: Cratehand, crate: list[Path], tmp_path: Path) -> None:
    for name in (IDS[1], str(crate[1])):
        said = cratehand("stems", name, "--out", str(tmp_path), "--dry-run", "--json")
        assert said.code == 0, said.err
        assert said.json["model"] == "spleeter-2stems"
        assert said.json["files"] == [
            str(tmp_path / f"{crate[1].stem}.vocals.flac"),
            str(tmp_path / f"{crate[1].stem}.accompaniment.flac"),
        ]


@pytest.mark.usefixtures("two_stems")
def test_one_stem_file_needs_a_model_of_four(cratehand: Cratehand, crate: list[Path], tmp_path: Path) -> None:
    said = cratehand("stems", str(crate[0]), "--out", str(tmp_path), "--format", "stem.mp4", "--dry-run")
    assert said.code == 1
    assert "holds four stems" in said.err
    assert "models fetch htdemucs" in said.err


def test_what_is_not_there_or_not_meant_is_told(cratehand: Cratehand, crate: list[Path], tmp_path: Path) -> None:
    assert cratehand("stems", str(crate[0]), "--out", str(tmp_path), "--format", "mp3").code == 2
    said = cratehand("stems", str(crate[0]), "--out", str(tmp_path))
    assert (said.code, "models fetch" in said.err) == (1, True)


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    with held_lock(place), pytest.raises(UnavailableError, match="another cratehand"), held_lock(place):
        pass
    with held_lock(tmp_path / "lock"):
        pass
    with pytest.raises(UnavailableError, match="can not be locked"), held_lock(tmp_path / "nowhere" / "lock"):
        pass
