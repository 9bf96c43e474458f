import pytest

from tests.bench.truth.score_key import TONICS, camelot_compatible, mirex, parts


@pytest.mark.parametrize(
    ("said", "points"),
    [
        ("A minor", 1.0),
        ("E minor", 0.5),
        ("D minor", 0.0),
        ("C major", 0.3),
        ("A major", 0.2),
        ("F# major", 0.0),
        (None, 0.0),
    ],
)
def test_mirex_weighs_errors_by_their_kind(said: str | None, points: float) -> None:
    assert mirex(said, "A minor") == points


def test_the_relative_is_known_in_both_directions_for_every_key() -> None:
    for tonic, name in enumerate(TONICS):
        minor = f"{TONICS[(tonic - 3) % 12]} minor"
        assert mirex(minor, f"{name} major") == 0.3
        assert mirex(f"{name} major", minor) == 0.3


def test_enharmonic_spellings_are_the_same_key() -> None:
    assert parts("Db major") == parts("C# major")
    assert mirex("G# minor", "Ab minor") == 1.0


def test_words_that_are_no_key_are_refused() -> None:
    with pytest.raises(ValueError, match="no key"):
        parts("8A")


def test_camelot_neighbours_mix() -> None:
    # A minor is 8A: 7A is D minor, 9A is E minor, 8B is C major, 9B is G major.
    for said in ("A minor", "D minor", "E minor", "C major"):
        assert camelot_compatible(said, "A minor")
    for said in ("G major", "B minor", "A major", "Eb minor", None):
        assert not camelot_compatible(said, "A minor")


def test_camelot_closes_its_circle() -> None:
    # C# minor is 12A, Ab minor is 1A.
    assert camelot_compatible("C# minor", "Ab minor")
