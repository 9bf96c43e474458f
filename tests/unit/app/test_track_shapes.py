"""What `cratehand track` says of sections that two sources name."""

from cratehand.app.cli.track_shapes import section_agreements
from cratehand.domain.fields import Field
from cratehand.domain.provenance import AnyFact, Fact, Source, SourceKind
from cratehand.domain.structure import Section, SectionLabel

OURS = Source(kind=SourceKind.ANALYSIS, name="cratehand.sections")
REKORDBOX = Source(kind=SourceKind.REKORDBOX, name="master.db")


def said(source: Source, border_s: float, at_s: float = 1.0) -> AnyFact:
    sections: object = (
        Section(start_s=0.0, end_s=border_s, label=SectionLabel.INTRO),
        Section(start_s=border_s, end_s=90.0, label=SectionLabel.DROP),
    )
    return Fact(field=Field.SECTIONS, value=sections, source=source, at_s=at_s)


def test_phrases_of_rekordbox_are_compared_with_our_sections() -> None:
    ((sources, agreement),) = section_agreements([said(REKORDBOX, 30.1), said(OURS, 30.0)])
    assert set(sources) == {OURS, REKORDBOX}
    assert agreement.borders_f == 1.0


def test_one_source_alone_is_compared_with_nothing() -> None:
    assert section_agreements([said(OURS, 30.0)]) == []
    assert section_agreements([]) == []


def test_a_source_that_took_its_word_back_is_not_compared() -> None:
    back: AnyFact = Fact(field=Field.SECTIONS, value=None, source=REKORDBOX, at_s=2.0)
    assert section_agreements([said(REKORDBOX, 30.1), back, said(OURS, 30.0)]) == []
