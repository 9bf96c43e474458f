"""The kept table of what is heard answers as if every search read all of it anew."""

import numpy as np
import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.embedding import TAG_SPACE
from cratehand.domain.ids import TrackId
from cratehand.domain.track import Presence, Track
from cratehand.usecases.heard_tags import HeardTags
from cratehand.usecases.sound_words import FLOOR, usual_logarithms

Rows = dict[TrackId, np.ndarray]


def track(number: int) -> TrackId:
    return TrackId(f"{number:016x}")


def put(catalogue: SqliteCatalogue, known: Rows, number: int, seed: int) -> None:
    vector = np.random.default_rng(seed).beta(0.4, 4.0, TAG_SPACE.dimension).astype(np.float32)
    with catalogue.writing() as stores:
        if track(number) not in known:
            stores.tracks.add([Track(id=track(number), path=None, presence=Presence.MISSING, added_at_s=1.0)])
        stores.vectors.put(TAG_SPACE, track(number), vector)
    known[track(number)] = vector


def asked(tag: int) -> np.ndarray:
    return np.eye(TAG_SPACE.dimension, dtype=np.float32)[tag] + 0.5 * np.eye(TAG_SPACE.dimension, dtype=np.float32)[9]


def anew(known: Rows, wanted: np.ndarray, among: set[TrackId] | None, limit: int) -> list[tuple[TrackId, float]]:
    """Return what a search finds that keeps nothing, in float64."""
    rows = np.log(np.stack(list(known.values())).astype(np.float64) + FLOOR)
    heard = rows - usual_logarithms(rows.astype(np.float32))
    cosines = heard @ wanted / np.linalg.norm(heard, axis=1) / np.linalg.norm(wanted)
    ranked = [
        (track_id, cosine)
        for track_id, cosine in zip(known, cosines.tolist(), strict=True)
        if cosine > 0 and (among is None or track_id in among)
    ]
    return sorted(ranked, key=lambda each: (-each[1], each[0]))[:limit]


def same(tags: HeardTags, catalogue: SqliteCatalogue, known: Rows, among: set[TrackId] | None = None) -> None:
    with catalogue.reading() as stores:
        for tag in (0, 7, 30):
            found = tags.nearest(stores.vectors, asked(tag), among=among, limit=12)
            expected = anew(known, asked(tag), among, 12)
            assert [each.track_id for each in found] == [track_id for track_id, _ in expected]
            assert [each.cosine for each in found] == pytest.approx([cosine for _, cosine in expected], abs=1e-5)
            for each in found:
                np.testing.assert_allclose(each.probabilities, known[each.track_id], atol=1e-5)


def test_new_changed_and_removed_tracks_are_seen_by_the_next_search(catalogue: SqliteCatalogue) -> None:
    tags, known = HeardTags(TAG_SPACE), {}
    with catalogue.reading() as stores:
        assert tags.nearest(stores.vectors, asked(0), among=None, limit=5) == []
    for number in range(90):
        put(catalogue, known, number, seed=number)
    same(tags, catalogue, known)
    same(tags, catalogue, known, among={track(number) for number in range(0, 120, 3)})
    put(catalogue, known, 200, seed=200)
    put(catalogue, known, 5, seed=1005)
    same(tags, catalogue, known)
    with catalogue.writing() as stores:
        stores.tracks.remove([track(30), track(200)])
    del known[track(30)], known[track(200)]
    same(tags, catalogue, known)


def test_a_last_row_that_is_put_again_is_seen_though_its_number_is_the_same(catalogue: SqliteCatalogue) -> None:
    tags, known = HeardTags(TAG_SPACE), {}
    for number in range(3):
        put(catalogue, known, number, seed=number)
    same(tags, catalogue, known)
    put(catalogue, known, 2, seed=77)
    same(tags, catalogue, known)


def test_a_track_put_in_the_place_of_another_is_seen_though_the_count_is_the_same(catalogue: SqliteCatalogue) -> None:
    tags, known = HeardTags(TAG_SPACE), {}
    for number in range(4):
        put(catalogue, known, number, seed=number)
    same(tags, catalogue, known)
    with catalogue.writing() as stores:
        stores.tracks.remove([track(1)])
    del known[track(1)]
    put(catalogue, known, 9, seed=9)
    same(tags, catalogue, known)
