"""Fast beats that are the eighths of half the tempo, against fast beats that are none."""

import numpy as np
import pytest

from cratehand.analysis.eighths import judge_eighths
from cratehand.analysis.onsets import OnsetStream
from cratehand.domain.tempo import GenreTempo, choose_octave, is_octave
from tests import music
from tests.unit.analysis.feeding import analyse

RATE_HZ = 22_050
Pattern = tuple[str, ...]

# Letters are the hits on a step: kick, snare and hat. Two bars in eighths; the first kick is as bright as the snare, so
# that the snare on two and four does not stand alone.
HIP_HOP: Pattern = ("ksh", "h", "sh", "h", "kh", "h", "sh", "h", "ksh", "h", "sh", "h", "kh", "kh", "sh", "h")
# A kick on the one, a snare on two and four, and hats between: the eighths are filled.
DRUM_AND_BASS: Pattern = ("kh", "h", "sh", "h", "h", "kh", "sh", "h")
PUNK: Pattern = ("kh", "sh")
ALL_ALIKE: Pattern = ("kh",)
WALTZ: Pattern = ("kh", "sh", "sh")
HITS = {"k": ("kick", 0.7), "s": ("snare", 0.5), "h": ("hat", 0.2)}


def played(pattern: Pattern, steps_s: np.ndarray) -> np.ndarray:
    """Play the hits of a pattern at given times, float32 ``(2, frames)`` at 44.1 kHz."""
    track = np.zeros(round((steps_s[-1] + 1.0) * 44_100))
    for number, at_s in enumerate(steps_s):
        for letter in pattern[number % len(pattern)]:
            hit, level = HITS[letter]
            music.place(track, music.one_shot(hit), float(at_s), level)
    return np.tile((0.8 * track / np.abs(track).max()).astype(np.float32), (2, 1))


def evenly(tempo_bpm: float, *, steps: int, a_beat: int) -> np.ndarray:
    return np.arange(steps) * 60.0 / tempo_bpm / a_beat


def score(pattern: Pattern, *, fast_bpm: float = 172.0, steps_a_beat: int = 1, beats: int = 96) -> float:
    samples = played(pattern, evenly(fast_bpm, steps=beats * steps_a_beat, a_beat=steps_a_beat))
    stream = OnsetStream()
    stream.feed(samples[0, ::2].copy())
    stream.finish()
    return judge_eighths(stream.flux, evenly(fast_bpm, steps=beats, a_beat=1)).score


def test_hip_hop_heard_twice_as_fast_is_eighths() -> None:
    assert score(HIP_HOP) > 0.9


def test_drum_and_bass_is_none_for_its_eighths_sound_between_the_beats() -> None:
    assert score(DRUM_AND_BASS, steps_a_beat=2) == 0.0


def test_punk_without_eighths_is_none_for_it_repeats_after_two_beats() -> None:
    assert score(PUNK) == 0.0


@pytest.mark.parametrize("pattern", [ALL_ALIKE, WALTZ])
def test_beats_of_which_no_half_is_weaker_are_none(pattern: Pattern) -> None:
    assert score(pattern) == 0.0


def test_a_few_beats_tell_nothing() -> None:
    assert score(HIP_HOP, beats=31) == 0.0


def test_silence_tells_nothing() -> None:
    stream = OnsetStream()
    stream.feed(np.zeros(30 * RATE_HZ, dtype=np.float32))
    stream.finish()
    assert judge_eighths(stream.flux, evenly(172.0, steps=64, a_beat=1)).score == 0.0


@pytest.mark.parametrize("tempo_bpm", [82.0, 87.0, 95.0])
def test_hip_hop_whose_kick_is_as_bright_as_its_snare_is_counted_at_its_own_tempo(tempo_bpm: float) -> None:
    found = analyse(played(HIP_HOP, evenly(tempo_bpm, steps=128, a_beat=2)))
    assert found.tempo_bpm == pytest.approx(tempo_bpm, abs=0.02)
    assert found.beat_grid is not None
    beats_s = np.array([at_s for at_s, _ in found.beat_grid.beats(until_s=found.duration_s - 1.5)])
    assert np.abs(beats_s - evenly(tempo_bpm, steps=beats_s.size, a_beat=1)).max() < 0.006


def test_the_other_octave_stays_possible_and_a_genre_turns_it_back() -> None:
    found = analyse(played(HIP_HOP, evenly(87.0, steps=128, a_beat=2)))
    octaves = [each for each in found.possible_tempos[1:] if is_octave(each.tempo_bpm / 87.0)]
    assert [round(each.tempo_bpm) for each in octaves] == [174]
    assert octaves[0].confidence > 0.05
    assert found.tempo_confidence < 0.9
    jungle = [GenreTempo(tempo_bpm=172.0, weight=1.0)] * 8
    assert choose_octave(found.possible_tempos, jungle).tempo_bpm == pytest.approx(174.0, abs=0.05)


def test_fast_music_stays_fast_and_half_of_it_is_told() -> None:
    found = analyse(played(PUNK, evenly(172.0, steps=128, a_beat=1)))
    assert found.tempo_bpm == pytest.approx(172.0, abs=0.02)
    assert any(is_octave(each.tempo_bpm / 172.0) for each in found.possible_tempos[1:])


def test_all_pieces_of_a_jump_are_counted_in_one_octave() -> None:
    first_s = evenly(86.0, steps=128, a_beat=2)
    second_s = first_s[-1] + 30.0 / 86.0 + evenly(79.0, steps=128, a_beat=2)
    found = analyse(played(HIP_HOP, np.concatenate([first_s, second_s])))
    assert found.beat_grid is not None
    assert {round(anchor.tempo_bpm) for anchor in found.beat_grid.anchors} == {86, 79}
