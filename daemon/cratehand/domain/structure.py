"""Sections of a track; Rekordbox calls its own *phrases*."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class SectionLabel(StrEnum):
    """What a section does."""

    INTRO = "intro"
    VERSE = "verse"
    BUILD = "build"
    DROP = "drop"
    BREAK = "break"
    OUTRO = "outro"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of a track with one role; sections of a track ascend and touch."""

    start_s: float
    end_s: float
    label: SectionLabel


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionAgreement:
    """How far two sources agree on the sections of one track.

    Attributes:
        borders_f: F-measure of the inner borders, 0 ... 1; 1 where neither source has any.
        same_label_share: Share of the time covered by both on which both say the same label, 0 ... 1.
    """

    borders_f: float
    same_label_share: float


def compare_sections(
    one: Sequence[Section], other: Sequence[Section], *, within_s: float = 0.5
) -> SectionAgreement | None:
    """Compare what two sources say of one track; None where one says nothing.

    Args:
        one: Sections that ascend and touch.
        other: The same of another source.
        within_s: How far apart two borders may lie and still be the same one; half a second is about a beat.
    """
    if not one or not other:
        return None
    borders, others = ([section.start_s for section in said[1:]] for said in (one, other))
    hits = _matches(borders, others, within_s)
    count = len(borders) + len(others)
    together_s = min(one[-1].end_s, other[-1].end_s) - max(one[0].start_s, other[0].start_s)
    same_s = sum(
        max(0.0, min(mine.end_s, theirs.end_s) - max(mine.start_s, theirs.start_s))
        for mine in one
        for theirs in other
        if mine.label is theirs.label
    )
    return SectionAgreement(
        borders_f=2.0 * hits / count if count else 1.0,
        same_label_share=min(same_s / together_s, 1.0) if together_s > 0.0 else 0.0,
    )


def _matches(ascending: Sequence[float], others: Sequence[float], within_s: float) -> int:
    """Return how many pairs, each value in one pair at most, lie within the distance; both ascend."""
    hits = place = 0
    for at_s in ascending:
        while place < len(others) and others[place] < at_s - within_s:
            place += 1
        if place < len(others) and others[place] <= at_s + within_s:
            hits, place = hits + 1, place + 1
    return hits
