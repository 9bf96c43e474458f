import random

import pytest

from cratehand.catalogue import SqliteCatalogue
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.key import MusicalKey, parse_key
from cratehand.domain.search import SortOrder, TrackFilter, TrackQuery
from tests.unit.catalogue.building import a_fact, a_track, track_id

TRACKS: dict[int, dict[Field, object]] = {
    1: {
        Field.TITLE: "Møme Café",
        Field.ARTIST: "Zed",
        Field.TEMPO_BPM: 126.0,
        Field.GENRE: "Électro",
        Field.YEAR: 2020,
        Field.INSTRUMENTALNESS: 0.9,
    },
    2: {
        Field.TITLE: "beta",
        Field.ARTIST: "ábel",
        Field.TEMPO_BPM: 124.0,
        Field.RATING: 5,
        Field.ENERGY: 7,
        Field.LAST_PLAYED: 1e3,
    },
    3: {
        Field.TITLE: "Alpha 100%",
        Field.ARTIST: "Abel",
        Field.COMMENT: "warm_up",
        Field.RATING: 3,
        Field.ENERGY: 3,
        Field.INSTRUMENTALNESS: 0.1,
    },
    4: {Field.KEY: parse_key("10A"), Field.LABEL: "ＷＩＤＥ", Field.PLAY_COUNT: 2, Field.DATE_ADDED: "2024-01-01"},
    5: {Field.KEY: parse_key("8A"), Field.TITLE: "東京 ガ", Field.PLAY_COUNT: 9, Field.DATE_ADDED: "2023-01-01"},
}


@pytest.fixture
def known(catalogue: SqliteCatalogue) -> SqliteCatalogue:
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number, analysed_at_s=1.0 if number == 3 else None) for number in TRACKS])
        for number, values in TRACKS.items():
            stores.facts.record(track_id(number), [a_fact(field, value) for field, value in values.items()])
    return catalogue


def found(catalogue: SqliteCatalogue, **conditions: object) -> list[int]:
    with catalogue.reading() as stores:
        ids = list(stores.tracks.matching_ids(TrackFilter(**conditions)))  # type: ignore[arg-type]
        page = stores.tracks.query(TrackQuery(filter=TrackFilter(**conditions)))  # type: ignore[arg-type]
    assert sorted(ids) == sorted(item.id for item in page.items)
    assert page.total == len(ids)
    return [int(track, 16) for track in ids]


@pytest.mark.parametrize(
    ("conditions", "numbers"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"text": "mome cafe"}, [1]), ({"text": "CAFÉ zed"}, [1]), ({"text": "abel"}, [2, 3]), ({"text": "wide"}, [4]),
        ({"text": "100%"}, [3]), ({"text": "m_u"}, [3]), ({"text": "m_x"}, []), ({"text": "%"}, [3]),
        ({"text": "5.MP3"}, [5]),
        ({"text": "東京"}, [5]), ({"text": "カ"}, []), ({"text": "beta zed"}, []), ({"text": " \n "}, [1, 2, 3, 4, 5]),
        ({"text": "x" * 100_000}, []), ({"text": "\udcff"}, []),
        ({"tempo_bpm": (124.0, 126.0)}, [1, 2]), ({"tempo_bpm": (124.5, 127)}, [1]),
        ({"camelot": frozenset({"8A", "10a"})}, [4, 5]), ({"camelot": frozenset({"08A"})}, [5]),
        ({"energy": (3, 6)}, [3]), ({"genre": "electro"}, [1]), ({"year": (2020, 2020)}, [1]),
        ({"rating_at_least": 4}, [2]), ({"analysed": True}, [3]), ({"analysed": False}, [1, 2, 4, 5]),
        ({"analysed": False, "text": "abel"}, [2]),
        ({"tempo_bpm": (62.5, 63.5), "tempo_octaves": True}, [1]), ({"tempo_bpm": (252, 252), "tempo_octaves": True}, [1]),
        ({"tempo_bpm": (63, 63)}, []), ({"mixes_with": "9A"}, [4, 5]), ({"mixes_with": "C major"}, [5]),
        ({"mixes_with": "12A"}, []), ({"instrumental": True}, [1]), ({"instrumental": False}, [3]),
        ({"not_played_since_s": 1000.0}, [1, 3, 4, 5]), ({"not_played_since_s": 1001.0}, [1, 2, 3, 4, 5]),
        ({"not_genres": frozenset({"electro"})}, [2, 3, 4, 5]), ({"without_words": ("mome", "warm_up")}, [2, 4, 5]),
        ({"without_words": ("",)}, [1, 2, 3, 4, 5]),
    ],
)  # fmt: skip
def test_every_condition_has_to_hold(known: SqliteCatalogue, conditions: dict[str, object], numbers: list[int]) -> None:
    assert found(known, **conditions) == numbers


