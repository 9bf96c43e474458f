"""Key and tuning against chords whose key is known."""

import numpy as np
import pytest

from cratehand.analysis.key import KeyFit, doubt_speech
from cratehand.domain.key import Mode, MusicalKey
from tests import music, signals
from tests.unit.analysis.feeding import analyse


def cadence(key: MusicalKey, *, cents: float = 0.0) -> music.Stereo:
    """Tonic, subdominant, dominant, tonic, four times over, with bass: a key that nobody doubts."""
    bars_s = music.bar_times(120.0, 12)
    track = np.zeros(round(bars_s[-1] * music.SAMPLE_RATE_HZ))
    for bar, start_s in enumerate(bars_s[:-1]):
        notes = music.triad(key, (0, 3, 4, 0)[bar % 4])
        for note in notes:
            music.place(track, music.tone(60 + note % 12, 1.9, cents=cents), float(start_s), 0.1)
        music.place(track, music.tone(36 + notes[0] % 12, 1.9, cents=cents), float(start_s), 0.2)
    return np.stack([track, track]).astype(np.float32)


@pytest.mark.parametrize("tonic", [0, 3, 6, 9])
@pytest.mark.parametrize("mode", list(Mode))
def test_a_cadence_has_its_key(tonic: int, mode: Mode) -> None:
    key = MusicalKey(tonic=tonic, mode=mode)
    found = analyse(cadence(key))
    assert found.key == key
    assert found.key_confidence > 0.3


@pytest.mark.parametrize("cents", [-40.0, -15.0, 0.0, 25.0])
def test_the_tuning_is_heard_and_the_key_stays(cents: float) -> None:
    key = MusicalKey(tonic=2, mode=Mode.MINOR)
    found = analyse(cadence(key, cents=cents))
    assert found.key == key
    assert found.tuning_cents == pytest.approx(cents, abs=4.0)


def test_drums_over_chords_leave_a_compatible_key() -> None:
    song = music.groove(tempo_bpm=126.0, bars=16, tonic=4, mode=Mode.MAJOR)
    found = analyse(song.samples)
    assert found.key is not None
    assert song.key is not None
    assert found.key.camelot_steps(song.key) <= 1


def test_noise_has_no_key() -> None:
    found = analyse(signals.stereo(signals.noise(duration_s=20.0)))
    assert found.key is None
    assert found.key_confidence == 0.0
    assert found.tuning_cents is None


def test_who_only_speaks_is_in_no_key_for_sure() -> None:
    fit = KeyFit(key=MusicalKey(tonic=11, mode=Mode.MINOR), confidence=0.6, tuning_cents=3.0)
    assert doubt_speech(fit, 1.0).confidence == pytest.approx(0.24)
    assert doubt_speech(fit, 0.86).confidence == pytest.approx(0.42)
    assert doubt_speech(fit, 1.0).key == fit.key
    for sung in (None, 0.0, 0.66, 0.76):
        assert doubt_speech(fit, sung) == fit
