"""A line of text becomes filters and words; what is not understood stays a word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.search import TrackFilter
from cratehand.domain.search_text import ParsedSearch, parse_search

GENRES = ("House", "Deep House", "Drum & Bass", "Techno")


def parsed(text: str) -> ParsedSearch:
    return parse_search(text, genres=GENRES)


def test_the_line_of_the_issue() -> None:
    assert parsed("dusty rhodes, no vocals, 118-121") == ParsedSearch(
        filter=TrackFilter(tempo_bpm=(118.0, 121.0), instrumental=True), words=("dusty", "rhodes")
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("120 - 126 bpm", {"tempo_bpm": (120.0, 126.0)}), ("126 BPM", {"tempo_bpm": (125.5, 126.5)}),
        ("118 to 121", {"tempo_bpm": (118.0, 121.0)}), ("over 140 bpm", {"tempo_bpm": (140.0, 1e9)}),
        ("under 100.5 bpm", {"tempo_bpm": (0.0, 100.5)}),
        ("8A", {"camelot": frozenset({"8A"})}), ("8a/9A", {"camelot": frozenset({"8A", "9A"})}),
        ("in A minor", {"camelot": frozenset({"8A"})}), ("F# major", {"camelot": frozenset({"2B"})}),
        ("in F#m", {"camelot": frozenset({"11A"})}), ("mixes with 8A", {"mixes_with": "8A"}),
        ("energy 6-8", {"energy": (6, 8)}), ("energy 5", {"energy": (5, 5)}), ("high energy", {"energy": (7, 10)}),
        ("peak-time", {"energy": (7, 10)}), ("warm-up", {"energy": (1, 4)}), ("low energy", {"energy": (1, 4)}),
        ("no vocals", {"instrumental": True}), ("instrumental", {"instrumental": True}),
        ("without singing", {"instrumental": True}), ("with vocals", {"instrumental": False}),
        ("90s", {"year": (1990, 1999)}), ("1980s", {"year": (1980, 1989)}), ("10s", {"year": (2010, 2019)}),
        ("1995-1999", {"year": (1995, 1999)}), ("4 stars", {"rating_at_least": 4}),
        ("not played since 2026-01-31", {"not_played_since_s": 1_769_817_600.0}),
        ("house", {"genre": "House"}), ("drum and bass", {"genre": "Drum & Bass"}),
        ("no techno", {"not_genres": frozenset({"Techno"})}), ("not deep house", {"not_genres": frozenset({"Deep House"})}),
        ("deep house 120-122 8A", {
            "genre": "Deep House", "tempo_bpm": (120.0, 122.0), "camelot": frozenset({"8A"}),
        }),
    ],
)  # fmt: skip
def test_filters_are_read_and_leave_no_word(text: str, wanted: dict[str, object]) -> None:
    assert parsed(text) == ParsedSearch(filter=TrackFilter(**wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "house of pain", "126", "1999", "am", "a", "blink 182", "24-7", "900-950", "121-118", "energy 11", "13A", "a-ha",
        "mixes with you", "not played since 2026-13-01", "in memoriam", "B minority", "technology",
    ],
)  # fmt: skip
def test_what_may_be_a_name_stays_words(text: str) -> None:
    found = parsed(text)
    assert found.words == tuple(text.replace(" -", "").split()) or text.startswith("not ")
    assert found.filter.tempo_bpm is None
    assert found.filter.year is None
    assert found.filter.camelot == frozenset()
    assert found.filter.not_played_since_s is None


def test_a_year_beside_other_parts_is_a_year() -> None:
    assert parsed("soulful, 1998") == ParsedSearch(filter=TrackFilter(year=(1998, 1998)), words=("soulful",))


def test_unwanted_words_are_kept_apart() -> None:
    found = parsed("jazzy without guitar, no saxophone")
    assert found.words == ("jazzy",)
    assert found.unwanted == ("guitar", "saxophone")
    assert found.filter.without_words == ("guitar", "saxophone")


def test_of_two_spellings_of_a_genre_the_most_used_is_meant() -> None:
    assert parse_search("dnb", genres=["DnB", "Drum & Bass"]).filter.genre == "DnB"


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    found = parsed(text)
    assert all(word.strip() for word in found.words)


def test_a_long_text_is_read_quickly() -> None:
    parsed("8A " * 100_000)
    parsed("no " * 100_000)
    parsed("1" * 1_000_000)
