import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cratehand.catalogue import SqliteCatalogue, open_device
from cratehand.catalogue.keys import key_of
from cratehand.catalogue.matching import MatchingTracks
from cratehand.catalogue.touched import KEPT
from cratehand.catalogue.vector_memory import VectorMemory
from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.embedding import EmbeddingSpace
from cratehand.domain.fields import Field
from cratehand.domain.ids import PlaylistId
from cratehand.domain.key import parse_key
from cratehand.domain.provenance import PERSON, Fact, Source, SourceKind
from cratehand.domain.search import TrackFilter
from tests.unit.catalogue.building import a_row, a_track, everything, ids, some, track_id

SPACE = EmbeddingSpace(model="t", version="1", dimension=8)
TRACKS = 120
KEYS = ("1A", "8A", "8B", "9A", "12B")
GENRES = ("House", "Électro", "electro", "Dub", "")
SOURCES = (PERSON, Source(kind=SourceKind.REKORDBOX, name="m", version="7"), Source(kind=SourceKind.ANALYSIS, name="a", version="1"))  # fmt: skip
VALUES = {
    Field.TEMPO_BPM: (63.0, 120.0, 120.5, 126.0, 252.0),
    Field.KEY: tuple(map(parse_key, KEYS)),
    Field.ENERGY: (1, 5, 10),
    Field.YEAR: (1999, 2020, 2**31 - 1),
    Field.RATING: (0, 3, 5),
    Field.GENRE: GENRES,
    Field.LAST_PLAYED: (1e9, 1.5e9),
    Field.INSTRUMENTALNESS: (0.0, 0.49, 0.5, 1.0),
    Field.COMMENT: ("warm", "cold"),
}
FILTERS = st.builds(
    TrackFilter,
    text=st.sampled_from(["", "", "warm"]),
    tempo_bpm=st.none() | st.sampled_from([(120.0, 126.0), (120.5, 120.5), (300.0, 100.0), (31.5, 63.0)]),
    tempo_octaves=st.booleans(),
    camelot=st.frozensets(st.sampled_from(KEYS), max_size=2),
    mixes_with=st.none() | st.sampled_from(KEYS),
    energy=st.none() | st.just((2, 10)),
    genre=st.none() | st.sampled_from(["ELECTRO", "house", "Polka"]),
    year=st.none() | st.sampled_from([(1990, 2020), (2020, 2**31)]),
    rating_at_least=st.none() | st.sampled_from([0, 3]),
    playlist=st.none() | st.sampled_from(["many", "few", "none"]),
    not_played_since_s=st.none() | st.sampled_from([1e9, 1.2e9]),
    instrumental=st.none() | st.booleans(),
    not_genres=st.frozensets(st.sampled_from(["electro", "dub", "Polka"]), max_size=2),
)


def some_facts(rng: random.Random, at_s: float) -> list[Fact]:
    """Return statements on a few fields; some take back what their source said before."""
    return [
        Fact(
            field=field,
            value=None if rng.random() < 0.15 else rng.choice(VALUES[field]),
            source=rng.choice(SOURCES),
            at_s=at_s,
        )
        for field in rng.sample(sorted(VALUES), rng.randint(1, len(VALUES)))
    ]


def fill(catalogue: SqliteCatalogue, rng: random.Random) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(TRACKS + 20)])
        for number in range(TRACKS):
            for at_s in range(rng.randint(0, 3)):
                stores.facts.record(track_id(number), some_facts(rng, float(at_s)))
            stores.vectors.put(SPACE, track_id(number), a_vector(number))
        for name, tracks in (("many", range(0, TRACKS, 2)), ("few", range(5))):
            entries = tuple(track_id(number) for number in tracks)
            stores.playlists.save(Playlist(id=PlaylistId(name), name=name, kind=PlaylistKind.PLAYLIST, entries=entries))


def a_vector(number: int) -> np.ndarray:
    return np.random.default_rng(number).standard_normal(SPACE.dimension).astype(np.float32)


def in_memory(
    catalogue: SqliteCatalogue, memory: VectorMemory, wanted: TrackFilter
) -> tuple[set[int] | None, set[int]]:
    """Return the tracks that the memory finds fit, and those that the tables say fit."""
    with catalogue.reading() as stores:
        among = stores.tracks.matching_ids(replace(wanted, text="", playlist=None))
        assert isinstance(among, MatchingTracks)
        number = stores.vectors._space(SPACE)
        rules = among.conditions.rules
        found = memory.candidates(stores.connection, number, a_vector(0), limit=10_000, rules=rules)
        placed, _ = stores.vectors.many(SPACE)
        return None if found is None else set(found), set(among.keys) & set(map(key_of, placed))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqliteCatalogue]:
    opened = open_device(tmp_path_factory.mktemp("filters") / "catalogue.db")
    fill(opened, random.Random(1))
    remember(opened)
    yield opened
    opened.close()


