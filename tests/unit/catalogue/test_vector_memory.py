from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection

from cratehand.catalogue import SqliteCatalogue, open_device
from cratehand.catalogue.keys import key_of
from cratehand.catalogue.vector_codes import VectorCodes
from cratehand.catalogue.vector_memory import VectorMemory
from cratehand.catalogue.vectors import cosine_distances
from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.errors import UnavailableError
from cratehand.domain.fields import Field
from cratehand.domain.provenance import PERSON, Fact
from cratehand.domain.search import TrackFilter
from tests.unit.catalogue.building import a_track, track_id

SPACE = EmbeddingSpace(model="dna", version="1", dimension=64)
COUNT = 800


def made(count: int, *, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, SPACE.dimension)).astype(np.float32)


@pytest.fixture
def known(tmp_path: Path) -> Iterator[SqliteCatalogue]:
    opened = open_device(tmp_path / "catalogue.db")
    with opened.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(COUNT + 100)])
        for number, vector in enumerate(made(COUNT)):
            stores.vectors.put(SPACE, track_id(number), vector)
    yield opened
    opened.close()


def candidates(catalogue: SqliteCatalogue, memory: VectorMemory, vector: np.ndarray, **more) -> set[int] | None:
    with catalogue.reading() as stores:
        number = stores.vectors._space(SPACE)
        found = memory.candidates(stores.connection, number, vector, limit=more.pop("limit", 20), **more)
    return None if found is None else {key - key_of(track_id(0)) for key in found}


def nearest(vectors: np.ndarray, vector: np.ndarray, count: int) -> set[int]:
    return set(np.argsort(cosine_distances(vectors, vector), kind="stable")[:count].tolist())


def test_the_first_question_is_not_kept_waiting_and_the_next_ones_are_answered(known: SqliteCatalogue) -> None:
    memory = known.keep_vectors_in_memory()
    assert known.keep_vectors_in_memory() is memory
    asked = made(1, seed=9)[0]
    assert candidates(known, memory, asked) is None
    memory.settle()
    found = candidates(known, memory, asked)
    assert found is not None
    assert nearest(made(COUNT), asked, 10) <= found
    assert len(found) == 20


def test_what_is_put_replaced_or_removed_later_is_followed(known: SqliteCatalogue) -> None:
    memory = known.keep_vectors_in_memory()
    candidates(known, memory, made(1)[0])
    memory.settle()
    new, instead = made(2, seed=5)
    with known.writing() as stores:
        stores.vectors.put(SPACE, track_id(COUNT + 3), new)
        stores.vectors.put(SPACE, track_id(7), instead)
    assert COUNT + 3 in (candidates(known, memory, new, limit=1) or set())
    assert candidates(known, memory, instead, limit=1) == {7}
    with known.writing() as stores:
        stores.vectors.remove(SPACE, track_id(7))
    assert candidates(known, memory, instead, limit=1) is None
    memory.settle()
    assert 7 not in (candidates(known, memory, instead, limit=50) or {7})


def test_rows_whose_numbers_were_given_away_again_are_noticed(known: SqliteCatalogue) -> None:
    memory = known.keep_vectors_in_memory()
    candidates(known, memory, made(1)[0])
    memory.settle()
    with known.writing() as stores:
        for number in range(COUNT - 90, COUNT):
            stores.vectors.remove(SPACE, track_id(number))
        for number, vector in enumerate(made(90, seed=8)):
            stores.vectors.put(SPACE, track_id(COUNT + number), vector)
    asked = made(90, seed=8)[0]
    assert candidates(known, memory, asked) is None
    memory.settle()
    assert candidates(known, memory, asked, limit=1) == {COUNT}


def test_a_space_that_nobody_asks_for_is_forgotten(known: SqliteCatalogue) -> None:
    memory = known.keep_vectors_in_memory()
    candidates(known, memory, made(1)[0])
    memory.settle()
    memory.release_if_idle()
    assert candidates(known, memory, made(1)[0]) is not None
    memory.release_if_idle(idle_s=0.0)
    assert candidates(known, memory, made(1)[0]) is None


