"""What has no beat, no key or no sound gets none, without a warning; and nothing depends on how it was fed."""

import dataclasses
import warnings
from collections.abc import Callable

import numpy as np
import pytest

from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.track_analysis import TrackAnalysis
from tests import music, signals
from tests.unit.analysis.feeding import analyse

RATE_HZ = 44_100


def silence() -> np.ndarray:
    return np.zeros((2, 10 * RATE_HZ), dtype=np.float32)


def constant() -> np.ndarray:
    return np.full((2, 10 * RATE_HZ), 0.3, dtype=np.float32)


def noise() -> np.ndarray:
    return signals.stereo(signals.noise(duration_s=20.0))


def held_tone() -> np.ndarray:
    return signals.sine(frequency_hz=440.0, duration_s=20.0)


def held_chord() -> np.ndarray:
    """An ambient piece: slow swells of a chord whose tones beat against each other."""
    time_s = np.arange(40 * RATE_HZ) / RATE_HZ
    swells = [(220.0, 0.07), (277.2, 0.05), (329.6, 0.11)]
    chord = sum(np.sin(2 * np.pi * hz * time_s) * (1 + np.sin(2 * np.pi * slow * time_s)) for hz, slow in swells)
    return np.asarray(0.1 * chord, dtype=np.float32)[np.newaxis]


def babble() -> np.ndarray:
    """Noise in syllables of random length and level, as speech has."""
    rng = np.random.default_rng(4)
    level = np.concatenate(
        [np.full(round(rng.uniform(0.05, 0.35) * RATE_HZ), rng.uniform(0, 1) ** 2) for _ in range(150)]
    )
    return (0.2 * level * rng.standard_normal(level.size)).astype(np.float32)[np.newaxis]


def scattered_hits() -> np.ndarray:
    rng = np.random.default_rng(5)
    track = np.zeros(40 * RATE_HZ)
    for at_s in np.cumsum(rng.exponential(0.3, 120)):
        music.place(track, music.one_shot("snare"), float(at_s), 0.5)
    return track.astype(np.float32)[np.newaxis]


@pytest.mark.parametrize("signal", [silence, constant, noise, held_tone, held_chord, babble, scattered_hits])
def test_no_beat_is_invented(signal: Callable[[], np.ndarray]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analyse(signal())
    assert found.tempo_bpm is None
    assert found.beat_grid is None
    assert found.tempo_confidence == 0.0
    assert found.sections == ()
    assert found.suggested_cues == ()


@pytest.mark.parametrize("frames", [0, 1, 100, 4_410, RATE_HZ, 2 * RATE_HZ])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_the_shortest_signals_are_analysed_without_a_warning(frames: int, channels: int) -> None:
    rng = np.random.default_rng(1)
    samples = (0.2 * rng.standard_normal((channels, frames))).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analyse(samples)
    assert found.duration_s == frames / RATE_HZ
    assert found.tempo_bpm is None


def test_numbers_that_are_none_do_not_spread() -> None:
    samples = music.drum_loop(tempo_bpm=128.0, bars=10).samples.copy()
    samples[0, 1000:1100] = np.nan
    samples[1, 5000] = np.inf
    samples[1, 9000] = 1e30
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analyse(samples)
    assert found.tempo_bpm == 128.0
    assert found.loudness is not None
    assert found.loudness.integrated_lufs is not None
    assert np.isfinite(found.loudness.integrated_lufs)


@pytest.mark.parametrize("sample_rate_hz", [8_000, 11_025, 32_000, 192_000])
def test_unusual_rates_are_analysed(sample_rate_hz: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = analyse(signals.noise(duration_s=4.0, sample_rate_hz=sample_rate_hz), sample_rate_hz=sample_rate_hz)
    assert found.duration_s == 4.0
    assert found.loudness is not None
    assert found.loudness.integrated_lufs is not None


def as_plain(analysis: TrackAnalysis) -> dict[str, object]:
    plain = {field.name: getattr(analysis, field.name) for field in dataclasses.fields(analysis)}
    plain["waveform"] = (analysis.waveform.levels.tobytes(), analysis.waveform.step_s) if analysis.waveform else None
    plain["feature_vector"] = analysis.feature_vector.tobytes() if analysis.feature_vector is not None else None
    return plain


def test_the_sizes_of_the_blocks_change_nothing() -> None:
    samples = music.groove(tempo_bpm=124.0, bars=8).samples
    expected = as_plain(analyse(samples, block_frames=samples.shape[1]))
    for block_frames in (1_000, 44_100, 131_072, 200_001):
        assert as_plain(analyse(samples, block_frames=block_frames)) == expected


def test_the_callers_buffer_may_be_reused() -> None:
    samples = music.drum_loop(tempo_bpm=128.0, bars=6).samples
    analyser = TrackAnalyser(RATE_HZ, 2)
    buffer = np.empty((2, 5_000), dtype=np.float32)
    for start in range(0, samples.shape[1], 5_000):
        piece = samples[:, start : start + 5_000]
        buffer[:, : piece.shape[1]] = piece
        analyser.feed(buffer[:, : piece.shape[1]])
    assert as_plain(analyser.finish()) == as_plain(analyse(samples))


def test_a_wrong_shape_is_refused_with_a_word() -> None:
    analyser = TrackAnalyser(RATE_HZ, 2)
    with pytest.raises(InvalidInputError, match="frames"):
        analyser.feed(np.zeros((1, 100), dtype=np.float32))
    with pytest.raises(InvalidInputError, match="Hz"):
        TrackAnalyser(0, 2)
    with pytest.raises(InvalidInputError, match="channel"):
        TrackAnalyser(RATE_HZ, 0)