def remember(catalogue: SqliteCatalogue) -> VectorMemory:
    memory = catalogue.keep_vectors_in_memory()
    for wanted in (TrackFilter(), TrackFilter(rating_at_least=0)):
        in_memory(catalogue, memory, wanted)
        memory.settle()
    return memory


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=FILTERS)
def test_a_filter_says_the_same_in_memory_and_in_the_tables(known: SqliteCatalogue, wanted: TrackFilter) -> None:
    found, told = in_memory(known, known.keep_vectors_in_memory(), wanted)
    assert found == told
    with known.reading() as stores:
        among = stores.tracks.matching_ids(wanted)
        near = stores.vectors.nearest(SPACE, a_vector(7), limit=5, among=among)
        exactly = stores.vectors.nearest(SPACE, a_vector(7), limit=5, among=list(among))
    assert near == exactly


@pytest.mark.parametrize("seed", range(2))
def test_the_memory_follows_whatever_is_written(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    catalogue = open_device(tmp_path / "catalogue.db")
    fill(catalogue, rng)
    memory = remember(catalogue)
    looks = [
        TrackFilter(rating_at_least=3), TrackFilter(genre="electro"), TrackFilter(not_genres=frozenset({"dub"})),
        TrackFilter(not_played_since_s=1.2e9), TrackFilter(instrumental=True), TrackFilter(tempo_bpm=(120, 126)),
    ]  # fmt: skip
    answered = 0
    for at_s in range(10, 40):
        with catalogue.writing() as stores:
            for _ in range(rng.randint(1, 3)):
                change(stores, rng, at_s)
        for wanted in looks:
            found, told = in_memory(catalogue, memory, wanted)
            assert found in (None, told)
            answered += found is not None
        memory.settle()
    # Removals want everything to be read again; nothing else does.
    assert answered > 60
    catalogue.close()


def change(stores, rng: random.Random, at_s: float) -> None:
    here = [track for track in map(track_id, range(TRACKS + 20)) if stores.tracks.get(track) is not None]
    one, other = rng.sample(here, 2)
    match rng.choice(["fact", "fact", "fact", "played", "vector", "remove", "absorb", "again"]):
        case "fact":
            stores.facts.record(one, some_facts(rng, at_s))
        case "played":
            played = Fact(field=Field.LAST_PLAYED, value=1.3e9, source=SOURCES[1], at_s=at_s)
            stores.facts.record(one, [played])
        case "vector":
            stores.vectors.put(SPACE, one, a_vector(rng.randint(0, 99)))
        case "remove":
            stores.tracks.remove([one])
        case "absorb":
            stores.tracks.absorb(one, other)
        case "again":
            stores.carrying.put_back(stores.carrying.take_out(one))


def test_what_an_import_says_anew_is_followed(tmp_path: Path) -> None:
    catalogue, new_id, source = open_device(tmp_path / "catalogue.db"), ids(), SOURCES[1]
    rows = [a_row(number, rating=1, last_played=1e9) for number in range(20)]
    with catalogue.writing() as stores:
        stores.collection.apply(everything(*rows), source=source, at_s=1.0, new_id=new_id)
        tracks = list(stores.tracks.matching_ids(TrackFilter()))
        for number, track in enumerate(tracks):
            stores.vectors.put(SPACE, track, a_vector(number))
    memory = remember(catalogue)
    looks = TrackFilter(rating_at_least=4), TrackFilter(not_played_since_s=1.2e9)
    for values in ({Field.RATING: 1, Field.LAST_PLAYED: 1.4e9}, {Field.RATING: 5, Field.LAST_PLAYED: 1.4e9}):
        anew = [replace(row, values=values) for row in rows[:7]]
        with catalogue.writing() as stores:
            stores.collection.apply(some(*anew), source=source, at_s=2.0, new_id=new_id)
        found = [in_memory(catalogue, memory, wanted) for wanted in looks]
        assert [each == told for each, told in found] == [True, True]
    assert [len(told) for _, told in found] == [7, 13]
    catalogue.close()


def test_who_is_too_far_behind_reads_everything_again(tmp_path: Path) -> None:
    catalogue = open_device(tmp_path / "catalogue.db")
    fill(catalogue, random.Random(5))
    memory = remember(catalogue)
    wanted = TrackFilter(rating_at_least=3)
    with catalogue.writing() as stores:
        believed = Fact(field=Field.RATING, value=5, source=PERSON, at_s=99.0)
        stores.facts.record(track_id(3), [believed])
        key = key_of(track_id(4))
        again = [(key,)] * (KEPT + 2_000)
        stores.connection.exec_driver_sql("UPDATE believed SET year = 1 WHERE track = ?", again)
        stores.facts.record(track_id(4), [Fact(field=Field.YEAR, value=1, source=PERSON, at_s=99.0)])
        (kept,) = stores.connection.exec_driver_sql("SELECT count(*) FROM touched").one()
    assert KEPT <= kept <= KEPT + 1_000
    found, told = in_memory(catalogue, memory, wanted)
    assert found is None
    assert key_of(track_id(3)) in told
    memory.settle()
    assert in_memory(catalogue, memory, wanted) == (told, told)
    catalogue.close()
