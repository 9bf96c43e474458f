import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cratehand.catalogue import SqliteCatalogue, open_device
from cratehand.catalogue.fact_text import fact_text, parse_fact
from cratehand.domain.audio_quality import AudioQuality, QualityVerdict
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.belief import believe
from cratehand.domain.errors import InvalidInputError, NotFoundError
from cratehand.domain.fact_values import encode
from cratehand.domain.fields import Field
from cratehand.domain.key import Mode, MusicalKey
from cratehand.domain.loudness import Loudness
from cratehand.domain.provenance import PERSON, AnyFact, Source, SourceKind
from cratehand.domain.track import TrackSummary
from cratehand.domain.waveform import Waveform
from tests.unit.catalogue.building import ANALYSIS, REKORDBOX, TAGS, a_fact, a_track, track_id

ONE = track_id(1)
LOCKED = Source(kind=SourceKind.REKORDBOX, name="master.db locked", version="7")


@pytest.fixture
def known(catalogue: SqliteCatalogue) -> SqliteCatalogue:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(1), a_track(2)])
    return catalogue


def recorded(catalogue: SqliteCatalogue, *facts: AnyFact) -> TrackSummary:
    with catalogue.writing() as stores:
        stores.facts.record(ONE, facts)
        summary = stores.tracks.summary(ONE)
    assert summary is not None
    return summary


def test_every_statement_is_kept_in_the_order_it_was_made(known: SqliteCatalogue) -> None:
    later, earlier = a_fact(Field.TITLE, "b", at_s=2.0), a_fact(Field.TITLE, "a", at_s=1.0, source=REKORDBOX)
    recorded(known, later, earlier, a_fact(Field.YEAR, 1999, at_s=1.5))
    with known.reading() as stores:
        assert [fact.value for fact in stores.facts.facts(ONE)] == ["a", 1999, "b"]
        assert stores.facts.facts(ONE, field=Field.TITLE) == [earlier, later]
        assert stores.facts.facts(track_id(2)) == []


def test_a_repeated_statement_is_not_stored_again(known: SqliteCatalogue) -> None:
    recorded(known, a_fact(Field.TEMPO_BPM, 126.0, source=ANALYSIS, confidence=0.9))
    recorded(known, a_fact(Field.TEMPO_BPM, 126.0, source=ANALYSIS, confidence=0.9, at_s=5.0))
    recorded(known, a_fact(Field.TEMPO_BPM, 126.0, source=ANALYSIS, confidence=0.8, at_s=6.0))
    recorded(known, a_fact(Field.TEMPO_BPM, 126.0, source=TAGS, confidence=0.8, at_s=6.0))
    recorded(known, a_fact(Field.TEMPO_BPM, 126.0, source=ANALYSIS, confidence=0.9, at_s=7.0))
    with known.reading() as stores:
        assert [(fact.at_s, fact.confidence) for fact in stores.facts.facts(ONE)] == [
            (1.0, 0.9), (6.0, 0.8), (6.0, 0.8), (7.0, 0.9),
        ]  # fmt: skip


def test_two_different_statements_of_one_moment_are_both_kept(known: SqliteCatalogue) -> None:
    recorded(known, a_fact(Field.TITLE, "a"), a_fact(Field.TITLE, "b"), a_fact(Field.ARTIST, "c"))
    recorded(known, a_fact(Field.TITLE, "c"))
    with known.reading() as stores:
        assert [fact.value for fact in stores.facts.facts(ONE, field=Field.TITLE)] == ["a", "b", "c"]


def test_a_person_wins_against_any_later_measurement_and_may_take_it_back(known: SqliteCatalogue) -> None:
    assert recorded(known, a_fact(Field.TEMPO_BPM, 63.0, source=ANALYSIS)).tempo_bpm == 63.0
    assert recorded(known, a_fact(Field.TEMPO_BPM, 126.0, source=PERSON, at_s=2.0)).tempo_bpm == 126.0
    assert recorded(known, a_fact(Field.TEMPO_BPM, 64.0, source=ANALYSIS, at_s=9.0)).tempo_bpm == 126.0
    assert recorded(known, a_fact(Field.TEMPO_BPM, None, source=PERSON, at_s=10.0)).tempo_bpm == 64.0
    with known.reading() as stores:
        assert len(stores.facts.facts(ONE)) == 4


def test_a_source_takes_back_only_what_it_said_itself(known: SqliteCatalogue) -> None:
    recorded(known, a_fact(Field.TITLE, None), a_fact(Field.ARTIST, "x"))
    assert recorded(known, a_fact(Field.ARTIST, None, source=REKORDBOX, at_s=2.0)).artist == "x"
    assert recorded(known, a_fact(Field.ARTIST, None, at_s=3.0)).artist is None
    assert recorded(known, a_fact(Field.ARTIST, None, at_s=4.0)).artist is None
    with known.reading() as stores:
        assert [fact.value for fact in stores.facts.facts(ONE)] == ["x", None]


