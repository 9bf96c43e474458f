"""The drum model by the ONNX files that the package carries."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from cratehand.domain.drum_pattern import DrumHit, DrumPattern, DrumVoice, Metre
from cratehand.domain.drum_request import DrumRequest, DrumTask
from cratehand.domain.errors import CorruptFileError, NotFoundError, UnavailableError, UnsupportedError
from cratehand_models.drum_decoder import DECODER_FILE, ENCODER_FILE, WEIGHTS, DrumDecoder, drawn
from cratehand_models.drum_grid import DrumGrid, offset_bins, velocity_bins
from cratehand_models.drum_inputs import METRES, ago_rows
from cratehand_models.drums import DrumModel, has_silent_bar
from cratehand_models.manifest import shipped_manifest
from cratehand_models.session import open_shipped
from cratehand_models.store import WeightsStore

GOLDEN = Path(__file__).parents[2] / "golden" / "drums.json"


@pytest.fixture(scope="module")
def model() -> DrumModel:
    return DrumModel()


def wish(style: str | None = "rock", **more: object) -> DrumRequest:
    return DrumRequest(**{"style": style, "tempo_bpm": 110.0, "bars": 4, "seed": 1, **more})  # type: ignore[arg-type]


def places(pattern: DrumPattern) -> set[tuple[int, DrumVoice]]:
    return {(hit.step, hit.voice) for hit in pattern.hits}


def four_on_the_floor() -> DrumPattern:
    kicks = [DrumHit(step=step, voice=DrumVoice.KICK, velocity=100) for step in range(0, 32, 4)]
    hats = [DrumHit(step=step, voice=DrumVoice.CLOSED_HAT, velocity=70) for step in range(2, 32, 4)]
    return DrumPattern(hits=(), bars=2, tempo_bpm=110.0).with_hits([*kicks, *hats])


def test_the_weights_in_the_package_play_what_they_played_when_they_were_made(model: DrumModel) -> None:
    for golden in json.loads(GOLDEN.read_text(encoding="utf-8")):
        pattern = model.generate(wish(golden["style"], seed=golden["seed"]))
        grid = DrumGrid.of(pattern)
        rows = ["".join(".x"[int(hit)] for hit in grid.hits[:, voice]) for voice in range(9)]
        assert rows == golden["rows"], golden["style"]
        velocities = [hit.velocity for hit in pattern.hits[: len(golden["velocities"])]]
        assert np.abs(np.subtract(velocities, golden["velocities"])).max() <= 1


def test_the_weights_are_small_enough_to_be_carried() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.glob("drums-*.onnx")) < 4_000_000


def test_the_card_names_the_files_that_are_there() -> None:
    card = (Path(__file__).parents[3] / "models" / "cards" / "drums.md").read_text(encoding="utf-8")
    for path in WEIGHTS.glob("drums-*.onnx"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card


def test_a_seed_decides_and_another_seed_or_style_gives_another(model: DrumModel) -> None:
    first = model.generate(wish())
    assert model.generate(wish()) == first
    assert DrumModel().generate(wish()) == first
    others = [model.generate(wish(seed=2)), model.generate(wish("jazz")), model.generate(wish("latin"))]
    assert len({frozenset(places(pattern)) for pattern in [first, *others]}) == 4


def test_rock_has_its_backbeat(model: DrumModel) -> None:
    grid = np.mean([DrumGrid.of(model.generate(wish(seed=seed))).hits for seed in range(6)], axis=0)
    snare = grid[:, 1].reshape(4, 16).mean(0)
    assert snare[[4, 12]].min() > 0.5
    assert snare[[4, 12]].min() > snare[[0, 8]].max()


@pytest.mark.parametrize("metre", METRES)
def test_every_metre_of_the_data_is_played_to_its_end(model: DrumModel, metre: str) -> None:
    pattern = model.generate(wish(metre=Metre.parse(metre)))
    assert pattern.metre == Metre.parse(metre)
    assert not has_silent_bar(pattern)


def test_another_metre_is_refused(model: DrumModel) -> None:
    with pytest.raises(UnsupportedError, match="7/8"):
        model.generate(wish(metre=Metre.parse("7/8")))


def test_density_is_heard(model: DrumModel) -> None:
    sparse, dense = (
        sum(len(model.generate(wish(density=density, seed=seed)).hits) for seed in range(4)) for density in (0.0, 1.0)
    )
    assert dense > 1.5 * sparse


def test_swing_is_exactly_what_was_asked_for(model: DrumModel) -> None:
    grid = DrumGrid.of(model.generate(wish("funk", swing_ratio=0.62)))
    odd = grid.hits[1::2] > 0
    assert grid.offsets[1::2][odd].mean() == pytest.approx(0.24, abs=0.02)


def test_64_bars_do_not_run_dry(model: DrumModel) -> None:
    pattern = model.generate(wish(bars=64))
    assert len({hit.step // 16 for hit in pattern.hits}) >= 60


def test_humanise_keeps_every_hit_and_gives_it_feeling(model: DrumModel) -> None:
    given = four_on_the_floor()
    made = model.generate(wish("funk", bars=2, given=given, task=DrumTask.HUMANISE))
    assert places(made) == places(given)
    assert len({hit.velocity for hit in made.hits}) > 5
    assert len({round(hit.offset_steps, 3) for hit in made.hits}) > 5


def test_vary_keeps_most_hits_as_they_were(model: DrumModel) -> None:
    given = four_on_the_floor()
    made = model.generate(wish("dance", bars=2, given=given, task=DrumTask.VARY))
    assert made != given
    assert len(set(made.hits) & set(given.hits)) >= len(given.hits) / 3


def test_a_fill_leaves_everything_before_its_bar(model: DrumModel) -> None:
    given = four_on_the_floor()
    made = model.generate(wish("rock", bars=2, given=given, task=DrumTask.FILL))
    assert [hit for hit in made.hits if hit.step < 16] == [hit for hit in given.hits if hit.step < 16]
    assert {p for p in places(made) if p[0] >= 16} != {p for p in places(given) if p[0] >= 16}


def test_a_continuation_holds_only_new_bars_and_follows_what_was_given(model: DrumModel) -> None:
    given = four_on_the_floor()
    made = model.generate(wish("dance", bars=4, given=given, task=DrumTask.CONTINUE))
    assert made.bars == 4
    kicks = np.mean([(step, DrumVoice.KICK) in places(made) for step in range(0, 32, 4)])
    assert kicks > 0.5


def test_taps_become_a_pattern_on_exactly_their_steps(model: DrumModel) -> None:
    steps = [0, 3, 4, 6, 8, 11, 12, 14, 16, 20, 22, 24, 28, 31]
    taps = DrumPattern(hits=(), bars=2).with_hits([DrumHit(step=s, voice=DrumVoice.SNARE) for s in steps])
    made = model.generate(wish("funk", bars=2, given=taps, task=DrumTask.TAP))
    assert sorted({hit.step for hit in made.hits}) == steps
    assert len({hit.voice for hit in made.hits}) >= 3


def test_weights_that_are_missing_or_damaged_are_unavailable(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        DrumDecoder.load(tmp_path)
    for name in (ENCODER_FILE, DECODER_FILE):
        (tmp_path / name).write_bytes((WEIGHTS / name).read_bytes()[:5000])
    with pytest.raises(CorruptFileError):
        DrumDecoder.load(tmp_path)
    with pytest.raises(UnavailableError):
        DrumModel(lambda: DrumDecoder.load(tmp_path)).styles()


def test_a_model_that_does_not_say_what_it_is_is_refused() -> None:
    class Nameless:
        def get_modelmeta(self) -> object:
            return type("Meta", (), {"custom_metadata_map": {}})()

    with pytest.raises(CorruptFileError):
        DrumDecoder(open_shipped(WEIGHTS / ENCODER_FILE), Nameless())


def test_a_drawn_value_is_the_quantile_of_its_histogram() -> None:
    logits = np.log(np.array([[0.5, 0.25, 0.25, 1e-9]], np.float32))
    values = [
        float(drawn(logits, np.array([luck], np.float32), low=0.0, high=4.0)[0]) for luck in (0.0, 0.25, 0.5, 0.75)
    ]
    assert values == pytest.approx([0.0, 0.5, 1.0, 2.0], abs=1e-4)


def test_bins_cover_the_range() -> None:
    assert velocity_bins(np.array([1 / 127, 0.5, 1.0], np.float32)).tolist() == [0, 7, 15]
    assert offset_bins(np.array([-0.5, 0.0, 0.5], np.float32)).tolist() == [0, 12, 23]


def test_a_step_is_told_of_one_and_two_bars_ago() -> None:
    rows = np.arange(3 * 27, dtype=np.float32).reshape(3, 27) + 1
    found = ago_rows(rows, 1)
    assert found[0].tolist() == [0.0] * 56
    assert found[2, :27].tolist() == rows[1].tolist()
    assert found[2, 28:55].tolist() == rows[0].tolist()
    assert found[1, 27] == 1.0
    assert found[1, 55] == 0.0


def test_without_onnx_runtime_it_is_unavailable_and_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UnavailableError, match=r"cratehand\[cpu\]"):
        DrumModel().styles()


def test_the_drum_model_is_one_of_the_shipped_models(tmp_path: Path) -> None:
    drums, store = shipped_manifest()["drums"], WeightsStore(tmp_path)
    assert drums.is_shipped
    assert store.is_present(drums)
    assert store.verify(drums) == []
    assert {path.parent for path in store.paths(drums).values()} == {WEIGHTS}
    assert DrumModel().name == f"{drums.name}-{drums.version}"
