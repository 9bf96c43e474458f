"""The spectrogram of a whole track stays small and true."""

import numpy as np
import pytest

from cratehand.analysis.spectrogram import SpectrogramStream
from tests import signals


@pytest.mark.parametrize("duration_s", [3.0, 60.0, 200.0])
def test_a_tone_is_one_row_over_the_whole_length(duration_s: float) -> None:
    tone = signals.sine(frequency_hz=5_000.0, duration_s=duration_s, sample_rate_hz=8_192 * 2, level=1.0)
    stream = SpectrogramStream(sample_rate_hz=8_192 * 2, columns=50)
    for start in range(0, tone.shape[1], 30_011):
        stream.feed(tone[:, start : start + 30_011])
    found = stream.finish()
    assert found is not None
    assert found.levels_db.shape[0] == 512
    assert found.levels_db.shape[1] <= 164
    assert found.duration_s == pytest.approx(duration_s, rel=0.05, abs=0.2)
    assert (found.levels_db.argmax(axis=0) == round(5_000.0 / 16.0)).all()
    assert found.levels_db.max() == pytest.approx(0.0, abs=0.1)


def test_quiet_and_loud_halves_keep_their_place() -> None:
    noise = signals.noise(duration_s=40.0)
    noise[:, : noise.shape[1] // 2] *= 0.001
    stream = SpectrogramStream(sample_rate_hz=44_100, columns=100)
    stream.feed(noise)
    found = stream.finish()
    assert found is not None
    mean_db = found.levels_db.mean(axis=0)
    middle = mean_db.size // 2
    assert np.ptp(mean_db[: middle - 2]) < 3.0
    assert mean_db[middle + 2 :].min() - mean_db[: middle - 2].max() > 50.0


def test_nothing_fed_is_no_picture() -> None:
    stream = SpectrogramStream(sample_rate_hz=44_100)
    stream.feed(np.zeros((2, 100), dtype=np.float32))
    assert stream.finish() is None
