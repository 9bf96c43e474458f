"""The verdict on a file's codec history alone, without the rest of the analysis."""

import numpy as np

from cratehand.analysis.bandwidth import BandwidthStream
from cratehand.analysis.block_stream import FixedBlocks
from cratehand.analysis.codec_traces import search_traces
from cratehand.analysis.passages import PassageStream
from cratehand.analysis.quality import judge
from cratehand.analysis.signal_levels import LevelStream
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.audio_quality import AudioQuality

_BLOCK_FRAMES = 1 << 17
"""As in the whole analysis, so that both come to the same verdict."""


class QualityMeter:
    """Measures one signal that is fed block by block; nearly all the work is done in `finish`."""

    def __init__(self, declared: AudioFormat) -> None:
        rate_hz, channels = declared.sample_rate_hz, declared.channels
        self._declared = declared
        self._blocks = FixedBlocks(_BLOCK_FRAMES)
        self._levels = LevelStream(sample_rate_hz=rate_hz, channels=channels)
        self._bandwidth = BandwidthStream(sample_rate_hz=rate_hz)
        self._passages = PassageStream() if declared.lossless else None

    def feed(self, samples: Samples) -> None:
        """Take the next block, float32 ``(channels, frames)``."""
        for block in self._blocks.feed(np.asarray(samples, dtype=np.float32)):
            self._measure(block)

    def _measure(self, block: Samples) -> None:
        self._levels.feed(block)
        self._bandwidth.feed(block)
        if self._passages is not None:
            self._passages.feed(block)

    def finish(self) -> AudioQuality:
        """Return the verdict with findings and evidence; the search for codecs takes about a second."""
        rest = self._blocks.rest()
        if rest is not None:
            self._measure(rest)
        quality, _ = judge(
            self._levels.finish(),
            self._bandwidth.finish(),
            [] if self._passages is None else search_traces(self._passages.finish()),
            sample_rate_hz=self._declared.sample_rate_hz,
            channels=self._declared.channels,
            declared=self._declared,
        )
        return quality
