"""A separator whose answer is known: vocals are the mix itself, the accompaniment is its negative half."""

import numpy as np

from cratehand.domain.audio import Samples
from cratehand.domain.stem import StemKind


class KnownSeparator:
    """Implements the port `StemSeparator`; can be killed after some windows."""

    name = "known-1"
    kinds = (StemKind.VOCALS, StemKind.ACCOMPANIMENT)
    sample_rate_hz = 44_100
    window_frames = 30_000

    def __init__(self, *, dies_at: int | None = None) -> None:
        self.calls = 0
        self._dies_at = dies_at

    def separate(self, mix: Samples) -> Samples:
        if self.calls == self._dies_at:
            raise KeyboardInterrupt
        self.calls += 1
        assert mix.shape == (2, self.window_frames)
        return np.stack([mix, mix * np.float32(-0.5)])