@pytest.mark.parametrize(
    ("order", "ascending", "descending"),
    [
        (SortOrder.ARTIST, [3, 2, 1, 4, 5], [1, 3, 2, 4, 5]),
        (SortOrder.TITLE, [3, 2, 1, 5, 4], [5, 1, 2, 3, 4]),
        (SortOrder.TEMPO, [2, 1], [1, 2]),
        (SortOrder.CAMELOT, [5, 4], [4, 5]),
        (SortOrder.ENERGY, [3, 2], [2, 3]),
        (SortOrder.DATE_ADDED, [5, 4], [4, 5]),
        (SortOrder.PLAY_COUNT, [4, 5], [5, 4]),
        (SortOrder.RATING, [3, 2], [2, 3]),
    ],
)
def test_the_unknown_comes_last_whichever_way_the_order_runs(
    known: SqliteCatalogue, order: SortOrder, ascending: list[int], descending: list[int]
) -> None:
    for way, numbers in ((False, ascending), (True, descending)):
        with known.reading() as stores:
            page = stores.tracks.query(TrackQuery(order=order, descending=way))
        assert [int(item.id, 16) for item in page.items][: len(numbers)] == numbers


def test_pages_join_to_the_whole_without_gap_or_repeat(catalogue: SqliteCatalogue) -> None:
    rng = random.Random(1)
    count = 2500  # more than what is sorted in one go
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(count)])
        for number in range(0, count, 5):
            facts = [a_fact(Field.TEMPO_BPM, float(rng.randint(80, 90))), a_fact(Field.TITLE, f"t{rng.randint(0, 9)}")]
            stores.facts.record(track_id(number), facts)
    for conditions in (TrackFilter(), TrackFilter(text="mp3"), TrackFilter(text="t1")):
        with catalogue.reading() as stores:
            whole = stores.tracks.query(TrackQuery(filter=conditions, order=SortOrder.TEMPO, limit=5000))
            assert whole.next_offset is None
            assert whole.total == len(whole.items)
            pieces, offset = [], 0
            while offset is not None:
                query = TrackQuery(filter=conditions, order=SortOrder.TEMPO, limit=333, offset=offset)
                page = stores.tracks.query(query)
                pieces += page.items
                offset = page.next_offset  # type: ignore[assignment]
            assert pieces == list(whole.items)
        known = [item.tempo_bpm for item in whole.items if item.tempo_bpm is not None]
        assert known == sorted(known)
        assert all(item.tempo_bpm is None for item in whole.items[len(known) :])


def test_a_page_beyond_the_end_is_empty_and_a_negative_one_refused(known: SqliteCatalogue) -> None:
    with known.reading() as stores:
        beyond = stores.tracks.query(TrackQuery(offset=50))
        assert (list(beyond.items), beyond.total, beyond.next_offset) == ([], 5, None)
        assert stores.tracks.query(TrackQuery(limit=0)).items == []
        for query in (TrackQuery(limit=-1), TrackQuery(offset=-1)):
            with pytest.raises(InvalidInputError):
                stores.tracks.query(query)
        with pytest.raises(InvalidInputError, match="13A"):
            stores.tracks.query(TrackQuery(filter=TrackFilter(camelot=frozenset({"13A"}))))


def test_summaries_come_in_the_order_asked_for(known: SqliteCatalogue) -> None:
    with known.reading() as stores:
        asked = [track_id(3), track_id(99), track_id(1), track_id(3)]
        assert [int(item.id, 16) for item in stores.tracks.summaries(asked)] == [3, 1, 3]
        key = stores.tracks.summaries([track_id(4)])[0]
        assert isinstance(TRACKS[4][Field.KEY], MusicalKey)
        assert (key.camelot, key.key) == ("10A", "B minor")


def test_a_statement_that_was_taken_back_is_none(known: SqliteCatalogue) -> None:
    with known.writing() as stores:
        stores.facts.record(track_id(1), [a_fact(Field.INSTRUMENTALNESS, None, at_s=2.0)])
        stores.facts.record(track_id(2), [a_fact(Field.LAST_PLAYED, None, at_s=2.0)])
    assert found(known, instrumental=True) == []
    assert found(known, not_played_since_s=1.0) == [1, 2, 3, 4, 5]


def test_a_key_that_is_none_is_told(known: SqliteCatalogue) -> None:
    with pytest.raises(InvalidInputError, match="Camelot"):
        found(known, mixes_with="H major")


def test_genres_come_by_how_often_they_are_used(catalogue: SqliteCatalogue) -> None:
    with catalogue.writing() as stores:
        assert list(stores.tracks.genres()) == []
        stores.tracks.add([a_track(number) for number in range(4)])
        for number, genre in enumerate(["House", "Techno", "Techno", None]):
            stores.facts.record(track_id(number), [a_fact(Field.GENRE, genre)])
        assert list(stores.tracks.genres()) == ["Techno", "House"]


def test_genres_that_are_kept_are_asked_for_anew_after_a_change(catalogue: SqliteCatalogue) -> None:
    for number, genre in enumerate(["House", "Techno"]):
        with catalogue.writing() as stores:
            stores.tracks.add([a_track(number)])
            stores.facts.record(track_id(number), [a_fact(Field.GENRE, genre)])
        for _ in range(2):
            with catalogue.reading() as stores:
                assert list(stores.tracks.genres()) == ["House", "Techno"][: number + 1]
