"""What a reading says becomes statements; what it says no more is taken back."""

import pytest

from cratehand.domain.audio import AudioFormat
from cratehand.domain.fields import Field
from cratehand.domain.ids import ContentDigest
from cratehand.domain.provenance import SourceKind
from cratehand.domain.track_analysis import FileReading, TrackAnalysis
from cratehand.usecases.reading_facts import facts_of, names_in
from tests.fakes.sound import sound

FORMAT = AudioFormat(codec="flac", container="flac", sample_rate_hz=44_100, channels=2, duration_s=10.0, lossless=True)


def reading(**changes: object) -> FileReading:
    given = {"path": "/music/A - B.flac", "format": FORMAT, "digest": ContentDigest("x:1")} | changes
    return FileReading(**given)  # type: ignore[arg-type]


def test_an_unmeasured_tempo_is_taken_back_and_never_zero() -> None:
    facts = facts_of(reading(analysis=TrackAnalysis(duration_s=10.0)), at_s=1.0)
    (tempo,) = [fact for fact in facts if fact.field is Field.TEMPO_BPM and fact.source.kind is SourceKind.ANALYSIS]
    assert tempo.value is None


def test_a_file_with_the_same_sound_says_nothing_about_the_sound() -> None:
    facts = facts_of(reading(analysis=None, tags={Field.TITLE: "New"}), at_s=1.0)
    assert not [
        fact
        for fact in facts
        if fact.field in {Field.KEY, Field.LOUDNESS, Field.FINGERPRINT} and fact.source.name == "cratehand"
    ]
    assert [fact.value for fact in facts if fact.field is Field.TITLE and fact.source.kind is SourceKind.TAGS] == [
        "New"
    ]


def test_a_removed_tag_is_taken_back() -> None:
    facts = facts_of(reading(tags={}), at_s=1.0)
    assert [f.value for f in facts if f.field is Field.COMMENT and f.source.kind is SourceKind.TAGS] == [None]


@pytest.mark.parametrize(
    ("path", "artist", "title"),
    [
        ("/m/Artist - Title.mp3", "Artist", "Title"),
        ("/m/01 - Artist - Title (Mix).mp3", "Artist", "Title (Mix)"),
        ("/m/03. - Artist - A - B.mp3", "Artist", "A - B"),
        ("/m/only_title.wav", None, "only title"),
        ("/m/日本 - 音楽.flac", "日本", "音楽"),
    ],
)
def test_a_file_name_gives_artist_and_title(path: str, artist: str | None, title: str) -> None:
    names = names_in(path)
    assert names.get(Field.ARTIST) == artist
    assert names[Field.TITLE] == title


def test_what_is_heard_is_a_fact_of_the_model_in_the_collections_words() -> None:
    heard = reading(analysis=TrackAnalysis(duration_s=10.0), sound=sound(hip_hop=0.6, sad=0.2))
    (fact,) = [fact for fact in facts_of(heard, at_s=1.0, genres=["Hip Hop"]) if fact.field is Field.SOUND_TAGS]
    assert str(fact.source) == "analysis/musicnn/1"
    assert fact.confidence == pytest.approx(0.6)
    assert [(tag.tag, tag.genre) for tag in fact.value] == [("hip-hop", "Hip Hop"), ("sad", None)]  # type: ignore[attr-defined]


def test_other_sound_that_nobody_heard_takes_the_old_tags_back() -> None:
    facts = facts_of(reading(analysis=TrackAnalysis(duration_s=10.0)), at_s=1.0)
    assert [fact.value for fact in facts if fact.field is Field.SOUND_TAGS] == [None]
    unchanged = facts_of(reading(analysis=None), at_s=1.0)
    assert not [fact for fact in unchanged if fact.field is Field.SOUND_TAGS]
