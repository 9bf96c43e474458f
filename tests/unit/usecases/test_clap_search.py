"""Where CLAP has heard the collection it ranks and says so, for what it has not heard the tags do; spaces never mix."""

from collections.abc import Sequence

import numpy as np
import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.embedding import CLAP_SPACE, SOUND_SPACE, EmbeddingSpace, Vector
from cratehand.domain.errors import CorruptFileError, InvalidInputError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.provenance import Fact, Source, SourceKind
from cratehand.domain.track import Presence, Track
from cratehand.usecases.reading_vectors import keep_vectors
from cratehand.usecases.similarity import Similarity
from cratehand.usecases.sound_words import TagWords
from cratehand.usecases.text_search import TextSearch
from tests.fakes.readings import analysis, reading
from tests.fakes.sound import sound

TAGS = Source(kind=SourceKind.TAGS, name="file")
KEYS, METAL, SINGER, HOUSE = (TrackId(digit * 16) for digit in "1234")


def at(cosine: float, *, seed: int) -> Vector:
    """A vector of CLAP at an angle to where `Clap` places every text."""
    across = np.random.default_rng(seed).standard_normal(CLAP_SPACE.dimension).astype(np.float32)
    across[0] = 0.0
    across *= np.float32(np.sqrt(1 - cosine**2) / np.linalg.norm(across))
    across[0] = cosine
    return across


class Clap:
    """A model of text and sound: every text lies on the first axis."""

    name = CLAP_SPACE.model
    space: EmbeddingSpace = CLAP_SPACE

    def place(self, words: Sequence[str], unwanted: Sequence[str]) -> Vector | None:
        return np.eye(1, CLAP_SPACE.dimension, dtype=np.float32)[0]


def add(
    catalogue: SqliteCatalogue, track_id: TrackId, cosine: float | None, *, seed: int = 1, **values: object
) -> None:
    places = {} if cosine is None else {CLAP_SPACE: at(cosine, seed=int(track_id[0]))}
    heard = sound(seed=seed, metal=0.7) if track_id == METAL else sound(seed=seed, house=0.6)
    with catalogue.writing() as stores:
        stores.tracks.add([Track(id=track_id, path=None, presence=Presence.MISSING, added_at_s=1.0)])
        facts = [Fact(field=Field(name), value=value, source=TAGS, at_s=1.0) for name, value in values.items()]
        stores.facts.record(track_id, facts)
        keep_vectors(stores.vectors, track_id, reading("/x.flac", analysis=analysis(), sound=heard, places=places))


def by(catalogue: SqliteCatalogue, text: str, *, limit: int = 20) -> list[tuple[TrackId, str]]:
    search = TextSearch(catalogue, find_listeners=lambda: [Clap(), TagWords()])
    return [(match.track.id, match.ranking) for match in search.search(text, limit=limit)]


@pytest.fixture
def heard(catalogue: SqliteCatalogue) -> SqliteCatalogue:
    add(catalogue, KEYS, 0.6, tempo_bpm=120.0, instrumentalness=0.9)
    add(catalogue, METAL, 0.2, tempo_bpm=120.0)
    add(catalogue, SINGER, 0.4, tempo_bpm=119.0, instrumentalness=0.1)
    add(catalogue, HOUSE, -0.3, tempo_bpm=126.0)
    return catalogue


def test_it_ranks_and_says_so_and_what_points_away_is_no_answer(heard: SqliteCatalogue) -> None:
    assert by(heard, "metal") == [(KEYS, "clap"), (SINGER, "clap"), (METAL, "clap")]


def test_the_line_of_the_issue_keeps_its_filters(heard: SqliteCatalogue) -> None:
    assert by(heard, "dusty rhodes, no vocals, 118-121") == [(KEYS, "clap")]