def test_any_person_has_the_last_word_over_every_other(known: SqliteCatalogue) -> None:
    anna, ben = (Source(kind=SourceKind.PERSON, name=name) for name in ("anna", "ben"))
    for at_s, (source, value) in enumerate([(anna, "a"), (ben, "b"), (anna, "a")]):
        assert recorded(known, a_fact(Field.TITLE, value, source=source, at_s=float(at_s))).title == value


def test_every_believed_column_follows_its_field(known: SqliteCatalogue) -> None:
    summary = recorded(
        known,
        a_fact(Field.TITLE, "T"), a_fact(Field.ARTIST, "A"), a_fact(Field.ALBUM, "L"), a_fact(Field.GENRE, "G"),
        a_fact(Field.LABEL, "B"), a_fact(Field.COMMENT, "C"), a_fact(Field.YEAR, 2001), a_fact(Field.RATING, 4),
        a_fact(Field.COLOUR, "Red"), a_fact(Field.PLAY_COUNT, 7), a_fact(Field.DATE_ADDED, "2024-05-06"),
        a_fact(Field.DURATION_S, 300.5), a_fact(Field.TEMPO_BPM, 126.0, confidence=0.5),
        a_fact(Field.KEY, MusicalKey(tonic=9, mode=Mode.MINOR), confidence=0.25), a_fact(Field.ENERGY, 6),
        a_fact(Field.LOUDNESS, Loudness(integrated_lufs=-9.5, range_lu=4.0, true_peak_dbtp=-0.1)),
        a_fact(Field.QUALITY, AudioQuality(verdict=QualityVerdict.LOSSY)),
    )  # fmt: skip
    track = a_track(1)
    assert summary == TrackSummary(
        id=ONE, path=track.path, presence=track.presence, title="T", artist="A", album="L", genre="G", label="B",
        comment="C", year=2001, rating=4, colour="Red", play_count=7, date_added="2024-05-06", duration_s=300.5,
        tempo_bpm=126.0, tempo_confidence=0.5, key="A minor", camelot="8A", key_confidence=0.25, energy=6,
        integrated_lufs=-9.5, quality_verdict="lossy",
    )  # fmt: skip


def test_structured_values_come_back(known: SqliteCatalogue) -> None:
    grid = BeatGrid(anchors=(GridAnchor(start_s=0.1, tempo_bpm=126.0, beat_in_bar=2),))
    wave = Waveform(levels=np.arange(8, dtype=np.uint8).reshape(4, 2), step_s=0.25)
    recorded(known, a_fact(Field.BEAT_GRID, grid), a_fact(Field.WAVEFORM, wave), a_fact(Field.TAGS, ("a", "ü")))
    with known.reading() as stores:
        values = {fact.field: fact.value for fact in stores.facts.facts(ONE)}
        assert values[Field.BEAT_GRID] == grid
        assert values[Field.TAGS] == ("a", "ü")
        assert isinstance(values[Field.WAVEFORM], Waveform)
        assert (values[Field.WAVEFORM].levels == wave.levels).all()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (Field.TITLE, 5), (Field.YEAR, "1999"), (Field.YEAR, 19.5), (Field.YEAR, True), (Field.TEMPO_BPM, float("nan")),
        (Field.TEMPO_BPM, float("inf")), (Field.TEMPO_BPM, "126"), (Field.TEMPO_BPM, 10**400), (Field.KEY, "A minor"),
        (Field.TAGS, [1]), (Field.LOUDNESS, -9.0), (Field.BEAT_GRID, object()),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_shape_is_refused_and_nothing_is_stored(
    known: SqliteCatalogue, field: Field, value: object
) -> None:
    with pytest.raises(InvalidInputError, match=field.value), known.writing() as stores:
        stores.facts.record(ONE, [a_fact(Field.ARTIST, "x"), a_fact(field, value)])
    with known.reading() as stores:
        assert stores.facts.facts(ONE) == []


def test_a_confidence_outside_0_to_1_is_refused(known: SqliteCatalogue) -> None:
    with pytest.raises(InvalidInputError), known.writing() as stores:
        stores.facts.record(ONE, [a_fact(Field.TITLE, "x", confidence=1.5)])


def test_an_unknown_track_is_not_found(known: SqliteCatalogue) -> None:
    with pytest.raises(NotFoundError), known.writing() as stores:
        stores.facts.record(track_id(99), [a_fact(Field.TITLE, "x")])


def test_text_that_no_database_holds_comes_back_as_a_fact_and_is_shown_written_out(known: SqliteCatalogue) -> None:
    summary = recorded(known, a_fact(Field.TITLE, "a\udcffb\0"), a_fact(Field.TAGS, ("\udc80",)))
    assert summary.title == "a\\udcffb\\x00"
    with known.reading() as stores:
        assert {fact.value for fact in stores.facts.facts(ONE)} == {"a\udcffb\0", ("\udc80",)}


