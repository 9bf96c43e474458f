"""What a person types becomes values of fields, or one clear line."""

import pytest

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.key import Mode, MusicalKey
from cratehand.usecases.corrections import corrected_values

GRID = BeatGrid(anchors=(GridAnchor(start_s=0.5, tempo_bpm=87.0, beat_in_bar=1),))
KNOWN = {Field.TEMPO_BPM: 87.0, Field.BEAT_GRID: GRID}


def test_doubling_the_tempo_doubles_the_grid() -> None:
    values = corrected_values({"tempo": "double"}, KNOWN)
    assert values[Field.TEMPO_BPM] == 174.0
    assert values[Field.BEAT_GRID] == GRID.scaled(2.0)


def test_halving_needs_a_tempo() -> None:
    with pytest.raises(InvalidInputError, match="give the BPM"):
        corrected_values({"tempo": "half"}, {})


def test_a_tempo_keeps_the_first_downbeat_of_the_grid() -> None:
    values = corrected_values({"bpm": "174,5"}, KNOWN)
    assert values[Field.TEMPO_BPM] == 174.5
    assert values[Field.BEAT_GRID] == BeatGrid(anchors=(GridAnchor(start_s=0.5, tempo_bpm=174.5),))


def test_a_first_downbeat_moves_a_constant_grid() -> None:
    grid = corrected_values({"first_downbeat": "0.123"}, KNOWN)[Field.BEAT_GRID]
    assert grid == BeatGrid(anchors=(GridAnchor(start_s=0.123, tempo_bpm=87.0),))


def test_a_first_downbeat_moves_every_anchor_of_a_changing_grid() -> None:
    anchors = (GridAnchor(start_s=1.0, tempo_bpm=120.0, beat_in_bar=3), GridAnchor(start_s=31.0, tempo_bpm=130.0))
    grid = corrected_values({"first_downbeat": "2.5"}, {Field.BEAT_GRID: BeatGrid(anchors=anchors)})[Field.BEAT_GRID]
    assert isinstance(grid, BeatGrid)
    # The first anchor is beat 3 of 4 at 0.5 s a beat: the downbeat was at 2.0 s and is now half a second later.
    assert [anchor.start_s for anchor in grid.anchors] == [1.5, 31.5]


def test_tempo_and_downbeat_together_build_on_each_other() -> None:
    values = corrected_values({"tempo": "140", "first_downbeat": "0.25"}, {})
    assert values[Field.BEAT_GRID] == BeatGrid(anchors=(GridAnchor(start_s=0.25, tempo_bpm=140.0),))


@pytest.mark.parametrize("text", ["8A", "Am", "A minor", "1m"])
def test_a_key_is_read_in_any_notation(text: str) -> None:
    assert corrected_values({"key": text}, {}) == {Field.KEY: MusicalKey(tonic=9, mode=Mode.MINOR)}


def test_an_empty_value_takes_back() -> None:
    assert corrected_values({"title": "", "tempo": ""}, KNOWN) == {
        Field.TITLE: None,
        Field.TEMPO_BPM: None,
        Field.BEAT_GRID: None,
    }


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("tempoo", "120", "did you mean 'tempo'"),
        ("fingerprint", "x", "no field that can be set"),
        ("beat_grid", "x", "no field that can be set"),
        ("tempo", "fast", "is not a number"),
        ("tempo", "5", "not between 20 and 400"),
        ("rating", "6", "not between 0 and 5"),
        ("year", "twenty", "is not a number"),
        ("key", "H major", "is no key"),
        ("first_downbeat", "-3", "not inside the track"),
        ("tempo", "nan", "not between"),
    ],
)
def test_nonsense_is_refused_in_one_line(name: str, text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words) as caught:
        corrected_values({name: text}, KNOWN)
    assert "\n" not in str(caught.value)
