import numpy as np
import pytest

from cratehand.domain.drum_pattern import DrumHit, DrumPattern, DrumVoice, Metre
from cratehand.domain.drum_request import DrumRequest, DrumTask
from cratehand_models.drum_grid import DrumGrid
from cratehand_models.drum_swing import with_swing
from cratehand_models.drum_templates import DrumTemplates, load_templates

TEMPLATES = DrumTemplates()


def wish(style: str = "house", **more: object) -> DrumRequest:
    return DrumRequest(**{"style": style, "tempo_bpm": 124.0, "bars": 4, "seed": 3, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("style", sorted(load_templates()))
def test_every_style_has_kick_and_metal_and_a_usual_tempo(style: str) -> None:
    pattern = TEMPLATES.generate(wish(style))
    voices = {hit.voice for hit in pattern.hits}
    assert DrumVoice.KICK in voices
    assert voices & {DrumVoice.CLOSED_HAT, DrumVoice.OPEN_HAT, DrumVoice.RIDE}
    assert 60 <= TEMPLATES.styles()[style] <= 180


def test_house_stands_on_four_kicks() -> None:
    kicks = [hit.step for hit in TEMPLATES.generate(wish(bars=2)).hits if hit.voice is DrumVoice.KICK]
    assert kicks == [0, 4, 8, 12, 16, 20, 24, 28]


def test_a_seed_decides_and_another_gives_another() -> None:
    assert TEMPLATES.generate(wish()) == TEMPLATES.generate(wish())
    assert TEMPLATES.generate(wish(seed=4)) != TEMPLATES.generate(wish())


def test_density_thins_and_thickens() -> None:
    counts = [
        np.mean([len(TEMPLATES.generate(wish("funk", density=d, seed=s)).hits) for s in range(8)]) for d in (0, 0.5, 1)
    ]
    assert counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize("metre", ["3/4", "6/8", "5/4", "7/8"])
def test_other_metres_are_filled_to_their_last_bar(metre: str) -> None:
    pattern = TEMPLATES.generate(wish("rock", metre=Metre.parse(metre)))
    assert {hit.step // pattern.metre.steps_per_bar for hit in pattern.hits} == {0, 1, 2, 3}


@pytest.mark.parametrize("task", DrumTask)
def test_each_task_does_what_it_says(task: DrumTask) -> None:
    given = TEMPLATES.generate(wish(swing_ratio=0.5))
    made = TEMPLATES.generate(wish(given=given, task=task))
    places = {(hit.step, hit.voice) for hit in made.hits}
    before = {(hit.step, hit.voice) for hit in given.hits}
    match task:
        case DrumTask.HUMANISE:
            assert places == before
            assert len({hit.velocity for hit in made.hits}) > len({hit.velocity for hit in given.hits}) / 2
            assert any(hit.offset_steps for hit in made.hits)
        case DrumTask.FILL:
            assert {p for p in places if p[0] < 48} == {p for p in before if p[0] < 48}
            assert {p for p in places if p[0] >= 48} != {p for p in before if p[0] >= 48}
        case DrumTask.TAP:
            assert {step for step, _ in places} == {step for step, _ in before}
        case DrumTask.VARY | DrumTask.CONTINUE:
            assert places != before
            assert len(places & before) > len(before) / 2


def test_swing_is_exactly_what_was_asked_for() -> None:
    straight = DrumPattern(hits=tuple(DrumHit(step=s, voice=DrumVoice.CLOSED_HAT) for s in range(16)), bars=1)
    swung = DrumGrid.of(with_swing(straight, 2 * 0.62 - 1))
    assert swung.offsets[1::2].sum() / 8 == pytest.approx(0.24)
    assert not swung.offsets[::2].any()
    assert with_swing(straight, None) is straight
