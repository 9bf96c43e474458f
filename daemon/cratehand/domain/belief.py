"""Which of several statements about a field to believe: one pure function, one table.

What a person set always wins, the latest word of any person. Of every other source, too, only its latest word counts,
so that a file with other sound under the same name is never described by the old one. Among sources the product of the
reliability for that kind of field and the maker's own confidence decides, then the newer statement.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from cratehand.domain.fields import MEASURED_FIELDS, Field
from cratehand.domain.provenance import AnyFact, SourceKind

_TOLD: Final = {
    SourceKind.REKORDBOX: 0.95,
    SourceKind.PLATFORM: 0.8,
    SourceKind.TAGS: 0.7,
    SourceKind.PLAYLIST: 0.4,
    SourceKind.ANALYSIS: 0.3,
    SourceKind.FILE_NAME: 0.2,
}
"""Fields that people write: the DJ's own collection first, guesses from the file name last."""

_MEASURED: Final = {
    SourceKind.ANALYSIS: 1.0,
    SourceKind.REKORDBOX: 0.75,
    SourceKind.PLATFORM: 0.6,
    SourceKind.TAGS: 0.5,
    SourceKind.PLAYLIST: 0.2,
    SourceKind.FILE_NAME: 0.1,
}
"""Fields that follow from the sound. Rekordbox's figure is its analyser's, unless the DJ locked the grid: then the
source's name ends in ``locked`` and weighs `LOCKED_GRID_WEIGHT`."""

LOCKED_GRID_WEIGHT: Final = 1.2
"""Weight of a statement of Rekordbox that the DJ locked: above any measurement, below a person's word here."""


def believe(facts: Iterable[AnyFact]) -> AnyFact | None:
    """Choose the statement to believe among facts about ONE field of ONE track.

    Args:
        facts: Any order. An empty iterable is nothing known.

    Returns:
        The winner, or None where nothing is known or a person took the only statement back.
    """
    ranked = rank(list(facts))
    return ranked[0] if ranked else None


def rank(facts: Sequence[AnyFact]) -> list[AnyFact]:
    """Order statements about one field by how far they are believed, the winner first.

    Of each source (a person; else kind and name, whatever the version) only the latest statement stands; a None takes
    back what the source said before. At equal times the later in the sequence counts as the later.
    """
    latest: dict[tuple[SourceKind, str], AnyFact] = {}
    for fact in facts:
        speaker = (fact.source.kind, "" if fact.source.kind is SourceKind.PERSON else fact.source.name)
        if speaker not in latest or fact.at_s >= latest[speaker].at_s:
            latest[speaker] = fact
    standing = [fact for fact in latest.values() if fact.value is not None]
    return sorted(standing, key=_weight, reverse=True)


def _weight(fact: AnyFact) -> tuple[bool, float, float]:
    if fact.source.kind is SourceKind.PERSON:
        return True, 0.0, fact.at_s
    return (
        False,
        reliability(fact.field, fact.source.kind, name=fact.source.name) * fact.confidence,
        fact.at_s,
    )


def reliability(field: Field, kind: SourceKind, *, name: str = "") -> float:
    """Return what a family of sources is worth for a field, 0..1.2."""
    if field in MEASURED_FIELDS and kind is SourceKind.REKORDBOX and name.endswith("locked"):
        return LOCKED_GRID_WEIGHT
    return (_MEASURED if field in MEASURED_FIELDS else _TOLD).get(kind, 0.0)
