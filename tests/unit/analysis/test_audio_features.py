"""The seven features and energy against sound whose character is known because it was made that way."""

from functools import cache

import numpy as np
import pytest

from cratehand.analysis.danceability import rate_danceability
from cratehand.analysis.harmonic_motion import WINDOW_HOPS, HarmonicMotion, is_measured
from cratehand.domain.audio import Samples
from cratehand.domain.audio_features import AudioFeatures
from cratehand.domain.key import Mode, MusicalKey
from tests import music, signals
from tests.bench.truth import voices
from tests.unit.analysis.feeding import analyse, lossless

NAMES = ("danceability", "valence", "arousal", "acousticness", "instrumentalness", "speechiness", "liveness")
RATE_HZ = music.SAMPLE_RATE_HZ
MELODY = [(1.0 * step, 0.9, 57 + (0, 3, 7, 5, 8, 7, 3, 2)[step % 8]) for step in range(24)]


def features_of(samples: Samples) -> AudioFeatures:
    found = analyse(samples, declared=lossless()).audio_features
    assert found is not None
    return found


def values(features: AudioFeatures) -> np.ndarray:
    return np.array([getattr(features, name) for name in NAMES], dtype=np.float64)


@cache
def bed() -> Samples:
    return music.groove(tempo_bpm=120.0, bars=12).samples


def sung_over(samples: Samples, *, level: float) -> Samples:
    voice = voices.sing(MELODY, samples.shape[1] / RATE_HZ, np.random.default_rng(4))
    return (0.5 * samples + level * voice[: samples.shape[1]]).astype(np.float32)


def pads(*, mode: Mode, bars: int = 8, parts: tuple[str, ...] = ("pad",)) -> Samples:
    bars_s = music.bar_times(100.0, bars)
    track = np.zeros(round(bars_s[-1] * RATE_HZ))
    music.harmony(track, bars_s, key=MusicalKey(tonic=2, mode=mode), parts=parts)
    return np.stack([track, track]).astype(np.float32) * np.float32(0.3)


def test_every_feature_lies_between_0_and_1_and_says_how_sure_it_is() -> None:
    found = features_of(bed())
    assert ((values(found) >= 0.0) & (values(found) <= 1.0)).all()
    assert 0.0 < found.confidence <= 1.0


def test_a_voice_in_the_mix_makes_it_less_instrumental() -> None:
    alone, sung = features_of(bed()), features_of(sung_over(bed(), level=1.2))
    assert alone.instrumentalness is not None
    assert sung.instrumentalness is not None
    assert alone.instrumentalness > 0.6
    assert sung.instrumentalness < alone.instrumentalness - 0.1


@pytest.mark.skipif(not voices.can_speak(), reason="espeak-ng is not installed")
def test_speech_is_told_from_music() -> None:
    talk = voices.speech(24.0, np.random.default_rng(2))
    spoken, played = features_of(np.stack([talk, talk])), features_of(bed())
    assert spoken.speechiness is not None
    assert played.speechiness is not None
    assert spoken.speechiness > 0.7
    assert played.speechiness < 0.2
    assert spoken.instrumentalness is not None
    assert spoken.instrumentalness < 0.3


def test_a_house_groove_is_danceable_and_a_pad_or_noise_is_not() -> None:
    noise = signals.stereo(signals.noise(duration_s=20.0))
    groove, pad, hiss = features_of(bed()), features_of(pads(mode=Mode.MINOR)), features_of(noise)
    assert groove.danceability is not None
    assert groove.danceability > 0.7
    for calm in (pad.danceability, hiss.danceability):
        assert calm is not None
        assert calm < 0.4


def test_major_is_brighter_than_minor() -> None:
    major, minor = (features_of(pads(mode=mode, parts=("bass", "pad"))).valence for mode in (Mode.MAJOR, Mode.MINOR))
    assert major is not None
    assert minor is not None
    assert major > minor + 0.1


def test_a_groove_excites_more_than_a_pad() -> None:
    groove, pad = features_of(bed()).arousal, features_of(pads(mode=Mode.MAJOR)).arousal
    assert groove is not None
    assert pad is not None
    assert groove > pad + 0.2


@pytest.mark.parametrize("gain_db", [-12.0, 6.0])
def test_gain_changes_no_feature_and_no_energy(gain_db: float) -> None:
    samples = sung_over(bed(), level=0.8) * np.float32(0.3)
    base = analyse(samples, declared=lossless())
    turned = analyse(samples * np.float32(10.0 ** (gain_db / 20.0)), declared=lossless())
    assert base.audio_features is not None
    assert turned.audio_features is not None
    assert np.abs(values(base.audio_features) - values(turned.audio_features)).max() < 0.02
    assert base.energy == turned.energy


def test_nothing_is_said_of_silence_and_of_less_than_three_seconds() -> None:
    assert analyse(np.zeros((2, 10 * RATE_HZ), dtype=np.float32)).audio_features is None
    assert analyse(bed()[:, : 2 * RATE_HZ]).audio_features is None


def test_a_vibrato_moves_together_and_a_steady_chord_stays() -> None:
    time_s = np.arange(6 * 22_050) / 22_050
    trembling = np.cumsum(220.0 * 2.0 ** (0.5 / 12.0 * np.sin(2 * np.pi * 5.5 * time_s))) / 22_050
    steady = 220.0 * time_s
    together = []
    for turns in (trembling, steady):
        sound = sum(np.sin(2 * np.pi * number * turns) / number for number in range(1, 16))
        motion = HarmonicMotion()
        motion.feed(np.asarray(0.1 * sound, dtype=np.float32))
        motion.finish()
        together.append(float(motion.rows.means[1]))
    assert together[0] > 0.05
    assert together[1] < 0.01


def test_motion_is_measured_densely_first_and_then_every_second_window() -> None:
    assert is_measured(np.arange(12)).tolist() == [True] * 9 + [False, True, False]
    motion = HarmonicMotion()
    for _ in range(40):
        motion.feed(np.ones(22_050, dtype=np.float32))
    motion.finish()
    assert motion.rows.hops == 11 * WINDOW_HOPS


def test_danceability_of_a_very_short_pulse_is_unknown() -> None:
    found = analyse(bed()[:, : 4 * RATE_HZ]).audio_features
    assert found is not None
    assert found.danceability is not None
    from cratehand.analysis.hop_store import HopStore

    assert rate_danceability(HopStore(4)) is None
