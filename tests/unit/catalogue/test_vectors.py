from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cratehand.catalogue import Driver, SqliteCatalogue, choose_driver, open_device
from cratehand.catalogue.vectors import cosine_distances
from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.errors import InvalidInputError, NotFoundError, UnsupportedError
from tests.unit.catalogue.building import a_track, track_id

SPACE = EmbeddingSpace(model="dsp", version="1", dimension=96)
OTHER = EmbeddingSpace(model="dsp", version="2", dimension=96)
COUNT = 700


@pytest.fixture(params=["extension", "numpy", "memory"])
def known(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteCatalogue]:
    driver = choose_driver()
    if request.param == "extension" and not driver.has_vec:
        pytest.skip(driver.reason)
    has_vec = request.param != "numpy" and driver.has_vec
    chosen = Driver(module=driver.module, has_vec=has_vec, reason="of the test")
    opened = open_device(tmp_path / "catalogue.db", driver=chosen)
    with opened.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(COUNT)])
        for number, vector in enumerate(vectors()):
            stores.vectors.put(SPACE, track_id(number), vector)
        stores.vectors.put(OTHER, track_id(0), vectors()[1])
    if request.param == "memory":
        wait_for_memory(opened)
    yield opened
    opened.close()


def wait_for_memory(catalogue: SqliteCatalogue) -> None:
    """Ask once, so that the space is read, and wait for that."""
    memory = catalogue.keep_vectors_in_memory()
    with catalogue.reading() as stores:
        stores.vectors.nearest(SPACE, vectors()[0], limit=1)
    memory.settle()


def vectors() -> np.ndarray:
    made = np.random.default_rng(1).standard_normal((COUNT, SPACE.dimension)).astype(np.float32)
    made[7] = made[3]  # two that are the same
    made[11] = 0.0  # one without a direction
    return made


def test_the_nearest_are_those_that_numpy_finds(known: SqliteCatalogue) -> None:
    for asked in (0, 3, 50):
        distances = cosine_distances(vectors(), vectors()[asked])
        expected = np.lexsort((np.arange(COUNT), np.round(distances, 6)))[:25]
        with known.reading() as stores:
            near = stores.vectors.nearest(SPACE, vectors()[asked], limit=25)
        assert [int(one.track_id, 16) for one in near] == expected.tolist()
        assert [one.distance for one in near] == pytest.approx(distances[expected], abs=1e-5)


def test_only_among_those_that_were_named(known: SqliteCatalogue) -> None:
    named = [track_id(number) for number in (5, 600, 11, 5)]
    with known.reading() as stores:
        near = stores.vectors.nearest(SPACE, vectors()[600], limit=10, among=named)
        assert {int(one.track_id, 16) for one in near} == {5, 600, 11}
        assert near[0].track_id == track_id(600)
        assert next(one.distance for one in near if one.track_id == track_id(11)) == 1.0
        assert stores.vectors.nearest(SPACE, vectors()[0], limit=10, among=[]) == []
        assert stores.vectors.nearest(SPACE, vectors()[0], limit=0) == []


def test_spaces_never_meet(known: SqliteCatalogue) -> None:
    nowhere = EmbeddingSpace(model="x", version="1", dimension=96)
    with known.reading() as stores:
        assert [one.track_id for one in stores.vectors.nearest(OTHER, vectors()[5], limit=9)] == [track_id(0)]
        assert stores.vectors.nearest(nowhere, vectors()[5], limit=9) == []
        assert (stores.vectors.count(SPACE), stores.vectors.count(OTHER), stores.vectors.count(nowhere)) == (
            COUNT,
            1,
            0,
        )
        assert stores.vectors.get(nowhere, track_id(0)) is None


def test_a_vector_comes_back_to_the_bit_and_is_replaced(known: SqliteCatalogue) -> None:
    with known.writing() as stores:
        kept = stores.vectors.get(SPACE, track_id(9))
        assert kept is not None
        assert kept.dtype == np.float32
        assert (kept == vectors()[9]).all()
        stores.vectors.put(SPACE, track_id(9), vectors()[10])
        assert stores.vectors.count(SPACE) == COUNT
        assert (stores.vectors.get(SPACE, track_id(9)) == vectors()[10]).all()


def test_an_unfit_vector_is_refused(known: SqliteCatalogue) -> None:
    euclidean = EmbeddingSpace(model="x", version="1", dimension=2, metric="l2")
    with known.writing() as stores:
        for bad in (np.zeros(5, np.float32), np.full(96, np.nan, np.float32), np.zeros((1, 96), np.float32)):
            with pytest.raises(InvalidInputError):
                stores.vectors.put(SPACE, track_id(1), bad)
            with pytest.raises(InvalidInputError):
                stores.vectors.nearest(SPACE, bad, limit=1)
        with pytest.raises(NotFoundError):
            stores.vectors.put(SPACE, track_id(COUNT + 1), vectors()[0])
        with pytest.raises(UnsupportedError):
            stores.vectors.put(euclidean, track_id(1), np.zeros(2, np.float32))


def test_many_vectors_come_with_their_tracks_and_a_removed_one_does_not(known: SqliteCatalogue) -> None:
    with known.writing() as stores:
        stores.vectors.remove(SPACE, track_id(4))
        stores.vectors.remove(SPACE, track_id(4))
        ids, rows = stores.vectors.many(SPACE)
        assert len(ids) == len(rows) == COUNT - 1
        some, few = stores.vectors.many(SPACE, [track_id(9), track_id(4), track_id(2), track_id(COUNT + 5)])
        nothing, none = stores.vectors.many(EmbeddingSpace(model="new", version="1", dimension=3))
    assert track_id(4) not in ids
    assert sorted(some) == [track_id(2), track_id(9)]
    for found, row in zip(some, few, strict=True):
        np.testing.assert_array_equal(row, vectors()[int(found, 16)])
    assert (list(nothing), none.shape) == ([], (0, 3))


def test_what_is_newer_than_a_mark_comes_and_removals_show_in_the_count(known: SqliteCatalogue) -> None:
    with known.reading() as stores:
        mark, ids, rows = stores.vectors.newer(SPACE, 0)
        assert len(ids) == stores.vectors.count(SPACE) == COUNT
        for found, row in zip(ids, rows, strict=True):
            np.testing.assert_array_equal(row, vectors()[int(found, 16)])
        assert stores.vectors.newer(EmbeddingSpace(model="new", version="1", dimension=3), 5)[:2] == (0, [])
    with known.writing() as stores:
        stores.vectors.put(SPACE, track_id(2), vectors()[9])
        stores.vectors.remove(SPACE, track_id(4))
    with known.reading() as stores:
        later, again, newer = stores.vectors.newer(SPACE, mark)
        assert later > mark
        assert again[-1] == track_id(2)
        assert len(again) < COUNT / 2
        np.testing.assert_array_equal(newer[-1], vectors()[9])
        assert stores.vectors.count(SPACE) == COUNT - 1
