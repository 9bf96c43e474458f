import pytest

from cratehand.domain.drum_pattern import DrumHit, DrumPattern, DrumVoice, Metre, arranged
from cratehand.domain.drum_request import DrumRequest, DrumTask
from cratehand.domain.errors import InvalidInputError

KICK, SNARE = DrumVoice.KICK, DrumVoice.SNARE


def pattern(*hits: DrumHit, bars: int = 1, metre: str = "4/4") -> DrumPattern:
    return DrumPattern(hits=hits, bars=bars, metre=Metre.parse(metre), tempo_bpm=120.0)


@pytest.mark.parametrize(
    ("text", "steps"), [("4/4", 16), ("3/4", 12), ("6/8", 12), ("5/8", 10), ("5-4", 20), ("2/2", 16)]
)
def test_a_bar_is_counted_in_sixteenths(text: str, steps: int) -> None:
    assert Metre.parse(text).steps_per_bar == steps


@pytest.mark.parametrize("text", ["", "4", "four/4", "4/3", "0/4", "33/16", "1/16", "4/4/4", "-4/4"])
def test_what_is_no_metre_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        Metre.parse(text)


def test_hits_have_times() -> None:
    late = DrumHit(step=4, voice=SNARE, offset_steps=0.2)
    assert list(pattern(DrumHit(step=0, voice=KICK, offset_steps=-0.3), late).onsets_s()) == [0.0, pytest.approx(0.525)]
    assert pattern(bars=3, metre="3/4").duration_s == pytest.approx(4.5)


@pytest.mark.parametrize(
    "hits",
    [
        (DrumHit(step=4, voice=KICK), DrumHit(step=0, voice=KICK)),
        (DrumHit(step=0, voice=SNARE), DrumHit(step=0, voice=KICK)),
        (DrumHit(step=0, voice=KICK), DrumHit(step=0, voice=KICK)),
        (DrumHit(step=16, voice=KICK),),
    ],
    ids=["backwards", "voices backwards", "twice", "behind the end"],
)
def test_a_pattern_is_ordered_and_inside_its_bars(hits: tuple[DrumHit, ...]) -> None:
    with pytest.raises(InvalidInputError):
        pattern(*hits)


@pytest.mark.parametrize("wrong", [{"step": -1}, {"velocity": 0}, {"velocity": 128}, {"offset_steps": 0.51}])
def test_a_hit_out_of_range_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError):
        DrumHit(**{"step": 0, "voice": KICK, **wrong})  # type: ignore[arg-type]


def test_of_two_hits_on_one_place_the_louder_stays() -> None:
    soft, loud = DrumHit(step=3, voice=KICK, velocity=30), DrumHit(step=3, voice=KICK, velocity=90)
    assert arranged([loud, DrumHit(step=0, voice=SNARE), soft]) == (DrumHit(step=0, voice=SNARE), loud)


def test_some_bars_of_a_pattern_are_a_pattern() -> None:
    whole = pattern(DrumHit(step=0, voice=KICK), DrumHit(step=20, voice=SNARE), DrumHit(step=40, voice=KICK), bars=3)
    assert whole.bars_from(1, 1) == pattern(DrumHit(step=4, voice=SNARE))


@pytest.mark.parametrize(
    "wrong",
    [
        {"tempo_bpm": 29.0}, {"tempo_bpm": 301.0}, {"tempo_bpm": float("nan")}, {"bars": 0}, {"bars": 65}, {"seed": -1},
        {"density": 1.1}, {"density": float("nan")}, {"swing_ratio": 0.49}, {"swing_ratio": 0.76},
        {"task": DrumTask.FILL}, {"given": pattern()}, {"given": pattern(metre="3/4"), "task": DrumTask.FILL},
    ],
)  # fmt: skip
def test_a_wish_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError):
        DrumRequest(**{"style": "rock", "tempo_bpm": 120.0, "bars": 1, "seed": 0, **wrong})  # type: ignore[arg-type]
