"""A model that takes long windows at its own rate hears few of them, spread over the track."""

from collections.abc import Sequence

import numpy as np
import pytest

from cratehand.analysis.placing import MOST_WINDOWS, TrackPlacing
from cratehand.domain.audio import Samples
from cratehand.domain.embedding import CLAP_SPACE, EmbeddingSpace, Vector

RATE_HZ = 4_800


class Placer:
    """Takes windows of ten seconds at 4.8 kHz, and keeps what it was given."""

    space: EmbeddingSpace = CLAP_SPACE
    sample_rate_hz = RATE_HZ
    window_frames = 10 * RATE_HZ

    def __init__(self) -> None:
        self.windows: Sequence[Samples] = ()

    def place(self, windows: Sequence[Samples]) -> Vector | None:
        self.windows = windows
        return np.ones(512, dtype=np.float32) if windows else None


def placed(seconds: float, *, from_hz: int = 9_600, level: float = 0.5) -> tuple[Placer, Vector | None]:
    placer = Placer()
    placing = TrackPlacing(placer, sample_rate_hz=from_hz, channels=2)
    assert placing.space == CLAP_SPACE
    samples = np.random.default_rng(1).uniform(-level, level, (2, int(seconds * from_hz))).astype(np.float32)
    for start in range(0, samples.shape[1], 50_000):
        placing.feed(samples[:, start : start + 50_000])
    return placer, placing.finish()


@pytest.mark.parametrize(("seconds", "count"), [(4, 1), (35, 2), (90, 5), (300, 8), (1800, 6)])
def test_the_windows_are_few_whatever_the_length(seconds: float, count: int) -> None:
    placer, place = placed(seconds)
    assert place is not None
    assert len(placer.windows) == count <= MOST_WINDOWS
    assert all(window.shape[0] == 1 for window in placer.windows)
    assert {window.shape[1] for window in placer.windows} == {RATE_HZ * min(10, seconds)}


def test_it_hears_at_its_own_rate() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(20 * 44_100) / 44_100).astype(np.float32)
    placer = Placer()
    placing = TrackPlacing(placer, sample_rate_hz=44_100, channels=1)
    placing.feed(tone[np.newaxis])
    placing.finish()
    spectrum = np.abs(np.fft.rfft(placer.windows[0][0]))
    assert spectrum.argmax() == 4400


def test_in_silence_lies_nothing() -> None:
    assert placed(30, level=0.0)[1] is None
    placer = Placer()
    assert TrackPlacing(placer, sample_rate_hz=RATE_HZ, channels=1).finish() is None
