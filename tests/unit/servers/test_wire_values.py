import json
import math
import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.provenance import Fact, Source, SourceKind
from cratehand.domain.search import Match
from cratehand.domain.track import Presence, Track, TrackDetail, TrackSummary
from cratehand.servers.grpc.translate import match_messages, summary_message, track_message
from cratehand.servers.wire_values import int32, number, path_text, plain, text

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@given(ANY_TEXT)
def test_any_text_becomes_utf8_and_good_text_stays(value: str) -> None:
    sent = text(value)
    sent.encode("utf-8")
    if not any(0xD800 <= ord(character) < 0xE000 for character in value):
        assert sent == value


@given(st.binary(max_size=60).filter(lambda raw: b"\0" not in raw))
def test_any_path_of_the_disk_becomes_utf8(raw: bytes) -> None:
    sent = path_text(Path(os.fsdecode(b"/" + raw)))
    sent.encode("utf-8")


def test_bytes_of_a_path_that_are_no_utf8_are_escaped() -> None:
    assert path_text(os.fsdecode(b"/m/caf\xe9 \xe6\x97\xa5.mp3")) == "/m/caf\\xe9 日.mp3"


def test_numbers_that_are_none_or_do_not_fit_are_absent() -> None:
    assert [number(value) for value in (1.5, math.nan, math.inf, -math.inf, None)] == [1.5, None, None, None, None]
    assert [int32(value) for value in (5, 2**31, -(2**31), -(2**31) - 1, None)] == [5, None, -(2**31), None, None]


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)


@given(NESTED)
def test_plain_data_are_always_strict_json(value: object) -> None:
    json.dumps(plain(value), allow_nan=False, ensure_ascii=False).encode("utf-8")


def summary(**values: object) -> TrackSummary:
    return TrackSummary(**{"id": TrackId("a"), "path": None, "presence": Presence.OFFLINE, **values})


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "title": ANY_TEXT, "error": ANY_TEXT, "year": st.integers(), "play_count": st.integers(),
            "tempo_bpm": st.floats(), "duration_s": st.floats(), "integrated_lufs": st.floats(),
        },
    )
)  # fmt: skip
def test_any_summary_becomes_a_message(values: dict[str, object]) -> None:
    message = summary_message(summary(**values))
    for name in ("tempo_bpm", "duration_s", "integrated_lufs"):
        assert not message.HasField(name) or math.isfinite(getattr(message, name))
    assert not message.HasField("path")
    assert len(match_messages([Match(track=summary(**values), score=math.nan)]).matches) == 1


@given(
    st.sampled_from([Field.TITLE, Field.TEMPO_BPM, Field.TAGS]),
    NESTED.filter(lambda value: not isinstance(value, dict)),
)
def test_any_fact_becomes_a_message_and_at_most_one_is_believed(field: Field, value: object) -> None:
    said = [
        Fact(field=field, value=value, source=Source(kind=kind, name="\udcff"), at_s=at_s, confidence=1.0)
        for at_s, kind in enumerate((SourceKind.TAGS, SourceKind.ANALYSIS, SourceKind.PERSON))
    ]
    track = Track(id=TrackId("a"), path=None, presence=Presence.OFFLINE, added_at_s=0.0)
    detail = TrackDetail(track=track, summary=summary(), facts=tuple(said), cues=(), playlists=("\udc80/a",))
    message = track_message(detail)
    assert [fact.believed for fact in message.facts] == [False, False, value is not None]
    for fact in message.facts:
        json.loads(fact.value_json)
