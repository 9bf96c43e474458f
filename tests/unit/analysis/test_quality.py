"""Verdict and findings on signals made to show exactly one defect each."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import firwin, lfilter

from cratehand.domain.audio_quality import AudioQuality, QualityFinding, QualityVerdict
from tests import music, signals
from tests.unit.analysis.feeding import analyse, lossless


def wide_noise(*, duration_s: float = 8.0, sample_rate_hz: int = 44_100) -> np.ndarray:
    return np.concatenate(
        [signals.noise(duration_s=duration_s, sample_rate_hz=sample_rate_hz, seed=seed) for seed in (1, 2)]
    )


def lowpassed(samples: np.ndarray, cutoff_hz: float, *, sample_rate_hz: int = 44_100) -> np.ndarray:
    """Cut at `cutoff_hz` as steeply as an encoder does, and store in 16 bits."""
    kernel = firwin(1023, cutoff_hz, fs=sample_rate_hz, window=("kaiser", 12.0))
    return (np.round(lfilter(kernel, 1.0, samples, axis=1) * 32768) / 32768).astype(np.float32)


def quality(samples: np.ndarray, *, sample_rate_hz: int = 44_100, lossy: bool = False) -> AudioQuality:
    declared = lossless(lossy=lossy, sample_rate_hz=sample_rate_hz)
    found = analyse(samples, sample_rate_hz=sample_rate_hz, declared=declared).quality
    assert found is not None
    return found


def test_a_full_spectrum_is_genuine() -> None:
    found = quality(wide_noise())
    assert found.verdict is QualityVerdict.GENUINE
    assert found.evidence["effective_bandwidth_hz"] > 20_500
    assert found.findings == ()


@pytest.mark.parametrize("wall_hz", [16_000.0, 20_000.0])
def test_a_wall_may_be_the_masters_own_so_it_alone_accuses_nobody(wall_hz: float) -> None:
    found = quality(lowpassed(wide_noise(), wall_hz))
    assert found.verdict is QualityVerdict.CANNOT_TELL
    assert found.source_class is None
    assert found.evidence["wall_hz"] == pytest.approx(wall_hz, abs=300)
    assert found.evidence["effective_bandwidth_hz"] == found.evidence["wall_hz"]


def test_dull_music_without_a_wall_can_not_be_told() -> None:
    dull = lfilter([0.02], [1.0, -0.98], wide_noise(), axis=1).astype(np.float32)
    found = quality((np.round(dull * 32768) / 32768).astype(np.float32) * 0.05)
    assert found.verdict in (QualityVerdict.CANNOT_TELL, QualityVerdict.GENUINE)


def test_96_khz_without_anything_above_22_khz_is_upsampled() -> None:
    samples = lowpassed(wide_noise(duration_s=8.0, sample_rate_hz=96_000), 21_500.0, sample_rate_hz=96_000)
    assert quality(samples, sample_rate_hz=96_000).verdict is QualityVerdict.UPSAMPLED


def test_48_khz_that_ends_where_a_cd_ends_is_upsampled() -> None:
    samples = lowpassed(wide_noise(sample_rate_hz=48_000), 21_400.0, sample_rate_hz=48_000)
    assert quality(samples, sample_rate_hz=48_000).verdict is QualityVerdict.UPSAMPLED
    full = wide_noise(sample_rate_hz=48_000)
    assert quality(full, sample_rate_hz=48_000).verdict is QualityVerdict.GENUINE


def test_16_bits_in_a_file_of_24_are_upsampled() -> None:
    coarse = (np.round(wide_noise() * 32768) / 32768).astype(np.float32)
    declared = replace(lossless(), bit_depth=24)
    padded, whole = analyse(coarse, declared=declared).quality, analyse(wide_noise(), declared=declared).quality
    assert padded is not None
    assert whole is not None
    assert padded.verdict is QualityVerdict.UPSAMPLED
    assert whole.verdict is QualityVerdict.GENUINE


def test_what_is_openly_lossy_is_called_so() -> None:
    assert quality(wide_noise(), lossy=True).verdict is QualityVerdict.LOSSY


def test_silence_and_a_second_of_sound_can_not_be_told() -> None:
    assert quality(np.zeros((2, 200_000), dtype=np.float32)).verdict is QualityVerdict.CANNOT_TELL
    assert quality(wide_noise(duration_s=1.0)).verdict is QualityVerdict.CANNOT_TELL


def test_flat_tops_are_clipping_and_a_full_scale_sine_is_not() -> None:
    sine = signals.stereo(signals.sine(frequency_hz=100.0, duration_s=5.0, level=1.6))
    clipped = quality(np.clip(sine, -1.0, 1.0))
    assert QualityFinding.CLIPPED in clipped.findings
    # Two channels, 100 tops and 100 bottoms a second.
    assert clipped.evidence["clipped_runs"] == pytest.approx(2 * 200 * 5, abs=4)
    fair = quality(signals.stereo(signals.sine(frequency_hz=1000.0, duration_s=5.0, level=0.98)))
    assert QualityFinding.CLIPPED not in fair.findings


def test_the_same_channel_twice_is_fake_stereo_and_one_channel_is_mono() -> None:
    noise = signals.noise(duration_s=3.0)
    assert quality(signals.stereo(noise)).findings == (QualityFinding.FAKE_STEREO,)
    assert quality(noise).findings == (QualityFinding.MONO,)
    assert quality(wide_noise(duration_s=3.0)).findings == ()


def test_silence_at_both_ends_is_measured() -> None:
    silent = np.zeros((2, 3 * 44_100), dtype=np.float32)
    found = quality(np.concatenate([silent, wide_noise(duration_s=4.0), silent], axis=1))
    assert found.findings == (QualityFinding.SILENCE_AT_START, QualityFinding.SILENCE_AT_END)
    assert found.evidence["silence_at_start_s"] == pytest.approx(3.0, abs=0.01)
    assert found.evidence["silence_at_end_s"] == pytest.approx(3.0, abs=0.01)


def test_a_constant_offset_is_found() -> None:
    assert QualityFinding.DC_OFFSET in quality(wide_noise(duration_s=3.0) + np.float32(0.02)).findings


def test_less_sound_than_declared_is_truncated() -> None:
    samples = music.drum_loop(tempo_bpm=128.0, bars=4).samples
    short = analyse(samples, declared=lossless(duration_s=samples.shape[1] / 44_100 + 2.0)).quality
    whole = analyse(samples, declared=lossless(duration_s=samples.shape[1] / 44_100)).quality
    assert short is not None
    assert whole is not None
    assert QualityFinding.TRUNCATED in short.findings
    assert QualityFinding.TRUNCATED not in whole.findings


def test_sixteen_bits_in_use_are_told_from_more() -> None:
    fine = wide_noise(duration_s=3.0)
    coarse = (np.round(fine * 32768) / 32768).astype(np.float32)
    assert quality(coarse).evidence["bits_in_use"] == 16
    assert quality(fine).evidence["bits_in_use"] == 24
