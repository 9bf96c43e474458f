"""A separator whose answer is known: vocals are the mix itself, the accompaniment is its negative half."""

import numpy as np

from cratehand.domain.audio import Samples
from cratehand.domain.stem import StemKind


class KnownSeparator:
    """Implements the port `StemSeparator`; can be killed after some windows, or fail."""

    name = "known-1"
    kinds: tuple[StemKind, ...] = (StemKind.VOCALS, StemKind.ACCOMPANIMENT)
    sample_rate_hz = 44_100
    window_frames = 30_000

    def __init__(self, *, dies_at: int | None = None, dies_of: BaseException | None = None) -> None:
        self.calls = 0
        self._dies_at = dies_at
        self._dies_of = dies_of or KeyboardInterrupt()

    def separate(self, mix: Samples) -> Samples:
        if self.calls == self._dies_at:
            raise self._dies_of
        self.calls += 1
        assert mix.shape == (2, self.window_frames)
        return np.stack([mix, mix * np.float32(-0.5)])


class FourSeparator(KnownSeparator):
    """Makes four stems, each the mix times a factor."""

    name = "known-4"
    kinds = (StemKind.DRUMS, StemKind.BASS, StemKind.OTHER, StemKind.VOCALS)
    factors = (0.5, -0.25, 0.125, 1.0)

    def separate(self, mix: Samples) -> Samples:
        self.calls += 1
        return np.stack([mix * np.float32(factor) for factor in self.factors])
