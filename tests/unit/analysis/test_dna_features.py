"""The features behind the DNA: named, finite for any sound, the same each time, and each group hears its own thing."""

from functools import cache

import numpy as np
import pytest

from cratehand.analysis.dna.courses import STATISTICS, correlations, pair_names, summarise, summary_names
from cratehand.analysis.dna.features import FEATURE_GROUPS, FEATURE_NAMES
from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.domain.audio import Samples
from cratehand.domain.embedding import Vector
from cratehand.domain.key import Mode
from tests import music, signals

RATE_HZ = 44_100


def features_of(samples: Samples, *, block_frames: int = 50_000) -> Vector | None:
    analyser = TrackAnalyser(RATE_HZ, samples.shape[0])
    for start in range(0, samples.shape[1], block_frames):
        analyser.feed(samples[:, start : start + block_frames])
    analyser.finish()
    return analyser.dna_features()


@cache
def groove(tempo_bpm: float = 126.0, tonic: int = 9) -> Vector:
    found = features_of(music.groove(tempo_bpm=tempo_bpm, bars=12, tonic=tonic).samples)
    assert found is not None
    return found


def named(features: Vector, name: str) -> float:
    return float(features[FEATURE_NAMES.index(name)])


def test_they_are_many_and_each_has_its_own_name() -> None:
    assert len(FEATURE_NAMES) >= 1_000
    assert len(set(FEATURE_NAMES)) == len(FEATURE_NAMES)
    assert sum(FEATURE_GROUPS.values()) == len(FEATURE_NAMES)
    assert set(FEATURE_GROUPS) == {"signal", "timbre", "rhythm", "harmony", "energy", "structure"}
    at = 0
    for group, count in FEATURE_GROUPS.items():
        assert all(name.startswith(f"{group}: ") for name in FEATURE_NAMES[at : at + count])
        at += count


@pytest.mark.parametrize(
    "samples",
    [
        signals.stereo(signals.noise(duration_s=1.0)),
        signals.stereo(signals.noise(duration_s=0.05)),
        signals.noise(duration_s=8.0),
        np.full((2, 10 * RATE_HZ), 0.25, dtype=np.float32),
        np.full((1, 3 * RATE_HZ), 1e-4, dtype=np.float32),
        np.tile(signals.noise(duration_s=4.0), (6, 1)),
        np.concatenate([np.zeros((2, 5 * RATE_HZ)), np.full((2, 1), 1.0), np.zeros((2, 5 * RATE_HZ))], axis=1),
    ],
    ids=["one second", "a twentieth of one", "mono", "constant", "constant and quiet", "six channels", "one click"],
)
def test_they_are_finite_for_any_sound(samples: Samples) -> None:
    found = features_of(samples.astype(np.float32))
    assert found is None or (found.shape == (len(FEATURE_NAMES),) and bool(np.isfinite(found).all()))


def test_noise_of_a_second_is_enough_and_silence_has_none() -> None:
    assert features_of(signals.stereo(signals.noise(duration_s=1.0))) is not None
    assert features_of(np.zeros((2, 5 * RATE_HZ), dtype=np.float32)) is None
    assert TrackAnalyser(RATE_HZ, 2).dna_features() is None


def test_a_mix_of_hours_is_no_track() -> None:
    analyser = TrackAnalyser(RATE_HZ, 2)
    analyser.feed(signals.stereo(signals.noise(duration_s=2.0)))
    analyser.finish()
    assert analyser.dna_features() is not None
    assert analyser.dna_features(longest_s=1.5) is None


def test_they_are_the_same_each_time_whatever_the_blocks() -> None:
    samples = music.groove(tempo_bpm=126.0, bars=12, tonic=9).samples
    again = features_of(samples, block_frames=12_345)
    assert again is not None
    np.testing.assert_array_equal(groove(), again)
    assert not again.flags.writeable


def test_gain_moves_the_signal_group_only() -> None:
    samples = music.groove(tempo_bpm=126.0, bars=12, tonic=9).samples
    quiet = features_of(samples * np.float32(0.5))
    assert quiet is not None
    assert named(quiet, "signal: loudness") == pytest.approx(named(groove(), "signal: loudness") - 6.02, abs=0.1)
    start = FEATURE_GROUPS["signal"]
    apart = np.abs(quiet - groove())[start:]
    # A group's typical number stays where it is to a hundredth.
    assert float(np.quantile(apart / np.maximum(np.abs(groove()[start:]), 1.0), 0.95)) < 0.02


def test_rhythm_hears_the_tempo_and_where_the_kick_is() -> None:
    assert named(groove(), "rhythm: tempo octaves") == pytest.approx(0.0, abs=0.01)
    assert named(groove(), "rhythm: kick at beat 1.00") > named(groove(), "rhythm: kick at beat 1.50") + 0.5


def test_harmony_hears_the_tonic() -> None:
    for tonic, name in ((9, "A"), (2, "D")):
        found = groove(126.0, tonic)
        tones = [named(found, f"harmony: tone {each} mean") for each in music_tonics()]
        scale = [(tonic + step) % 12 for step in music.SCALES[Mode.MINOR]]
        others = [tone for tone in range(12) if tone not in scale]
        assert np.mean([tones[tone] for tone in scale]) > 2 * np.mean([tones[tone] for tone in others]), name


def music_tonics() -> tuple[str, ...]:
    from cratehand.domain.key import TONICS

    return TONICS


def test_timbre_hears_where_the_sound_lies() -> None:
    low, high = (features_of(signals.stereo(signals.sine(frequency_hz=hz, duration_s=6.0))) for hz in (200.0, 4_000.0))
    assert low is not None
    assert high is not None
    octaves = named(high, "timbre: centre mean") - named(low, "timbre: centre mean")
    assert octaves > 1.5


def test_structure_hears_what_comes_back() -> None:
    rng = np.random.default_rng(3)
    white = rng.uniform(-0.5, 0.5, (2, 6 * RATE_HZ + 40)).astype(np.float32)
    one, other = white[:, 40:], np.cumsum(white, axis=1)[:, 40:] / 40.0 - np.cumsum(white, axis=1)[:, :-40] / 40.0
    found = features_of(np.concatenate([one, other] * 6, axis=1))
    assert found is not None
    later = [named(found, f"structure: colour {windows} windows later") for windows in (2, 4)]
    assert later[1] > later[0] + 0.5


def test_a_course_is_told_in_a_few_numbers() -> None:
    rows = np.array([[0.0, 5.0], [1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]])
    told = dict(zip(summary_names(["rising", "still"]), summarise(rows), strict=True))
    assert told["rising mean"] == 2.0
    assert (told["rising low"], told["rising middle"], told["rising high"]) == (0.0, 2.0, 4.0)
    assert told["rising change"] == 1.0
    assert told["rising skew"] == pytest.approx(0.0)
    assert told["still spread"] == told["still skew"] == told["still memory"] == 0.0
    assert not summarise(np.empty((0, 2))).any()
    assert summarise(np.empty((0, 2))).size == 2 * len(STATISTICS)


def test_columns_that_go_together_correlate() -> None:
    rising = np.arange(9.0)
    found = correlations(np.column_stack([rising, 2.0 * rising, -rising, np.ones(9)]))
    told = dict(zip(pair_names(["a", "b", "c", "d"]), found, strict=True))
    assert told["a with b"] == pytest.approx(1.0)
    assert told["a with c"] == pytest.approx(-1.0)
    assert told["a with d"] == 0.0
    assert not correlations(np.empty((0, 3))).any()
