"""Where a track lies in the space of a model that takes long windows at its own rate, while it streams past."""

from typing import Final

from cratehand.analysis.analysis_rate import MonoStream
from cratehand.analysis.excerpts import ExcerptStream
from cratehand.domain.audio import Samples
from cratehand.domain.embedding import EmbeddingSpace, Vector
from cratehand.domain.model_ports import SoundPlacer

MOST_WINDOWS: Final = 8
_FIRST_STEP: Final = 2
"""In a short track every second window is heard: half of the sound. A window costs most of a second of processor."""


class TrackPlacing:
    """Keeps a few windows of one track, at most 15 MB of ten seconds at 48 kHz, and asks the model at the end.

    Args:
        placer: The model.
        sample_rate_hz: Rate of the samples that are fed.
        channels: How many channels every block has.
    """

    def __init__(self, placer: SoundPlacer, *, sample_rate_hz: int, channels: int) -> None:
        self._placer = placer
        self._mono = MonoStream(sample_rate_hz=sample_rate_hz, channels=channels, to_hz=placer.sample_rate_hz)
        self._windows = ExcerptStream(frames=placer.window_frames, most=MOST_WINDOWS, first_step=_FIRST_STEP)

    @property
    def space(self) -> EmbeddingSpace:
        """Where the answer lies."""
        return self._placer.space

    def feed(self, samples: Samples) -> None:
        """Take the next block, float32 ``(channels, frames)``."""
        self._windows.feed(self._mono.feed(samples))

    def finish(self) -> Vector | None:
        """Return where the track lies; None where nothing sounds. Call it once; raises as `SoundPlacer.place`."""
        self._windows.feed(self._mono.finish())
        return self._placer.place(self._windows.finish())
