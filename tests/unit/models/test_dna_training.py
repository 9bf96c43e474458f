"""What the training of the DNA keeps, joins and measures."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parents[3] / "models" / "training" / "dna"))
import evaluate
import filters
import halves

RNG = np.random.default_rng(5)


def tracks(*given: tuple[str, str, str, str], mix: list[tuple[float, float, float]] | None = None) -> halves.Halves:
    """Tracks of (album, playlist, title, artist)."""
    count = len(given)
    albums, playlists, titles, artists = zip(*given, strict=True)
    told = np.zeros((count, 2, 3)) if mix is None else np.repeat(np.array(mix)[:, np.newaxis], 2, axis=1)
    return halves.Halves(
        digests=[str(number) for number in range(count)],
        albums=np.array(albums),
        playlists=np.array(playlists),
        titles=titles,
        artists=np.array(artists),
        features=np.zeros((count, 2, 4)),
        embedding=np.zeros((count, 2, 200)),
        tags=np.zeros((count, 2, 50)),
        dsp=np.zeros((count, 2, 96)),
        mix=told,
    )


def test_constants_and_twins_are_left_out_and_the_weightier_group_stays() -> None:
    free = RNG.standard_normal((200, 2))
    features = np.column_stack([np.full(200, 3.0), free[:, 0], 5.0 * free[:, 0] + 1.0, free[:, 1]])
    scale = filters.fit_scale(features, ["signal", "signal", "rhythm", "timbre"])
    assert scale.varying == 3
    assert scale.kept.tolist() == [2, 3]
    found = scale(features)
    assert found.shape == (200, 2)
    assert found.std(axis=0) == pytest.approx([filters.DJ_WEIGHTS["rhythm"], filters.DJ_WEIGHTS["timbre"]], rel=0.02)


def test_what_is_left_out_stays_out_even_where_it_alone_tells_something() -> None:
    features = RNG.standard_normal((200, 3))
    scale = filters.fit_scale(features, ["signal", "signal", "rhythm"], left_out=[2])
    assert scale.kept.tolist() == [0, 1]


def test_what_correlates_less_than_the_limit_stays() -> None:
    one = RNG.standard_normal(4_000)
    near = 0.9 * one + np.sqrt(1 - 0.9**2) * RNG.standard_normal(4_000)
    assert filters.uncorrelated(np.column_stack([one, near])).tolist() == [0, 1]
    assert filters.uncorrelated(np.column_stack([one, -one])).tolist() == [0]


def test_versions_stems_and_neighbours_are_found_by_names() -> None:
    found = tracks(
        ("a", "a/forest", "Airship Ride", "Ann"),
        ("a", "a/castle", "airship_ride (remix)", "Bob"),
        ("a", "a/forest", "Something else", ""),
        ("b", "b/x", "Airship Ride 2", ""),
        ("fretsonfire-songs", "fretsonfire-songs/one", "guitar", ""),
        ("fretsonfire-songs", "fretsonfire-songs/one", "song", ""),
    )
    assert np.argwhere(np.triu(halves.versions(found), 1)).tolist() == [[0, 1]]
    assert np.argwhere(np.triu(halves.same_mix(found), 1)).tolist() == [[4, 5]]
    assert np.argwhere(np.triu(halves.neighbours(found), 1)).tolist() == [[0, 2], [4, 5]]


def test_tracks_mix_by_tempo_with_its_octave_and_by_key() -> None:
    a_minor = (126.0, 9.0, 1.0)
    found = tracks(
        *(("a", str(number), str(number), "") for number in range(6)),
        mix=[a_minor, (63.5, 4.0, 1.0), (127.0, 0.0, 0.0), (126.0, 10.0, 1.0), (150.0, 9.0, 1.0), (0.0, -1.0, -1.0)],
    )
    assert halves.mixable(found)[0].tolist() == [True, True, True, False, False, False]


def test_each_view_wants_its_own_track_most() -> None:
    found = tracks(("a", "a/x", "one", ""), ("a", "a/x", "two", ""), ("b", "b/x", "three", ""))
    shares = halves.wanted(found, 2)
    assert shares.sum(axis=1) == pytest.approx(np.ones(6))
    assert not np.diagonal(shares).any()
    assert shares[0, 1] == pytest.approx(1 / 1.1)
    assert shares[0, 2] == shares[0, 3] == pytest.approx(0.05 / 1.1)
    assert shares[4].tolist() == [0.0, 0.0, 0.0, 0.0, 0.0, 1.0]


def test_retrieval_counts_both_ways_and_precision_needs_a_mate() -> None:
    one = np.eye(4)
    assert evaluate.first_is_right(one, one).all()
    assert evaluate.first_is_right(one, np.roll(one, 1, axis=0)).sum() == 0
    vectors = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    hit, chance = evaluate.precision(vectors, np.array(["x", "x", "y", "y"]), nearest=1)
    assert (hit, chance) == (1.0, pytest.approx(1 / 3))
    assert np.isnan(evaluate.precision(vectors, np.array(["x", "y", "z", ""]))[0])
