"""Words first, then filters among the words, then what sounds like them; each answer says which."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from cratehand.catalogue.device import SqliteCatalogue
from cratehand.domain.embedding import SOUND_SPACE, TAG_SPACE, EmbeddingSpace, Vector
from cratehand.domain.errors import UnavailableError
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.key import parse_key
from cratehand.domain.provenance import Fact, Source, SourceKind
from cratehand.domain.search import TrackFilter
from cratehand.domain.sound_tags import TAG_NAMES, SoundDescription
from cratehand.domain.track import Presence, Track
from cratehand.usecases.reading_vectors import keep_vectors
from cratehand.usecases.sound_words import FLOOR, TagWords, usual_logarithms
from cratehand.usecases.text_search import TextSearch
from tests.fakes.readings import analysis, reading
from tests.fakes.sound import sound

TAGS = Source(kind=SourceKind.TAGS, name="file")
KEYS, METAL, SINGER, HOUSE = (TrackId(digit * 16) for digit in "1234")


def add(catalogue: SqliteCatalogue, track_id: TrackId, heard: SoundDescription | None, **values: object) -> None:
    with catalogue.writing() as stores:
        stores.tracks.add([Track(id=track_id, path=None, presence=Presence.MISSING, added_at_s=1.0)])
        facts = [Fact(field=Field(name), value=value, source=TAGS, at_s=1.0) for name, value in values.items()]
        stores.facts.record(track_id, facts)
        keep_vectors(stores.vectors, track_id, reading("/x.flac", analysis=analysis(), sound=heard))


@pytest.fixture
def search(catalogue: SqliteCatalogue) -> TextSearch:
    add(catalogue, KEYS, sound(soul=0.5, jazz=0.4, electronic=0.4), title="One", tempo_bpm=120.0, instrumentalness=0.9)
    add(
        catalogue,
        METAL,
        sound(metal=0.7, guitar=0.3, electronic=0.3),
        title="Two",
        tempo_bpm=120.0,
        key=parse_key("8A"),
    )
    add(
        catalogue, SINGER, sound(soul=0.6, jazz=0.3, electronic=0.5), title="Three", tempo_bpm=119.0,
        instrumentalness=0.1,
    )  # fmt: skip
    add(catalogue, HOUSE, sound(house=0.6, electronic=0.7), title="Dusty", genre="House", tempo_bpm=126.0, comment="8A")
    return TextSearch(catalogue)


def found(search: TextSearch, text: str, **more: object) -> list[tuple[TrackId, str]]:
    return [(match.track.id, match.ranking) for match in search.search(text, **more)]  # type: ignore[arg-type]


def test_the_line_of_the_issue_finds_what_sounds_like_it(search: TextSearch) -> None:
    assert found(search, "dusty rhodes, no vocals, 118-121") == [(KEYS, "tags")]
    [match] = search.search("dusty rhodes, no vocals, 118-121")
    assert match.reasons == ("sounds soul 50%, jazz 40%",)
    assert 0.0 < match.score <= 0.6


def test_a_title_that_says_it_comes_before_what_sounds_like_it(search: TextSearch) -> None:
    answers = found(search, "dusty")
    assert answers[0] == (HOUSE, "words")
    assert (KEYS, "tags") in answers
    assert (METAL, "tags") not in answers


def test_what_is_heard_everywhere_decides_nothing(search: TextSearch) -> None:
    assert found(search, "metal") == [(METAL, "tags")]
    assert found(search, "house")[0] == (HOUSE, "words")


def test_unwanted_sounds_rank_lower(search: TextSearch) -> None:
    ranked = [track_id for track_id, _ in found(search, "guitar, no soul")]
    assert ranked[0] == METAL
    assert SINGER not in ranked


def test_filters_alone_find_all_that_fits_and_say_so(search: TextSearch) -> None:
    assert set(found(search, "119-120")) == {(track_id, "filters") for track_id in (KEYS, METAL, SINGER)}


def test_a_text_that_looks_like_a_filter_is_looked_for_as_it_stands_too(search: TextSearch) -> None:
    # One says it in its comment, another is in that key.
    assert found(search, "8A") == [(HOUSE, "words"), (METAL, "filters")]


def test_a_filter_that_is_given_wins_over_one_that_is_read(search: TextSearch) -> None:
    given = TrackFilter(tempo_bpm=(126.0, 126.0))
    assert found(search, "119-120", track_filter=given) == [(HOUSE, "filters")]


def test_the_limit_holds_over_all_rankings(search: TextSearch) -> None:
    assert len(found(search, "soul", limit=1)) == 1
    assert len({track_id for track_id, _ in found(search, "soul jazz")}) == len(found(search, "soul jazz"))


def test_words_that_say_nothing_of_sound_find_nothing(search: TextSearch) -> None:
    assert found(search, "xyzzy") == []
    assert TagWords().place(["xyzzy"], []) is None


def test_two_words_that_are_one_tag_are_that_tag() -> None:
    place = TagWords().place(["heavy", "metal"], ["female", "vocalists"])
    assert place is not None
    assert {TAG_NAMES[index]: float(place[index]) for index in np.flatnonzero(place)} == {
        "heavy metal": 1.0, "female vocalists": -1.0,
    }  # fmt: skip


def test_one_track_alone_is_not_its_own_usual() -> None:
    alone = np.full((1, 50), 0.01, dtype=np.float32)
    alone[0, 3] = 0.9
    logarithms = np.log(alone + FLOOR)
    assert (logarithms - usual_logarithms(logarithms))[0].argmax() == 3


class InSoundSpace:
    """A model of text and sound: every text lies where seed 7 does."""

    name = "clap"

    @property
    def space(self) -> EmbeddingSpace:
        return SOUND_SPACE

    def place(self, words: Sequence[str], unwanted: Sequence[str]) -> Vector | None:
        return sound(seed=7).embedding


def test_a_model_of_text_and_sound_ranks_in_its_own_space(catalogue: SqliteCatalogue) -> None:
    add(catalogue, KEYS, sound(seed=7), title="One")
    add(catalogue, METAL, leaning(sound(seed=8), 0.3), title="Two")
    add(catalogue, HOUSE, leaning(sound(seed=8), -0.3), title="Three")
    first, second = TextSearch(catalogue, find_listeners=lambda: [InSoundSpace()]).search("anything at all")
    assert (first.track.id, first.ranking) == (KEYS, "clap")
    assert first.score == pytest.approx(0.6, abs=1e-4)
    assert second.track.id == METAL
    assert second.score < first.score


def leaning(heard: SoundDescription, cosine: float) -> SoundDescription:
    """What lies at an angle to where `InSoundSpace` places every text."""
    towards, across = sound(seed=7).embedding, heard.embedding
    across = across - (across @ towards) * towards
    turned = cosine * towards + np.sqrt(1 - cosine**2) * across / np.linalg.norm(across)
    return replace(heard, embedding=turned.astype(np.float32))


class Broken(InSoundSpace):
    def place(self, words: Sequence[str], unwanted: Sequence[str]) -> Vector | None:
        raise UnavailableError("the model fell over")


def test_a_model_that_fails_is_told_and_the_words_themselves_rank(
    catalogue: SqliteCatalogue, search: TextSearch, caplog: pytest.LogCaptureFixture
) -> None:
    assert (
        found(TextSearch(catalogue, find_listeners=lambda: [Broken()]), "metal")
        == found(search, "metal")
        == [(METAL, "tags")]
    )
    assert "the model fell over" in caplog.text


class Vague:
    """A model of language for which everything is rock."""

    name = "minilm"
    space = TAG_SPACE

    def place(self, words: Sequence[str], unwanted: Sequence[str]) -> Vector | None:
        weights = np.zeros(len(TAG_NAMES), dtype=np.float32)
        weights[TAG_NAMES.index("rock")] = 0.1
        return weights


def test_the_table_of_words_helps_a_model_of_language(catalogue: SqliteCatalogue, search: TextSearch) -> None:
    answers = found(TextSearch(catalogue, find_listeners=lambda: [Vague()]), "rhodes")
    assert answers[0] in {(KEYS, "minilm"), (SINGER, "minilm")}
