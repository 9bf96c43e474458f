"""Tracks near to one, in which space, under which filters, and why."""

import numpy as np
import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.embedding import DNA_SPACE, DSP_PARTS, DSP_SPACE, SOUND_SPACE, Vector
from cratehand.domain.errors import InvalidInputError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.key import parse_key
from cratehand.domain.provenance import Fact, Source, SourceKind
from cratehand.domain.search import TrackFilter
from cratehand.domain.sound_tags import SoundDescription
from cratehand.domain.track import Presence, Track
from cratehand.usecases.likeness import near_parts
from cratehand.usecases.reading_vectors import keep_vectors
from cratehand.usecases.similarity import Similarity
from tests.fakes.readings import analysis, reading
from tests.fakes.sound import sound

TAGS = Source(kind=SourceKind.TAGS, name="file")
ORIGIN, NEAR, FAR, OTHER = (TrackId(digit * 16) for digit in "1234")


def add(
    catalogue: SqliteCatalogue,
    track_id: TrackId,
    *,
    seed: int,
    heard: SoundDescription | None = None,
    dna: int | None = None,
    **values: object,
) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([Track(id=track_id, path=None, presence=Presence.MISSING, added_at_s=1.0)])
        facts = [Fact(field=Field(name), value=value, source=TAGS, at_s=1.0) for name, value in values.items()]
        stores.facts.record(track_id, facts)
        place = None if dna is None else np.eye(DNA_SPACE.dimension, dtype=np.float32)[dna]
        found = reading("/x.flac", analysis=analysis(seed=seed), sound=heard, dna=place)
        keep_vectors(stores.vectors, track_id, found)


@pytest.fixture
def crate(catalogue: SqliteCatalogue) -> Similarity:
    """Near by the signal is NEAR, near by the model is FAR."""
    add(catalogue, ORIGIN, seed=1, heard=sound(seed=1, house=0.8, happy=0.3), tempo_bpm=126.0, key=parse_key("8A"))
    add(catalogue, NEAR, seed=1, heard=sound(seed=2, sad=0.5), tempo_bpm=63.0, key=parse_key("9A"))
    add(catalogue, FAR, seed=2, heard=sound(seed=1, house=0.6), tempo_bpm=100.0, key=parse_key("3B"))
    return Similarity(catalogue)


def test_the_best_space_that_is_there_is_taken_and_named(crate: Similarity) -> None:
    first, *_ = crate.similar(ORIGIN)
    assert (first.track.id, first.ranking) == (FAR, "musicnn")
    assert first.score == pytest.approx(1.0, abs=1e-5)


def test_a_space_can_be_chosen(crate: Similarity) -> None:
    first, *_ = crate.similar(ORIGIN, space="dsp")
    assert (first.track.id, first.ranking) == (NEAR, "dsp")


def test_the_dna_is_a_space_of_its_own_and_the_best_where_it_is(catalogue: SqliteCatalogue) -> None:
    add(catalogue, ORIGIN, seed=1, heard=sound(seed=1), dna=1)
    add(catalogue, NEAR, seed=1, heard=sound(seed=1), dna=2)
    add(catalogue, FAR, seed=2, heard=sound(seed=2), dna=1)
    for space in (None, "dna"):
        first, second = Similarity(catalogue).similar(ORIGIN, space=space)
        assert (first.track.id, first.ranking, second.track.id) == (FAR, "dna", NEAR)
        assert (first.score, second.score) == pytest.approx((1.0, 0.5), abs=1e-5)
    assert Similarity(catalogue).similar(ORIGIN, space="musicnn")[0].track.id == NEAR


def test_a_track_that_was_analysed_before_there_was_a_dna_says_so(
    catalogue: SqliteCatalogue, crate: Similarity
) -> None:
    with pytest.raises(NotFoundError, match="not been analysed yet in dna"):
        crate.similar(ORIGIN, space="dna")


def test_a_space_that_holds_little_of_the_collection_is_not_taken_by_itself(
    catalogue: SqliteCatalogue, crate: Similarity
) -> None:
    for number in range(5, 10):
        add(catalogue, TrackId(str(number) * 16), seed=number)
    assert {match.ranking for match in crate.similar(ORIGIN)} == {"dsp"}


def test_a_space_nobody_knows_and_a_track_that_is_not_in_one_are_told(
    catalogue: SqliteCatalogue, crate: Similarity
) -> None:
    add(catalogue, OTHER, seed=4)
    with pytest.raises(InvalidInputError, match="musicnn, dsp"):
        crate.similar(ORIGIN, space="yamnet")
    with pytest.raises(NotFoundError, match="in musicnn"):
        crate.similar(OTHER, space="musicnn")
    assert crate.similar(OTHER)[0].ranking == "dsp"


def test_filters_join(crate: Similarity) -> None:
    octave = TrackFilter(tempo_bpm=(125.5, 126.5), tempo_octaves=True)
    assert [match.track.id for match in crate.similar(ORIGIN, track_filter=octave)] == [NEAR]
    own_key = TrackFilter(mixes_with="track")
    assert [match.track.id for match in crate.similar(ORIGIN, track_filter=own_key)] == [NEAR]


def test_the_key_of_a_track_without_one_is_asked_for(catalogue: SqliteCatalogue, crate: Similarity) -> None:
    add(catalogue, OTHER, seed=4)
    with pytest.raises(InvalidInputError, match="name one"):
        crate.similar(OTHER, track_filter=TrackFilter(mixes_with="track"))


def test_reasons_say_tempo_key_tags_and_parts(crate: Similarity) -> None:
    found = {match.track.id: match.reasons for match in crate.similar(ORIGIN, space="dsp")}
    assert "tempo +0.0 % at half time" in found[NEAR]
    assert "keys mix: 8A and 9A" in found[NEAR]
    assert "near in spectrum and dynamics and rhythm and harmony and character" in found[NEAR]
    assert "both house" in found[FAR]
    assert not [reason for reason in found[FAR] if reason.startswith(("tempo", "keys", "near"))]


def test_parts_that_are_not_known_are_not_near() -> None:
    one, other = np.ones(DSP_SPACE.dimension, dtype=np.float32), np.ones(DSP_SPACE.dimension, dtype=np.float32)
    assert near_parts(one, other) == tuple(name for name, _ in DSP_PARTS)
    assert near_parts(one, np.zeros_like(one)) == ()
    turned: Vector = other.copy()
    turned[52:68] *= -1
    assert "rhythm" not in near_parts(one, turned)


def test_spaces_do_not_mix(catalogue: SqliteCatalogue, crate: Similarity) -> None:
    with catalogue.reading() as stores:
        vector = stores.vectors.get(SOUND_SPACE, ORIGIN)
        assert vector is not None
        with pytest.raises(InvalidInputError, match="96"):
            stores.vectors.nearest(DSP_SPACE, vector, limit=1)
