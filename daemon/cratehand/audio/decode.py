"""Audio files of every supported kind, decoded block by block.

libsndfile decodes in the process what it does exactly and fast (WAV, AIFF, W64, CAF, FLAC, Ogg Vorbis, and MP3 with a
Xing header that fits the file); the bundled ffmpeg does the rest, and takes over in the middle where libsndfile gives
up on damage.

Where a decoded MP3 begins: with a LAME (or libavformat) header encoder delay and decoder delay (529 frames) are cut
off at the start and the padding at the end, so frame 0 is the first frame that went into the encoder, from both
decoders. Without such a header nothing is cut: the sound starts late by the encoder's delay, mostly 1105 frames
(25 ms). M4A follows its edit list or iTunSMPB; one without either starts 1024 (older iTunes 2112) frames late, as
does bare AAC. Opus and Vorbis say exactly where they begin and end.
"""

import logging
from collections.abc import Generator, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np
import soundfile

from cratehand.audio.container import printable
from cratehand.audio.ffmpeg import STALL_S, FfmpegStream
from cratehand.audio.opening import Opening, inspect
from cratehand.audio.sndfile import SndfileStream
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.errors import CorruptFileError, InvalidInputError

_log = logging.getLogger(__name__)

_Blocks = Generator[Samples, None, None]

_MAX_BLOCK_S: Final = 60.0
_SILENT_LOSS_S: Final = 0.25
"""Deliveries shorter than declared by less than this are rounding of headers, not truncation."""
_LOUDEST: Final = 1e4
"""Samples above +80 dBFS are no sound but damage, as are infinities and not-a-numbers."""


class FileReader:
    """Reads files from disks; implements `AudioReader`. Thread-safe, keeps nothing open between calls.

    Args:
        stall_s: How long ffmpeg may give nothing before it is ended and the file counts as unavailable.
    """

    def __init__(self, *, stall_s: float = STALL_S) -> None:
        self._stall_s = stall_s

    def probe(self, path: Path) -> AudioFormat:
        """Read what the file declares; no more than its first moment is decoded."""
        return inspect(path, stall_s=self._stall_s).format

    def blocks(self, path: Path, *, block_s: float = 1.0) -> "BlockStream":
        """Decode block by block; the returned stream also knows whether the file was truncated.

        Args:
            path: Any file.
            block_s: Length of a block in seconds, above 0 and at most 60.
        """
        if not 0 < block_s <= _MAX_BLOCK_S:
            raise InvalidInputError(f"a block is above 0 and at most {_MAX_BLOCK_S:.0f} s long, not {block_s}")
        return BlockStream(path, block_s=block_s, stall_s=self._stall_s)


class BlockStream(Iterator[Samples]):
    """The blocks of one file, opened at the first `next`.

    Exhausting it, `close`, leaving its `with` block or forgetting it releases file and process.

    Attributes:
        format: What the file declares; None before the first block.
        delivered_frames: Frames of sound yielded so far.
        mended_samples: Samples replaced by 0 because they were not finite or beyond +80 dBFS.
    """

    def __init__(self, path: Path, *, block_s: float, stall_s: float = STALL_S) -> None:
        self.format: AudioFormat | None = None
        self.delivered_frames = 0
        self.mended_samples = 0
        self._path = path
        self._stall_s = stall_s
        self._is_cut = False
        self._is_exhausted = False
        self._blocks = self._decode(block_s)

    def __iter__(self) -> "BlockStream":
        return self

    def __next__(self) -> Samples:
        return next(self._blocks)

    def __enter__(self) -> "BlockStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release file and process; allowed at any time and twice."""
        self._blocks.close()

    @property
    def is_truncated(self) -> bool:
        """Whether the file holds less sound than it declares; known once all blocks were taken, False before."""
        if not self._is_exhausted or self.format is None:
            return False
        delivered_s = self.delivered_frames / self.format.sample_rate_hz
        declared_s = self.format.duration_s
        return self._is_cut or (declared_s is not None and declared_s - delivered_s > _SILENT_LOSS_S)

    def _decode(self, block_s: float) -> _Blocks:
        opening = inspect(self._path, stall_s=self._stall_s)
        self.format, self._is_cut = opening.format, opening.is_cut
        frames = max(1, round(block_s * opening.format.sample_rate_hz))
        for block in self._raw_blocks(opening, frames):
            self._mend(block)
            self.delivered_frames += block.shape[1]
            yield block
        if self.delivered_frames == 0:
            raise CorruptFileError(f"{printable(self._path)}: holds no sound that can be decoded")
        self._is_exhausted = True
        if self.mended_samples:
            _log.warning("replaced %d impossible samples by 0 in %s", self.mended_samples, printable(self._path))

    def _raw_blocks(self, opening: Opening, frames: int) -> _Blocks:
        passed, last = 0, None
        if opening.is_native:
            try:
                decoder = SndfileStream(self._path)
            except soundfile.LibsndfileError as error:
                raise CorruptFileError(f"{printable(self._path)}: changed while it was read") from error
            try:
                expected = decoder.report().frames or 0
                while (last := decoder.read(frames)) is not None and last.shape[1] == frames:
                    passed += frames
                    yield last
            finally:
                decoder.close()
            if last is not None and expected - passed - last.shape[1] <= _SILENT_LOSS_S * opening.format.sample_rate_hz:
                if last.shape[1]:
                    yield last
                return
            _log.info("libsndfile gave up on %s after %d frames, ffmpeg goes on", printable(self._path), passed)
        yield from self._foreign_blocks(opening, frames, skip=passed, last=last)

    def _foreign_blocks(self, opening: Opening, frames: int, *, skip: int, last: Samples | None) -> _Blocks:
        """Decode with ffmpeg behind the `skip` frames delivered already.

        `last` is what libsndfile had left; it is delivered where ffmpeg has no more than that.
        """
        sound = opening.format
        with FfmpegStream(
            self._path,
            opening.container,
            sample_rate_hz=sound.sample_rate_hz,
            channels=sound.channels,
            stall_s=self._stall_s,
        ) as decoder:
            while skip > 0 and (step := decoder.read(min(skip, frames)).shape[1]):
                skip -= step
            block = decoder.read(frames)
            if last is not None and block.shape[1] <= last.shape[1]:
                block = last
            while block.shape[1]:
                yield block
                block = decoder.read(frames)
            if decoder.complaint:
                _log.debug("ffmpeg on %s: %s", printable(self._path), decoder.complaint)

    def _mend(self, block: Samples) -> None:
        """Replace impossible samples by 0, in place."""
        # A not-a-number passes through both ends, so one look finds it, infinities and absurd values alike.
        if not max(float(block.max()), -float(block.min())) <= _LOUDEST:
            bad = ~(np.abs(block) <= _LOUDEST)
            self.mended_samples += int(bad.sum())
            block[bad] = 0.0
