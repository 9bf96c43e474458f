"""Values of facts as text, and back."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.audio_quality import AudioQuality, QualityFinding, QualityVerdict
from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.cue import SuggestedCue, SuggestedCueKind
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fact_values import decode, encode
from cratehand.domain.fields import FLOAT_FIELDS, INTEGER_FIELDS, TEXT_FIELDS, Field
from cratehand.domain.key import KeyStretch, Mode, MusicalKey
from cratehand.domain.loudness import Loudness
from cratehand.domain.sound_tags import SoundTag, TagKind
from cratehand.domain.structure import Section, SectionLabel
from cratehand.domain.tempo import PossibleTempo
from cratehand.domain.waveform import Waveform

STRUCTURED = set(Field) - TEXT_FIELDS - INTEGER_FIELDS - FLOAT_FIELDS
numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.floats(0.0, 36_000.0)
keys = st.builds(MusicalKey, tonic=st.integers(0, 11), mode=st.sampled_from(Mode))
maybe = st.one_of(st.none(), numbers)


@st.composite
def grids(draw: st.DrawFn) -> BeatGrid:
    starts = sorted(draw(st.sets(times, min_size=1, max_size=6)))
    tempo = st.floats(20.0, 400.0)
    return BeatGrid(
        anchors=tuple(
            GridAnchor(start_s=start, tempo_bpm=draw(tempo), beat_in_bar=draw(st.integers(1, 4))) for start in starts
        ),
        beats_per_bar=draw(st.integers(1, 12)),
    )


VALUES: dict[Field, st.SearchStrategy[object]] = {
    Field.KEY: keys,
    Field.TAGS: st.lists(st.text()).map(tuple),
    Field.BEAT_GRID: grids(),
    Field.KEY_CHANGES: st.lists(st.builds(KeyStretch, start_s=times, key=keys), max_size=3).map(tuple),
    Field.POSSIBLE_TEMPOS: st.lists(st.builds(PossibleTempo, tempo_bpm=numbers, confidence=numbers), max_size=3).map(
        tuple
    ),
    Field.LOUDNESS: st.builds(
        Loudness, integrated_lufs=maybe, range_lu=maybe, true_peak_dbtp=maybe, short_term_max_lufs=maybe
    ),
    Field.SECTIONS: st.lists(
        st.builds(Section, start_s=times, end_s=times, label=st.sampled_from(SectionLabel)), max_size=4
    ).map(tuple),
    Field.SUGGESTED_CUES: st.lists(
        st.builds(
            SuggestedCue,
            kind=st.sampled_from(SuggestedCueKind),
            start_s=times,
            end_s=st.one_of(st.none(), times),
            reason=st.text(),
        ),
        max_size=4,
    ).map(tuple),
    Field.SOUND_TAGS: st.lists(
        st.builds(
            SoundTag,
            tag=st.text(),
            kind=st.sampled_from(TagKind),
            probability=numbers,
            genre=st.none() | st.text(),
        ),
        max_size=3,
    ).map(tuple),
    Field.QUALITY: st.builds(
        AudioQuality,
        verdict=st.sampled_from(QualityVerdict),
        findings=st.lists(st.sampled_from(QualityFinding), max_size=3).map(tuple),
        source_class=st.one_of(st.none(), st.text()),
        evidence=st.dictionaries(st.text(max_size=8), numbers, max_size=3),
    ),
}


def test_every_structured_field_is_covered_here() -> None:
    assert VALUES.keys() == STRUCTURED - {Field.WAVEFORM}


@pytest.mark.parametrize("field", sorted(VALUES))
def test_structured_values_come_back_the_same(field: Field) -> None:
    @given(VALUES[field])
    def comes_back(value: object) -> None:
        assert decode(field, encode(value)) == value

    comes_back()


@given(st.sampled_from(sorted(TEXT_FIELDS)), st.text())
def test_texts_come_back_the_same(field: Field, value: str) -> None:
    assert decode(field, encode(value)) == value


@given(st.sampled_from(sorted(INTEGER_FIELDS)), st.integers())
def test_whole_numbers_come_back_the_same(field: Field, value: int) -> None:
    assert decode(field, encode(value)) == value


@given(st.sampled_from(sorted(FLOAT_FIELDS)), numbers)
def test_numbers_come_back_the_same(field: Field, value: float) -> None:
    assert decode(field, encode(value)) == value


@given(st.integers(0, 50), st.randoms())
def test_a_waveform_comes_back_the_same(steps: int, random: object) -> None:
    levels = np.random.default_rng(steps).integers(0, 256, (4, steps), dtype=np.uint8)
    back = decode(Field.WAVEFORM, encode(Waveform(levels=levels, step_s=0.25)))
    assert isinstance(back, Waveform)
    assert np.array_equal(back.levels, levels)
    assert back.step_s == 0.25


def test_an_opinion_taken_back_is_null() -> None:
    assert encode(None) == "null"
    assert decode(Field.TITLE, "null") is None


WRONG = [
    (Field.TITLE, "12"),
    (Field.TITLE, "not json"),
    (Field.TITLE, '"open'),
    (Field.YEAR, '"1999"'),
    (Field.YEAR, "1999.5"),
    (Field.YEAR, "true"),
    (Field.TEMPO_BPM, '"128"'),
    (Field.TEMPO_BPM, "true"),
    (Field.TEMPO_BPM, "NaN"),
    (Field.TEMPO_BPM, "Infinity"),
    (Field.TEMPO_BPM, "1" + "0" * 400),
    (Field.TEMPO_BPM, "[]"),
    (Field.KEY, '"H major"'),
    (Field.KEY, "8"),
    (Field.TAGS, '"abc"'),
    (Field.SOUND_TAGS, '[{"tag":"rock","kind":"colour","probability":0.5}]'),
    (Field.SOUND_TAGS, '[{"tag":"rock","kind":"genre"}]'),
    (Field.TAGS, "[1]"),
    (Field.BEAT_GRID, '{"anchors":[],"beats_per_bar":4}'),
    (Field.BEAT_GRID, '{"anchors":[{"start_s":"0","tempo_bpm":120,"beat_in_bar":1}],"beats_per_bar":4}'),
    (Field.BEAT_GRID, '{"anchors":[{"start_s":0,"tempo_bpm":120,"beat_in_bar":1}],"beats_per_bar":0}'),
    (Field.BEAT_GRID, '{"anchors":[{"start_s":NaN,"tempo_bpm":120,"beat_in_bar":1}],"beats_per_bar":4}'),
    (Field.BEAT_GRID, '{"anchors":[{"start_s":0,"tempo_bpm":0,"beat_in_bar":1}],"beats_per_bar":4}'),
    (Field.LOUDNESS, '{"integrated_lufs":"loud","range_lu":null,"true_peak_dbtp":null}'),
    (Field.LOUDNESS, '{"integrated_lufs":-9}'),
    (Field.LOUDNESS, "-9"),
    (Field.SECTIONS, '[{"start_s":0,"end_s":1,"label":"chorus"}]'),
    (Field.SECTIONS, '[{"start_s":null,"end_s":1,"label":"drop"}]'),
    (Field.SUGGESTED_CUES, '[{"kind":"drop","start_s":1,"end_s":null,"reason":7}]'),
    (Field.WAVEFORM, '{"levels":"AAAA","step_s":1}'),
    (Field.WAVEFORM, '{"levels":"%","step_s":1}'),
    (Field.QUALITY, '{"verdict":"fine","findings":[],"source_class":null,"evidence":{}}'),
    (Field.QUALITY, '{"verdict":"lossy","findings":[],"source_class":null,"evidence":{"x":"y"}}'),
    (Field.SECTIONS, "[" * 100_000),
]


@pytest.mark.parametrize(("field", "text"), WRONG, ids=[f"{field}-{text[:30]}" for field, text in WRONG])
def test_a_text_of_another_shape_is_refused(field: Field, text: str) -> None:
    with pytest.raises(InvalidInputError):
        decode(field, text)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["anchors", "levels", "label", "verdict", "start_s"]), inner),
    ),
    max_leaves=6,
)


@given(st.sampled_from(sorted(Field)), json_values)
def test_any_json_is_either_a_value_or_refused(field: Field, raw: object) -> None:
    try:
        value = decode(field, json.dumps(raw))
    except InvalidInputError:
        return
    assert decode(field, encode(value)) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, object(), {1}, (object(),), b"bytes"])
def test_a_value_that_no_fact_can_have_is_refused(value: object) -> None:
    with pytest.raises(InvalidInputError):
        encode(value)
