"""Which statement is believed."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.belief import LOCKED_GRID_WEIGHT, believe, rank, reliability
from cratehand.domain.fields import Field
from cratehand.domain.provenance import PERSON, AnyFact, Fact, Source, SourceKind

REKORDBOX = Source(kind=SourceKind.REKORDBOX, name="master.db")
LOCKED = Source(kind=SourceKind.REKORDBOX, name="master.db locked")
ANALYSIS = Source(kind=SourceKind.ANALYSIS, name="cratehand.tempo")
TAGS = Source(kind=SourceKind.TAGS, name="id3")


def tempo(value: float | None, source: Source, *, at_s: float = 1.0, confidence: float = 1.0) -> AnyFact:
    return Fact(field=Field.TEMPO_BPM, value=value, source=source, at_s=at_s, confidence=confidence)


def title(value: str | None, source: Source, *, at_s: float = 1.0) -> AnyFact:
    return Fact(field=Field.TITLE, value=value, source=source, at_s=at_s)


def test_nothing_said_is_nothing_believed() -> None:
    assert believe([]) is None
    assert believe([tempo(None, PERSON)]) is None


def test_a_person_beats_everything_whatever_the_time_and_order() -> None:
    facts = [tempo(87.0, PERSON, at_s=1.0), tempo(174.0, LOCKED, at_s=9.0), tempo(174.1, ANALYSIS, at_s=8.0)]
    for order in permutations(facts):
        assert believe(order) == facts[0]


def test_the_later_word_of_a_person_counts() -> None:
    assert believe([tempo(88.0, PERSON, at_s=2.0), tempo(87.0, PERSON, at_s=1.0)]) == tempo(88.0, PERSON, at_s=2.0)


def test_two_words_of_a_person_at_one_tick_of_the_clock_count_in_their_order() -> None:
    assert believe([tempo(87.0, PERSON), tempo(88.0, PERSON)]) == tempo(88.0, PERSON)


def test_a_person_who_takes_it_back_leaves_the_field_to_the_others() -> None:
    facts = [tempo(87.0, PERSON, at_s=1.0), tempo(None, PERSON, at_s=2.0), tempo(174.0, REKORDBOX, at_s=0.5)]
    assert believe(facts) == facts[2]
    spoken_again = [*facts, tempo(86.0, PERSON, at_s=3.0)]
    assert believe(spoken_again) == spoken_again[3]


def test_a_source_that_takes_back_does_not_silence_another() -> None:
    facts = [title("A", TAGS, at_s=1.0), title("B", REKORDBOX, at_s=1.0), title(None, REKORDBOX, at_s=2.0)]
    assert believe(facts) == facts[0]


def test_a_measurement_beats_the_unlocked_grid_of_rekordbox_only_when_it_is_sure() -> None:
    rekordbox = tempo(174.0, REKORDBOX)
    assert believe([rekordbox, tempo(87.0, ANALYSIS, confidence=0.9)]) != rekordbox
    assert believe([rekordbox, tempo(87.0, ANALYSIS, confidence=0.5)]) == rekordbox


def test_no_measurement_beats_a_locked_grid() -> None:
    locked = tempo(174.0, LOCKED)
    assert believe([tempo(87.0, ANALYSIS, at_s=99.0), locked]) == locked
    assert reliability(Field.BEAT_GRID, SourceKind.REKORDBOX, name="master.db locked") == LOCKED_GRID_WEIGHT
    assert reliability(Field.TITLE, SourceKind.REKORDBOX, name="master.db locked") < 1.0


def test_what_people_write_is_believed_of_the_collection_before_tags_and_file_name() -> None:
    facts = [
        title("from the name", Source(kind=SourceKind.FILE_NAME)),
        title("from the tags", TAGS),
        title("from the collection", REKORDBOX),
    ]
    assert [fact.value for fact in rank(facts)] == ["from the collection", "from the tags", "from the name"]


def test_of_equals_the_newer_is_believed() -> None:
    old = title("old", Source(kind=SourceKind.TAGS, name="id3"), at_s=1.0)
    new = title("new", Source(kind=SourceKind.TAGS, name="vorbis"), at_s=2.0)
    assert believe([new, old]) == new


@given(
    st.lists(
        st.builds(
            tempo,
            st.one_of(st.none(), st.floats(60, 200)),
            st.sampled_from([PERSON, REKORDBOX, LOCKED, ANALYSIS, TAGS]),
            at_s=st.integers(0, 5).map(float),
            confidence=st.floats(0.1, 1.0),
        ),
        max_size=8,
    )
)
def test_the_winner_is_one_of_the_statements_and_a_standing_person_always_wins(facts: list[AnyFact]) -> None:
    winner = believe(facts)
    assert winner is None or winner in facts
    persons = sorted((fact for fact in facts if fact.source is PERSON), key=lambda fact: fact.at_s)
    if persons and persons[-1].value is not None:
        assert winner is not None
        assert winner.source == PERSON
        assert winner.at_s == persons[-1].at_s


@pytest.mark.parametrize("field", Field)
def test_every_family_of_sources_has_a_weight_for_every_field(field: Field) -> None:
    for kind in SourceKind:
        if kind is not SourceKind.PERSON:
            assert 0.0 < reliability(field, kind) <= 1.0


def test_another_version_of_a_maker_replaces_the_older_one() -> None:
    older = tempo(120.0, replace(ANALYSIS, version="1"), at_s=1.0, confidence=1.0)
    newer = tempo(121.0, replace(ANALYSIS, version="2"), at_s=2.0, confidence=0.5)
    assert rank([older, newer]) == [newer]