def test_a_catalogue_that_can_not_be_read_now_is_tried_again_at_the_next_question(known: SqliteCatalogue) -> None:
    can_read = False

    @contextmanager
    def reading() -> Iterator[Connection]:
        if not can_read:
            raise UnavailableError("busy")
        with known.reading() as stores:
            yield stores.connection

    memory = VectorMemory(reading)
    asked = made(1)[0]
    for _ in range(2):
        assert candidates(known, memory, asked) is None
        memory.settle()
    can_read = True
    assert candidates(known, memory, asked) is None
    memory.settle()
    assert candidates(known, memory, asked, limit=1) == {0}
    memory.close()
    assert candidates(known, memory, asked, limit=1) == {0}


def test_a_filter_is_answered_among_its_tracks_only(known: SqliteCatalogue) -> None:
    memory = known.keep_vectors_in_memory()
    candidates(known, memory, made(1)[0])
    memory.settle()
    asked = made(1, seed=4)[0]
    for among in (range(300), range(10, 700), range(COUNT, COUNT + 50)):
        keys = np.array([key_of(track_id(number)) for number in among], np.int64)
        inside = [number for number in among if number < COUNT]
        found = candidates(known, memory, asked, among=keys, limit=30)
        assert found is not None
        assert found <= set(inside)
        if inside:
            best = nearest(made(COUNT)[inside], asked, 10)
            assert {inside[at] for at in best} <= found


def test_codes_take_keys_in_any_order_also_many_and_again() -> None:
    codes, rng = VectorCodes(SPACE.dimension), np.random.default_rng(1)
    keys = rng.permutation(np.arange(-20_000, 20_000)).astype(np.int64)
    vectors = made(len(keys), seed=2)
    for at in range(0, len(keys), 3_000):
        codes.put(keys[at : at + 3_000], vectors[at : at + 3_000])
    again = made(50, seed=6)
    codes.put(keys[100:150], again)
    vectors[100:150] = again
    assert codes.count == len(keys)
    for asked in (again[0], made(1, seed=7)[0]):
        best = nearest(vectors, asked, 10)
        assert set(keys[sorted(best)].tolist()) <= set(codes.nearest(asked, limit=40))


def test_equal_vectors_are_taken_by_key_and_one_without_length_is_at_a_right_angle() -> None:
    codes = VectorCodes(4)
    vectors = np.array([[1, 0, 0, 0]] * 5 + [[0, 0, 0, 0], [-1, 0, 0, 0]], np.float32)
    codes.put(np.arange(7, dtype=np.int64)[::-1].copy(), vectors)
    asked = np.array([2, 0, 0, 0], np.float32)
    assert sorted(codes.nearest(asked, limit=3)) == [2, 3, 4]
    assert sorted(codes.nearest(asked, limit=6)) == [1, 2, 3, 4, 5, 6]
    assert codes.nearest(asked, limit=3) == [2, 3, 4]
    assert codes.nearest(np.zeros(4, np.float32), limit=0) == []
    assert VectorCodes(4).nearest(asked, limit=3) == []


def test_a_filter_is_asked_of_the_nearest_or_a_narrow_one_looked_up_and_the_answer_is_the_same(
    known: SqliteCatalogue,
) -> None:
    genres = {number: "House" if number % 3 else "Dub" if number % 400 else "Ambient" for number in range(COUNT)}
    with known.writing() as stores:
        for number, genre in genres.items():
            fact = Fact(field=Field.GENRE, value=genre, source=PERSON, at_s=1.0)
            stores.facts.record(track_id(number), [fact])
    asked, answers = made(1, seed=4)[0], []
    for keeps in (False, True):
        if keeps:
            memory = known.keep_vectors_in_memory()
            candidates(known, memory, asked)
            memory.settle()
        with known.reading() as stores:
            for genre in ("House", "Dub", "Ambient", "Polka"):
                among = stores.tracks.matching_ids(TrackFilter(genre=genre))
                near = stores.vectors.nearest(SPACE, asked, limit=8, among=among)
                assert {genres[int(each.track_id, 16)] for each in near} <= {genre}
                answers.append([each.track_id for each in near])
    assert answers[:4] == answers[4:]
    assert [len(each) for each in answers[:4]] == [8, 8, 1, 0]


def test_the_tracks_that_match_are_a_sequence_of_ids(known: SqliteCatalogue) -> None:
    with known.reading() as stores:
        found = stores.tracks.matching_ids(TrackFilter(analysed=False))
        assert (len(found), found[0], found[-1]) == (COUNT + 100, track_id(0), track_id(COUNT + 99))
        assert found[1:3] == [track_id(1), track_id(2)]
        assert found == [track_id(number) for number in range(COUNT + 100)]
        assert found != []