def test_a_number_too_large_for_a_column_is_kept_as_a_fact(known: SqliteCatalogue) -> None:
    assert recorded(known, a_fact(Field.YEAR, 10**30)).year is None
    with known.reading() as stores:
        assert stores.facts.facts(ONE)[0].value == 10**30


def test_believed_answers_for_many_tracks_at_once(known: SqliteCatalogue) -> None:
    recorded(known, a_fact(Field.TITLE, "tags", source=TAGS), a_fact(Field.TITLE, "box", source=REKORDBOX))
    with known.reading() as stores:
        assert {key: fact.value for key, fact in stores.facts.believed([ONE, track_id(2)], Field.TITLE).items()} == {
            ONE: "box"
        }


SOURCES = [PERSON, REKORDBOX, LOCKED, ANALYSIS, TAGS, Source(kind=SourceKind.PLATFORM, name="x")]


@st.composite
def statements(draw: st.DrawFn) -> AnyFact:
    field = draw(st.sampled_from([Field.TITLE, Field.TEMPO_BPM, Field.KEY]))
    source = draw(st.sampled_from(SOURCES))
    values: dict[Field, st.SearchStrategy[object]] = {
        Field.TITLE: st.sampled_from(["a", "b", "c"]),
        Field.TEMPO_BPM: st.sampled_from([63.0, 126.0]),
        Field.KEY: st.builds(MusicalKey, tonic=st.integers(0, 11), mode=st.sampled_from(Mode)),
    }
    value = draw(values[field] | st.none() if source is PERSON else values[field])
    return a_fact(
        field,
        value,
        source=source,
        at_s=float(draw(st.integers(1, 6))),
        confidence=draw(st.sampled_from([0.3, 0.8, 1.0])),
    )


@pytest.fixture(scope="module")
def lasting() -> Iterator[SqliteCatalogue]:
    with TemporaryDirectory() as folder:
        opened = open_device(Path(folder) / "catalogue.db")
        yield opened
        opened.close()


@settings(max_examples=60, deadline=None)
@given(batches=st.lists(st.lists(statements(), max_size=6), max_size=4))
def test_what_is_shown_is_what_the_pure_rule_believes_whatever_the_order(
    lasting: SqliteCatalogue, batches: Sequence[Sequence[AnyFact]]
) -> None:
    with lasting.writing() as stores:
        stores.tracks.remove([ONE])
        stores.tracks.add([a_track(1)])
        for batch in batches:
            stores.facts.record(ONE, batch)
        facts, summary = stores.facts.facts(ONE), stores.tracks.summary(ONE)
    assert summary is not None
    chosen = {field: believe(fact for fact in facts if fact.field is field) for field in Field}
    title, tempo, key = chosen[Field.TITLE], chosen[Field.TEMPO_BPM], chosen[Field.KEY]
    assert summary.title == (title and title.value)
    assert (summary.tempo_bpm, summary.tempo_confidence) == (tempo and tempo.value, tempo and tempo.confidence)
    assert (summary.key, summary.key_confidence) == (key and str(key.value), key and key.confidence)
    said = {(fact.field, fact.source, fact.value, fact.confidence) for batch in batches for fact in batch}
    kept = {(fact.field, fact.source, fact.value, fact.confidence) for fact in facts}
    # Nothing is lost but a None that takes nothing back.
    assert kept <= said
    assert all(value is None for _, _, value, _ in said - kept)


@given(st.text() | st.characters(categories=["Cs"]))
def test_the_short_cut_writes_texts_as_the_long_way_reads_them(value: str) -> None:
    text = fact_text(Field.TITLE, value)
    assert json.loads(text) == value == parse_fact(Field.TITLE, text)
    text.encode("utf-8")


@given(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
def test_the_short_cut_writes_numbers_as_the_long_way_does(whole: int, number: float) -> None:
    assert fact_text(Field.YEAR, whole) == encode(whole)
    assert fact_text(Field.TEMPO_BPM, number) == encode(number)
    assert parse_fact(Field.YEAR, encode(whole)) == whole
    assert parse_fact(Field.TEMPO_BPM, encode(number)) == number


@pytest.mark.parametrize("text", ['"', '"a"b"', "1_0", "nan", "Infinity", "", "[", "1e", '{"a":1}'])
def test_a_text_that_is_no_value_is_refused(text: str) -> None:
    for field in (Field.TITLE, Field.YEAR, Field.KEY, Field.LOUDNESS):
        with pytest.raises(InvalidInputError):
            parse_fact(field, text)


@given(st.lists(st.text(max_size=8), max_size=4))
def test_tags_are_written_as_the_domain_writes_them(tags: list[str]) -> None:
    text = fact_text(Field.TAGS, tuple(tags))
    assert parse_fact(Field.TAGS, text) == tuple(tags)
    if all(tag.isascii() for tag in tags):
        assert text == encode(tuple(tags))


def test_what_is_no_tag_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        fact_text(Field.TAGS, ("warm", 3))
