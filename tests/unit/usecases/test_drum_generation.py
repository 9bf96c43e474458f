import pytest

from cratehand.domain.drum_pattern import DrumPattern, Metre
from cratehand.domain.drum_request import DrumTask, GeneratorKind, GivenDrums
from cratehand.domain.errors import InvalidInputError, UnavailableError, UnsupportedError
from cratehand.usecases.drum_generation import DrumGeneration, DrumWish
from cratehand_models.drum_midi import GeneralMidi
from cratehand_models.drum_templates import DrumTemplates
from tests.fakes.drum_model import FakeDrumModel


def generation(*, missing: str | None = None, model: FakeDrumModel | None = None) -> DrumGeneration:
    return DrumGeneration(
        model=model or FakeDrumModel(missing=missing),
        templates=DrumTemplates(),
        files=GeneralMidi(),
        draw_seed=lambda: 41,
    )


def given(bars: int = 2, metre: str = "4/4", tempo_bpm: float = 93.0) -> GivenDrums:
    return GivenDrums(pattern=DrumPattern(hits=(), bars=bars, metre=Metre.parse(metre), tempo_bpm=tempo_bpm))


def test_the_model_plays_what_it_knows_at_the_styles_tempo() -> None:
    made = generation().generate(DrumWish(style="Rock", seed=1))
    assert (made.generator, made.model, made.style, made.remarks) == (GeneratorKind.MODEL, "fake-1", "rock", ())
    assert (made.pattern.tempo_bpm, made.pattern.bars) == (111.0, 4)


def test_a_style_that_no_recorded_drummer_plays_comes_from_a_template_and_says_so() -> None:
    made = generation().generate(DrumWish(style="techno", seed=1))
    assert (made.generator, made.model) == (GeneratorKind.TEMPLATE, None)
    assert "techno" in made.remarks[0]


@pytest.mark.parametrize(
    ("called", "meant"),
    [("Hip-Hop", "hiphop"), ("Drum & Bass", "dnb"), ("d&b", "dnb"), ("UK Garage", "ukgarage"), ("bossa nova", "latin")],
)
def test_styles_are_known_by_their_other_names(called: str, meant: str) -> None:
    if called == "d&b":
        called = "drum and bass"
    assert generation().generate(DrumWish(style=called, seed=1)).style == meant


def test_an_unknown_style_is_told_the_nearest() -> None:
    with pytest.raises(InvalidInputError, match=r"'tekno'.*techno"):
        generation().generate(DrumWish(style="tekno", seed=1))
    with pytest.raises(InvalidInputError, match="--styles"):
        generation().generate(DrumWish(style="zzzzzz", seed=1))


def test_without_the_model_a_template_plays_and_the_reason_is_told() -> None:
    made = generation(missing="no runtime").generate(DrumWish(style="rock", seed=1))
    assert made.generator is GeneratorKind.TEMPLATE
    assert made.remarks == ("no runtime",)


def test_a_metre_the_model_does_not_know_is_cut_from_a_template() -> None:
    made = generation().generate(DrumWish(style="rock", seed=1, metre=Metre.parse("7/8")))
    assert made.generator is GeneratorKind.TEMPLATE
    assert made.pattern.metre == Metre.parse("7/8")
    assert len(made.remarks) == 2


def test_a_generator_asked_for_by_name_is_that_or_an_error() -> None:
    wanted = DrumWish(style="rock", seed=1, generator=GeneratorKind.TEMPLATE)
    assert generation().generate(wanted).generator is GeneratorKind.TEMPLATE
    assert generation().generate(wanted).remarks == ()
    modelled = DrumWish(style="techno", seed=1, generator=GeneratorKind.MODEL)
    with pytest.raises(UnsupportedError, match="jazz, rock"):
        generation().generate(modelled)
    with pytest.raises(UnavailableError, match="no runtime"):
        generation(missing="no runtime").generate(modelled)
    with pytest.raises(UnsupportedError):
        odd = DrumWish(style="rock", seed=1, metre=Metre.parse("7/8"), generator=GeneratorKind.MODEL)
        generation().generate(odd)


def test_a_given_pattern_brings_its_tempo_metre_and_length_and_needs_no_style() -> None:
    model = FakeDrumModel()
    generation(model=model).generate(DrumWish(style=None, given=given(bars=3), task=DrumTask.VARY))
    (asked,) = model.asked
    assert (asked.style, asked.bars, asked.tempo_bpm, asked.seed) == (None, 3, 93.0, 41)


def test_a_continuation_may_have_another_length_than_what_it_follows() -> None:
    made = generation().generate(DrumWish(style=None, given=given(bars=3), bars=8))
    assert made.pattern.bars == 8
    with pytest.raises(InvalidInputError, match="3 bars"):
        generation().generate(DrumWish(style=None, given=given(bars=3), bars=8, task=DrumTask.VARY))


def test_without_a_pattern_a_style_is_needed() -> None:
    with pytest.raises(InvalidInputError, match="style"):
        generation().generate(DrumWish(style=None))


def test_notes_left_out_of_a_given_file_are_told() -> None:
    odd = GivenDrums(pattern=given().pattern, other_notes=5)
    assert "5 notes" in generation().generate(DrumWish(style=None, given=odd)).remarks[0]


def test_every_style_says_who_writes_it() -> None:
    styles = {style.name: style for style in generation().styles()}
    assert styles["rock"].generators == (GeneratorKind.MODEL, GeneratorKind.TEMPLATE)
    assert styles["house"].generators == (GeneratorKind.TEMPLATE,)
    assert styles["rock"].tempo_bpm == 111.0
    assert {"house", "techno", "dnb", "breakbeat", "hiphop", "trap", "reggae", "funk", "latin"} <= set(styles)
