"""Musical keys and their notations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.errors import InvalidInputError
from cratehand.domain.key import TONICS, Mode, MusicalKey, parse_key

keys = st.builds(MusicalKey, tonic=st.integers(0, 11), mode=st.sampled_from(Mode))

WHEEL = {
    "C major": "8B", "G major": "9B", "D major": "10B", "A major": "11B", "E major": "12B", "B major": "1B",
    "F# major": "2B", "C# major": "3B", "Ab major": "4B", "Eb major": "5B", "Bb major": "6B", "F major": "7B",
    "A minor": "8A", "E minor": "9A", "B minor": "10A", "F# minor": "11A", "C# minor": "12A", "Ab minor": "1A",
    "Eb minor": "2A", "Bb minor": "3A", "F minor": "4A", "C minor": "5A", "G minor": "6A", "D minor": "7A",
}  # fmt: skip
"""The Camelot wheel as it is printed on every sheet."""


@given(keys)
def test_every_notation_of_a_key_reads_back(key: MusicalKey) -> None:
    for text in (str(key), key.short, key.camelot, key.open_key, f" {key.camelot.lower()} ", key.short + " "):
        assert parse_key(text) == key


def test_camelot_is_the_printed_wheel() -> None:
    names = {
        f"{tonic} {mode}": MusicalKey(tonic=index, mode=mode) for index, tonic in enumerate(TONICS) for mode in Mode
    }
    assert {name: key.camelot for name, key in names.items()} == WHEEL


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Am", "A minor"),
        ("A minor", "A minor"),
        ("A Minor", "A minor"),
        ("A MINOR", "A minor"),
        ("Amin", "A minor"),
        ("a-Moll", "A minor"),
        ("C-Dur", "C major"),
        ("C", "C major"),
        ("CM", "C major"),
        ("Cmaj", "C major"),
        ("F#m", "F# minor"),
        ("F♯ min", "F# minor"),
        ("Gbm", "F# minor"),
        ("Dbm", "C# minor"),
        ("D♭", "C# major"),
        ("Cb", "B major"),
        ("B#", "C major"),
        ("bb", "Bb major"),
        ("Bbm", "Bb minor"),
        ("bm", "B minor"),
        ("08A", "A minor"),
        ("12b", "E major"),
        ("1m", "A minor"),
        ("1d", "C major"),
        ("12m", "D minor"),
    ],
)
def test_the_notations_of_dj_programs_are_read(text: str, name: str) -> None:
    assert str(parse_key(text)) == name


@pytest.mark.parametrize("text", ["", " ", "All", "13A", "0A", "H", "Am/C", "Asus", "8", "m", "minor", "A minor 7"])
def test_a_text_that_names_no_key_is_none(text: str) -> None:
    assert parse_key(text) is None


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading(text: str) -> None:
    key = parse_key(text)
    assert key is None or parse_key(str(key)) == key


@given(keys, keys)
def test_steps_on_the_wheel_are_the_same_both_ways_and_at_most_seven(one: MusicalKey, other: MusicalKey) -> None:
    assert one.camelot_steps(other) == other.camelot_steps(one)
    assert 0 <= one.camelot_steps(other) <= 7
    assert (one.camelot_steps(other) == 0) == (one == other)


def test_neighbours_on_the_wheel_are_one_step_apart() -> None:
    a_minor = MusicalKey(tonic=9, mode=Mode.MINOR)
    assert [a_minor.camelot_steps(key) for text in ("9A", "7A", "8B", "2A", "12A") if (key := parse_key(text))] == [
        1, 1, 1, 6, 4,
    ]  # fmt: skip


@pytest.mark.parametrize("tonic", [-1, 12])
def test_a_tonic_outside_the_octave_is_refused(tonic: int) -> None:
    with pytest.raises(InvalidInputError):
        MusicalKey(tonic=tonic, mode=Mode.MAJOR)
