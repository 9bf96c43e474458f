"""Suggested cues find their pads."""

import pytest

from cratehand.domain.cue import Colour, Cue, CueKind, SuggestedCue, SuggestedCueKind
from cratehand.domain.cue_rules import DEFAULT_CUE_RULES, CueRule, parse_cue_rules, with_suggestions
from cratehand.domain.errors import InvalidInputError

RED = Colour(red=0xE6, green=0x28, blue=0x28)


def suggestion(start_s: float, kind: SuggestedCueKind = SuggestedCueKind.DROP) -> SuggestedCue:
    return SuggestedCue(kind=kind, start_s=start_s, reason="test")


def test_a_rule_is_kind_pad_and_colour() -> None:
    assert parse_cue_rules(["drop=B:#E62828", " mix_in = a "]) == (
        CueRule(kind=SuggestedCueKind.DROP, pad=1, colour=RED),
        CueRule(kind=SuggestedCueKind.MIX_IN, pad=0),
    )


def test_the_defaults_can_be_read_and_name_every_kind() -> None:
    assert {rule.kind for rule in parse_cue_rules(DEFAULT_CUE_RULES)} == set(SuggestedCueKind)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["drop"], "KIND=PAD"),
        (["drop=I"], "KIND=PAD"),
        (["drop=B:red"], "KIND=PAD"),
        (["chorus=B"], "'chorus' is no kind"),
        (["drop=B", "break=b"], "pad B is taken"),
    ],
)
def test_a_wrong_rule_is_named(texts: list[str], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        parse_cue_rules(texts)


def test_each_kind_goes_to_its_own_free_pad_and_the_rest_becomes_memory_cues() -> None:
    own = (Cue(kind=CueKind.HOT, start_s=1.0, pad=1), Cue(kind=CueKind.MEMORY, start_s=2.0))
    rules = parse_cue_rules(["drop=B:#E62828", "drop=C:#E62828", "mix_in=A"])
    wanted = [suggestion(5.0, SuggestedCueKind.MIX_IN), suggestion(50.0), suggestion(60.0)]
    cues = with_suggestions(own, wanted, rules=rules)
    assert cues[:2] == own
    assert [(cue.kind, cue.pad, cue.colour) for cue in cues[2:]] == [
        (CueKind.HOT, 0, None),
        (CueKind.HOT, 2, RED),
        (CueKind.MEMORY, None, None),
    ]


def test_without_rules_all_become_memory_cues() -> None:
    cues = with_suggestions((), [suggestion(5.0), suggestion(9.0)], rules=())
    assert {cue.kind for cue in cues} == {CueKind.MEMORY}


def test_a_suggestion_at_an_own_cue_is_left_out() -> None:
    own = (Cue(kind=CueKind.MEMORY, start_s=10.0),)
    assert with_suggestions(own, [suggestion(10.02)], rules=()) == own