def test_what_it_has_not_heard_comes_behind_ranked_by_tags(catalogue: SqliteCatalogue) -> None:
    add(catalogue, KEYS, 0.6)
    add(catalogue, SINGER, 0.4)
    add(catalogue, METAL, None)
    assert by(catalogue, "metal") == [(KEYS, "clap"), (SINGER, "clap"), (METAL, "tags")]
    assert by(catalogue, "metal", limit=2) == [(KEYS, "clap"), (SINGER, "clap")]


def test_where_it_has_heard_little_it_is_not_asked(catalogue: SqliteCatalogue) -> None:
    add(catalogue, KEYS, 0.6)
    add(catalogue, METAL, None)
    add(catalogue, SINGER, None)
    assert by(catalogue, "metal") == [(METAL, "tags")]


def test_where_nothing_was_heard_at_all_nothing_is_found(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([Track(id=KEYS, path=None, presence=Presence.MISSING, added_at_s=1.0)])
    assert by(catalogue, "metal") == []


class Damaged(Clap):
    def place(self, words: Sequence[str], unwanted: Sequence[str]) -> Vector | None:
        raise CorruptFileError("the text tower is another model")


def test_a_damaged_one_is_told_and_the_tags_rank(heard: SqliteCatalogue, caplog: pytest.LogCaptureFixture) -> None:
    search = TextSearch(heard, find_listeners=lambda: [Damaged(), TagWords()])
    assert [(match.track.id, match.ranking) for match in search.search("metal")] == [(METAL, "tags")]
    assert "the text tower is another model" in caplog.text


def test_models_nobody_asks_for_a_while_are_let_go_and_found_anew(heard: SqliteCatalogue) -> None:
    found: list[Clap] = []

    def find() -> list[Clap]:
        found.append(Clap())
        return found[-1:]

    search = TextSearch(heard, find_listeners=find)
    search.search("metal")
    search.rest()
    search.search("metal")
    assert len(found) == 1
    search.rest()
    search.rest()
    assert [match.ranking for match in search.search("metal")] == ["clap"] * 3
    assert len(found) == 2


def test_similar_tracks_by_clap_when_it_is_named_only(catalogue: SqliteCatalogue) -> None:
    add(catalogue, KEYS, 0.9, seed=1)
    add(catalogue, METAL, 0.95, seed=2)
    add(catalogue, HOUSE, -0.9, seed=1)
    similarity = Similarity(catalogue)
    assert [match.track.id for match in similarity.similar(KEYS, space="clap")] == [METAL, HOUSE]
    assert {match.ranking for match in similarity.similar(KEYS, space="clap")} == {"clap"}
    assert similarity.similar(KEYS)[0].track.id == HOUSE
    assert {match.ranking for match in similarity.similar(KEYS)} == {"musicnn"}


def test_a_track_it_has_not_heard_has_none_like_it(catalogue: SqliteCatalogue) -> None:
    add(catalogue, KEYS, None)
    with pytest.raises(NotFoundError, match=r"in clap: set `\[analysis\] clap = true`"):
        Similarity(catalogue).similar(KEYS, space="clap")


def test_a_vector_of_another_space_is_no_place_in_this_one(heard: SqliteCatalogue) -> None:
    with heard.writing() as stores, pytest.raises(InvalidInputError):
        stores.vectors.put(CLAP_SPACE, KEYS, sound(seed=1).embedding)
    with heard.reading() as stores, pytest.raises(InvalidInputError):
        stores.vectors.nearest(SOUND_SPACE, at(0.5, seed=1), limit=5)


def test_new_sound_that_it_did_not_hear_leaves_no_old_place(heard: SqliteCatalogue) -> None:
    with heard.writing() as stores:
        keep_vectors(stores.vectors, KEYS, reading("/x.flac", digest="new"))
        assert stores.vectors.get(CLAP_SPACE, KEYS) is None
        assert stores.vectors.get(CLAP_SPACE, SINGER) is not None
        keep_vectors(stores.vectors, SINGER, reading("/x.flac", analysis=None))
        assert stores.vectors.get(CLAP_SPACE, SINGER) is not None
