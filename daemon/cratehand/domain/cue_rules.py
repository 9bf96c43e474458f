"""Which pad and colour a suggested cue gets: ``drop=B:#E62828`` puts the first drop on pad B, in red."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cratehand.domain.cue import Colour, Cue, CueKind, SuggestedCue, SuggestedCueKind
from cratehand.domain.errors import InvalidInputError

PADS: Final = "ABCDEFGH"
_RULE: Final = re.compile(r"\s*(\w+)\s*=\s*([A-Ha-h])\s*(?::\s*#([0-9A-Fa-f]{6})\s*)?")
_NEAR_S: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class CueRule:
    """Where the next suggestion of a kind goes."""

    kind: SuggestedCueKind
    pad: int
    """0 = A ... 7 = H."""
    colour: Colour | None = None


def parse_cue_rules(texts: Iterable[str]) -> tuple[CueRule, ...]:
    """Read rules like ``drop=B:#E62828``; the colour may be left out, a kind may have several pads, used in order.

    Raises:
        InvalidInputError: Names the rule and what is wrong with it; also where two rules want one pad.
    """
    rules: list[CueRule] = []
    for text in texts:
        found = _RULE.fullmatch(text)
        if found is None:
            raise InvalidInputError(f"{text!r} is no rule for cues; write KIND=PAD:#RRGGBB, as drop=B:#E62828")
        name, pad, colour = found.groups()
        if name not in set(SuggestedCueKind):
            known = ", ".join(SuggestedCueKind)
            raise InvalidInputError(f"{text!r}: {name!r} is no kind of cue; there are {known}")
        rule = CueRule(
            kind=SuggestedCueKind(name), pad=PADS.index(pad.upper()), colour=Colour.of(colour) if colour else None
        )
        if any(other.pad == rule.pad for other in rules):
            raise InvalidInputError(f"{text!r}: pad {pad.upper()} is taken by a rule before it")
        rules.append(rule)
    return tuple(rules)


DEFAULT_CUE_RULES: Final = (
    "mix_in=A:#30D26E", "drop=B:#E62828", "drop=C:#E62828", "break=D:#305AFF", "mix_out=E:#E0641B",
    "loop_out=F:#FF8C00",
)  # fmt: skip
"""Green to come in, red for drops, blue for the break, orange to go out: shades that Rekordbox has for pads."""


def with_suggestions(
    own: tuple[Cue, ...], suggested: Sequence[SuggestedCue], *, rules: Sequence[CueRule]
) -> tuple[Cue, ...]:
    """Add suggestions to the DJ's own cues, which stay as they are.

    A suggestion goes to the first pad of its kind's rules that is free; without any it becomes a memory cue, so that
    a pad always means the same. One within 50 ms of an own cue is left out.
    """
    taken = {cue.pad for cue in own if cue.kind is CueKind.HOT}
    added = []
    for suggestion in suggested:
        if any(abs(cue.start_s - suggestion.start_s) < _NEAR_S for cue in own):
            continue
        rule = next((rule for rule in rules if rule.kind is suggestion.kind and rule.pad not in taken), None)
        if rule is not None:
            taken.add(rule.pad)
        added.append(
            Cue(
                kind=CueKind.MEMORY if rule is None else CueKind.HOT,
                start_s=suggestion.start_s,
                end_s=suggestion.end_s,
                pad=None if rule is None else rule.pad,
                label=suggestion.kind.replace("_", " "),
                colour=None if rule is None else rule.colour,
            )
        )
    return (*own, *added)
