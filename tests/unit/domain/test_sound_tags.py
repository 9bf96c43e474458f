"""Tags in words, and in the collection's own words."""

import numpy as np
import pytest

from cratehand.domain.sound_tags import SOUND_TAGS, TAG_NAMES, TagKind, genre_key, likely_tags, with_genres


def probabilities(**given: float) -> np.ndarray:
    return np.array([given.get(tag.replace("-", "_"), 0.01) for tag in TAG_NAMES], dtype=np.float32)


def test_the_likely_tags_come_first_and_the_unlikely_not_at_all() -> None:
    tags = likely_tags(probabilities(house=0.7, happy=0.2, guitar=0.09))
    assert [(each.tag, each.kind) for each in tags] == [("house", TagKind.GENRE), ("happy", TagKind.MOOD)]
    assert tags[0].probability == pytest.approx(0.7)


def test_at_most_ten_tags_are_told() -> None:
    assert len(likely_tags(np.full(len(TAG_NAMES), 0.5, dtype=np.float32))) == 10


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hip-hop", "Hip Hop"), ("rnb", "R&B"), ("rnb", "R'n'B"), ("Drum & Bass", "drum and bass"),
        ("Drum & Bass", "DNB"), ("Drum & Bass", "Drum'n'Bass"), ("indie pop", "Indie-Pop"),
    ],
)  # fmt: skip
def test_spellings_of_one_genre_are_one(one: str, other: str) -> None:
    assert genre_key(one) == genre_key(other)


def test_other_genres_stay_apart() -> None:
    assert len({genre_key(tag) for tag in SOUND_TAGS}) == len(SOUND_TAGS)
    assert genre_key("rock") != genre_key("rock and roll")


def test_a_genre_is_told_in_the_collections_own_words_and_the_most_used_spelling() -> None:
    tags = likely_tags(probabilities(hip_hop=0.6, soul=0.4, mellow=0.3))
    named = with_genres(tags, ["Techno", "Hip Hop", "HIPHOP", "Mellow"])
    assert [each.genre for each in named] == ["Hip Hop", None, None]
