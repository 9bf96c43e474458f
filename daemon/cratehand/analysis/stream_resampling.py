"""Changing the sample rate of a stream without moving it: no frame later or earlier than in the source."""

from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from cratehand.domain.audio import Samples


def resampled(blocks: Iterable[Samples], *, from_hz: int, to_hz: int, channels: int) -> Iterator[Samples]:
    """Change the rate of a stream, at soxr's highest quality; its linear-phase delay is taken out by soxr itself.

    Args:
        blocks: float32 ``(channels, frames)``.
        from_hz: Their rate.
        to_hz: The rate wanted; the same gives the blocks back as they are.
        channels: How many.

    Yields:
        float32 ``(channels, frames)``, together ``frames * to_hz / from_hz`` give or take one.
    """
    if from_hz == to_hz:
        yield from blocks
        return
    stream = soxr.ResampleStream(from_hz, to_hz, channels, dtype="float32", quality="VHQ")
    for block in blocks:
        piece = stream.resample_chunk(np.ascontiguousarray(block.T))
        if len(piece):
            yield np.ascontiguousarray(piece.T)
    last = stream.resample_chunk(np.zeros((0, channels), dtype=np.float32), last=True)
    if len(last):
        yield np.ascontiguousarray(last.T)


def as_stereo(block: Samples) -> Samples:
    """Return two channels: mono doubled, more than two mixed down.

    5.1 (left, right, centre, low frequencies, left and right surround) after ITU-R BS.775: centre and surrounds at
    -3 dB, low frequencies left out. Other layouts: even channels to the left, odd to the right, averaged.

    Args:
        block: float32 ``(channels, frames)``.

    Returns:
        float32 ``(2, frames)``.
    """
    channels = block.shape[0]
    if channels == 2:
        return block
    if channels == 1:
        return np.repeat(block, 2, axis=0)
    if channels == 6:
        half = np.float32(0.5**0.5)
        front, centre, surround = block[:2], block[2], block[4:6]
        stereo: Samples = front + half * (centre + surround)
        return stereo
    mixed: Samples = np.stack([block[0::2].mean(axis=0), block[1::2].mean(axis=0)])
    return mixed
