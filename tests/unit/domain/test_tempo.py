"""The octave of a tempo, by the sound and by the genre."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cratehand.domain.tempo import GenreTempo, PossibleTempo, choose_octave, is_octave

SLOW = (PossibleTempo(tempo_bpm=87.0, confidence=0.6), PossibleTempo(tempo_bpm=174.0, confidence=0.3))


def genre(*tempos_bpm: float, weight: float = 1.0) -> list[GenreTempo]:
    return [GenreTempo(tempo_bpm=tempo_bpm, weight=weight) for tempo_bpm in tempos_bpm]


@pytest.mark.parametrize("ratio", [2.0, 0.5, 1.98, 0.505])
def test_octaves_are_twos_and_halves(ratio: float) -> None:
    assert is_octave(ratio)


@pytest.mark.parametrize("ratio", [1.0, 1.5, 3.0, 1.9, 0.25])
def test_nothing_else_is_an_octave(ratio: float) -> None:
    assert not is_octave(ratio)


def test_a_genre_that_is_counted_fast_takes_the_fast_octave() -> None:
    chosen = choose_octave(SLOW, genre(172.0, 174.0, 175.0, 176.0, 170.0, 174.0))
    assert chosen.tempo_bpm == 174.0
    assert 0.3 < chosen.confidence <= 0.9


def test_a_genre_that_is_counted_slowly_makes_the_slow_octave_surer() -> None:
    chosen = choose_octave(SLOW, genre(85.0, 88.0, 90.0, 86.0))
    assert chosen.tempo_bpm == 87.0
    assert chosen.confidence > 0.6


def test_nothing_is_moved_by_a_genre_of_which_nothing_is_known_or_that_lies_elsewhere() -> None:
    assert choose_octave(SLOW, []) == SLOW[0]
    assert choose_octave(SLOW, genre(128.0, 126.0, 125.0)).tempo_bpm == 87.0


def test_one_doubtful_track_does_not_outweigh_a_clear_sound() -> None:
    clear = (PossibleTempo(tempo_bpm=87.0, confidence=0.9), PossibleTempo(tempo_bpm=174.0, confidence=0.05))
    assert choose_octave(clear, genre(174.0, weight=0.5)).tempo_bpm == 87.0


def test_what_is_no_octave_never_takes_the_place() -> None:
    possible = (PossibleTempo(tempo_bpm=120.0, confidence=0.5), PossibleTempo(tempo_bpm=180.0, confidence=0.45))
    assert choose_octave(possible, genre(*[180.0] * 20)) == possible[0]


@given(
    st.floats(0.01, 1.0),
    st.floats(0.0, 1.0),
    st.lists(st.builds(GenreTempo, tempo_bpm=st.floats(40.0, 220.0), weight=st.floats(0.0, 3.0)), max_size=20),
)
def test_the_confidences_of_the_octaves_are_shared_out_and_not_made(
    first: float, second: float, others: list[GenreTempo]
) -> None:
    possible = (
        PossibleTempo(tempo_bpm=70.0, confidence=first),
        PossibleTempo(tempo_bpm=140.0, confidence=second),
    )
    chosen = choose_octave(possible, others)
    assert chosen.tempo_bpm in {70.0, 140.0}
    assert 0.0 <= chosen.confidence <= first + second + 1e-3
