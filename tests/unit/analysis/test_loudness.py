"""Loudness against the cases of EBU Tech 3341 and 3342, made here, and against libebur128."""

import numpy as np
import pytest

from cratehand.analysis.loudness import LoudnessStream
from cratehand.domain.loudness import Loudness
from tests import music, signals


def measure(samples: np.ndarray, *, sample_rate_hz: int = 48_000, block_frames: int = 7_000) -> Loudness:
    stream = LoudnessStream(sample_rate_hz=sample_rate_hz, channels=samples.shape[0])
    for start in range(0, samples.shape[1], block_frames):
        stream.feed(samples[:, start : start + block_frames])
    return stream.finish()


def tone(level_dbfs: float, duration_s: float, *, sample_rate_hz: int = 48_000) -> np.ndarray:
    """A stereo 1 kHz sine whose peak is `level_dbfs`, in phase, as Tech 3341 asks."""
    return signals.stereo(
        signals.sine(
            frequency_hz=1000.0, duration_s=duration_s, sample_rate_hz=sample_rate_hz, level=10 ** (level_dbfs / 20)
        )
    )


@pytest.mark.parametrize("level", [-23.0, -33.0])
@pytest.mark.parametrize("sample_rate_hz", [44_100, 48_000, 96_000])
def test_tech_3341_cases_1_and_2_read_the_level_of_a_tone(level: float, sample_rate_hz: int) -> None:
    found = measure(tone(level, 20.0, sample_rate_hz=sample_rate_hz), sample_rate_hz=sample_rate_hz)
    assert found.integrated_lufs == pytest.approx(level, abs=0.1)


def test_tech_3341_case_3_gates_the_quiet_ends() -> None:
    parts = [tone(-36.0, 10.0), tone(-23.0, 60.0), tone(-36.0, 10.0)]
    assert measure(np.concatenate(parts, axis=1)).integrated_lufs == pytest.approx(-23.0, abs=0.1)


def test_tech_3341_case_5_averages_power_not_level() -> None:
    parts = [tone(-26.0, 20.0), tone(-20.0, 20.1), tone(-26.0, 20.0)]
    assert measure(np.concatenate(parts, axis=1)).integrated_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("levels", "range_lu"), [((-20.0, -30.0), 10.0), ((-20.0, -15.0), 5.0), ((-40.0, -20.0), 20.0)]
)
def test_tech_3342_cases_1_to_3_read_the_range(levels: tuple[float, float], range_lu: float) -> None:
    samples = np.concatenate([tone(level, 20.0) for level in levels], axis=1)
    assert measure(samples).range_lu == pytest.approx(range_lu, abs=1.0)


@pytest.mark.parametrize("phase_degrees", [0.0, 45.0, 60.0, 67.5])
def test_tech_3341_true_peaks_lie_between_the_samples(phase_degrees: float) -> None:
    """A quarter of the sample rate at 0.5: the samples miss the top by up to 3 dB, the true peak does not."""
    frames = np.arange(48_000)
    wave = 0.5 * np.sin(2 * np.pi * frames / 4 + np.deg2rad(phase_degrees))
    faded = wave * np.minimum(1.0, np.minimum(frames, frames[::-1]) / 2000.0)
    peak = measure(signals.stereo(faded.astype(np.float32)[np.newaxis])).true_peak_dbtp
    assert peak == pytest.approx(-6.02, abs=0.3)


def test_a_true_peak_on_the_border_of_two_blocks_is_found() -> None:
    frames = np.arange(30_000)
    wave = (0.7 * np.sin(2 * np.pi * frames / 4 + np.pi / 4) * np.exp(-(((frames - 14_000) / 12.0) ** 2))).astype(
        np.float32
    )
    whole = measure(wave[np.newaxis], block_frames=30_000).true_peak_dbtp
    assert measure(wave[np.newaxis], block_frames=7_000).true_peak_dbtp == whole
    assert whole is not None
    assert whole > 20 * np.log10(np.abs(wave).max()) + 1.0


def test_music_reads_like_libebur128() -> None:
    libebur128 = pytest.importorskip("loudness", reason="there is no wheel of it for this computer")
    samples = music.groove(tempo_bpm=128.0, bars=8).samples
    expected = libebur128.integrated_loudness(np.ascontiguousarray(samples.T), 44_100)
    assert measure(samples, sample_rate_hz=44_100).integrated_lufs == pytest.approx(expected, abs=0.05)


def test_silence_and_the_shortest_signals_have_no_loudness() -> None:
    silence = measure(np.zeros((2, 48_000), dtype=np.float32))
    assert silence == Loudness(integrated_lufs=None, range_lu=None, true_peak_dbtp=None)
    short = measure(tone(-20.0, 0.3))
    assert short.integrated_lufs is None
    assert short.range_lu is None
    # A tone cut off in the middle rings a little between its last samples.
    assert short.true_peak_dbtp == pytest.approx(-20.0, abs=1.0)


def test_a_surround_mix_counts_its_channels_by_the_standard() -> None:
    front = signals.sine(frequency_hz=1000.0, duration_s=5.0, sample_rate_hz=48_000, level=0.1)
    silent = np.zeros_like(front)
    left = measure(np.concatenate([front, silent, silent, silent, silent, silent]))
    rear = measure(np.concatenate([silent, silent, silent, silent, front, silent]))
    effects = measure(np.concatenate([silent, silent, silent, front, silent, silent]))
    assert left.integrated_lufs is not None
    assert rear.integrated_lufs == pytest.approx(left.integrated_lufs + 1.49, abs=0.05)
    assert effects.integrated_lufs is None
