"""Stems of a track: separated window by window, kept by content, gone on with after a kill."""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cratehand.analysis.overlap import OverlapAdd, Windows, each_window
from cratehand.analysis.stream_resampling import as_stereo, resampled
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.errors import InvalidInputError, UnavailableError
from cratehand.domain.model_ports import StemPacker, StemSeparator
from cratehand.domain.ports import AudioReader, AudioWriter, ContentDigester
from cratehand.domain.stem import StemFile, StemFormat
from cratehand.usecases.looking_ahead import looking_ahead
from cratehand.usecases.stem_cache import StemCache, StemWork

_LEAD_FRAMES: Final = 22_050
"""Silence before and behind the track, half a second at 44.1 kHz: a network knows least at the edge of a window."""
_SETTLED: Final = "settled.f32"
_LOCK: Final = "lock"
_CHANNELS: Final = 2
_READ_FRAMES: Final = 1 << 17
_PACKED_STEMS: Final = 4

OnProgress = Callable[[float, float | None], None]
"""Told how many seconds are separated, of how many (None where the file does not say)."""
Lock = Callable[[Path], AbstractContextManager[object]]
"""Holds a file for this process while its context is open; raises `UnavailableError` where another one holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StemTools:
    """The ports that a separation needs."""

    reader: AudioReader
    writer: AudioWriter
    digester: ContentDigester
    packer: StemPacker
    lock: Lock = nullcontext


class StemSeparation:
    """Separates files, each once: stems are kept in the cache under what the file sounds like and the model's name."""

    def __init__(self, tools: StemTools, separator: StemSeparator, *, cache: Path) -> None:
        self._tools = tools
        self._separator = separator
        self._cache = StemCache(cache)
        self._windows = Windows(length_frames=separator.window_frames, overlap=0.25)

    def separate(
        self, path: Path, *, out: Path | None, ending: str = ".flac", on_progress: OnProgress = lambda *_: None
    ) -> list[StemFile]:
        """Write ``<name>.<stem><ending>`` into a folder, as long as the source, at its rate, 24 bits, stereo.

        A separation that was cut off goes on from its last window.

        Args:
            path: Any audio file.
            out: An existing folder; None leaves the stems in the cache, as FLAC.
            ending: ``.flac``, ``.wav``, or ``.stem.mp4`` for one file ``<name>.stem.mp4`` with all in it.
            on_progress: Told after each window; what it raises ends the work, which can go on later.

        Raises:
            NotFoundError, CorruptFileError, UnsupportedError, UnavailableError: As `AudioReader.probe`,
                `StemSeparator.separate`, `AudioWriter.open` and `StemPacker.pack`; also unavailable while another
                process separates this file with this model.
            InvalidInputError: The file holds no sound, `out` is no folder, or the model makes other than four stems
                for a ``.stem.mp4``.
        """
        if out is not None and not out.is_dir():
            raise InvalidInputError(f"{out} is no folder: make it, or choose another with --out")
        self._check(ending)
        declared = self._tools.reader.probe(path)
        work = self._cache.open(self._tools.digester.digest(path), self._separator.name)
        if not work.is_complete:
            with self._tools.lock(work.path / _LOCK):
                if not work.is_complete:
                    self._make(path, declared, work, on_progress)
        if out is None:
            return work.files()
        targets = self.planned(path, out=out, ending=ending)
        if ending == StemFormat.STEM_MP4.ending:
            return self._pack(path, declared, work, targets[0])
        return self._deliver(work, targets)

    def planned(self, path: Path, *, out: Path, ending: str = ".flac") -> list[Path]:
        """Return the files that `separate` would write; raises `InvalidInputError` like it."""
        self._check(ending)
        if ending == StemFormat.STEM_MP4.ending:
            return [out / f"{path.stem}{ending}"]
        return [out / f"{path.stem}.{kind}{ending}" for kind in self._separator.kinds]

    def _check(self, ending: str) -> None:
        if ending == StemFormat.STEM_MP4.ending and len(self._separator.kinds) != _PACKED_STEMS:
            raise InvalidInputError(
                f"a .stem.mp4 holds four stems, {self._separator.name} makes {len(self._separator.kinds)}: "
                "`cratehand models fetch htdemucs` brings a model that makes four, --model htdemucs uses it"
            )

    def _make(self, path: Path, declared: AudioFormat, work: StemWork, on_progress: OnProgress) -> None:
        """Separate a file into FLACs beside each other."""
        settled = _Settled(work.path / _SETTLED, columns=len(self._separator.kinds) * _CHANNELS)
        frames = self._settle(path, declared, settled, on_progress)
        rate, model_rate = declared.sample_rate_hz, self._separator.sample_rate_hz
        source_frames = sum(block.shape[1] for block in self._tools.reader.blocks(path))
        peaks = {}
        for row, kind in enumerate(self._separator.kinds):
            stem = settled.rows(row * _CHANNELS, _CHANNELS, start=_LEAD_FRAMES, frames=frames)
            at_source_rate = resampled(stem, from_hz=model_rate, to_hz=rate, channels=_CHANNELS)
            peaks[kind] = self._write(work.stem(kind), rate, _exactly(at_source_rate, source_frames))
        work.complete(peaks)
        settled.remove()

    def _settle(self, path: Path, declared: AudioFormat, settled: "_Settled", on_progress: OnProgress) -> int:
        """Separate what is not separated yet; return the frames of the source at the rate of the model."""
        counted = _Counted(self._at_model_rate(path, declared))
        stride = self._windows.stride_frames
        done = settled.keep_whole(stride)
        adding = OverlapAdd(self._windows, channels=settled.columns)

        def separate(window: tuple[int, int, Samples]) -> tuple[int, int, Samples]:
            index, frames, mix = window
            return index, frames, self._separator.separate(mix)

        cut = enumerate(each_window(_with_lead(counted), self._windows))
        # The one before the first that is missing is run again: the two share frames.
        missing = ((index, counted.frames, mix) for index, mix in cut if index >= done - 1)
        for index, frames, stems in looking_ahead(separate, missing):
            piece = adding.add(stems.reshape(settled.columns, -1))
            if index >= done:
                settled.append(piece)
                on_progress(frames / self._separator.sample_rate_hz, declared.duration_s)
        if not counted.frames:
            raise InvalidInputError(f"{path} holds no sound: there is nothing to separate")
        settled.append(adding.rest())
        return counted.frames

    def _at_model_rate(self, path: Path, declared: AudioFormat) -> Iterator[Samples]:
        stereo = (as_stereo(block) for block in self._tools.reader.blocks(path))
        rate = self._separator.sample_rate_hz
        return resampled(stereo, from_hz=declared.sample_rate_hz, to_hz=rate, channels=_CHANNELS)

    def _deliver(self, work: StemWork, targets: Sequence[Path]) -> list[StemFile]:
        delivered = []
        for stem, target in zip(work.files(), targets, strict=True):
            kept = Path(stem.path)
            self._write(target, self._tools.reader.probe(kept).sample_rate_hz, self._tools.reader.blocks(kept))
            delivered.append(StemFile(kind=stem.kind, path=str(target), peak=stem.peak))
        return delivered

    def _pack(self, path: Path, declared: AudioFormat, work: StemWork, target: Path) -> list[StemFile]:
        stems = work.files()
        mix = work.path / f"mix.{secrets.token_hex(4)}.flac"
        try:
            stereo = (as_stereo(block) for block in self._tools.reader.blocks(path))
            self._write(mix, declared.sample_rate_hz, stereo)
            kept = [(stem.kind, Path(stem.path)) for stem in stems]
            self._tools.packer.pack(target, source=path, mix=mix, stems=kept)
        finally:
            mix.unlink(missing_ok=True)
        return [StemFile(kind=stem.kind, path=str(target), peak=stem.peak) for stem in stems]

    def _write(self, target: Path, rate: int, blocks: Iterable[Samples]) -> float:
        session = self._tools.writer.open(target, sample_rate_hz=rate, channels=_CHANNELS)
        try:
            for block in blocks:
                session.write(block)
        except BaseException:
            session.discard()
            raise
        return session.close()


class _Counted:
    """A stream that knows how many frames went by."""

    def __init__(self, blocks: Iterable[Samples]) -> None:
        self._blocks = blocks
        self.frames = 0

    def __iter__(self) -> Iterator[Samples]:
        for block in self._blocks:
            self.frames += block.shape[1]
            yield block


class _Settled:
    """Separated frames on the disk: float32, frame by frame all channels of all stems; a kill costs one window."""

    def __init__(self, path: Path, *, columns: int) -> None:
        self._path = path
        self.columns = columns

    def keep_whole(self, stride_frames: int) -> int:
        """Cut off what was half written; return how many whole strides are there."""
        stride_bytes = stride_frames * self.columns * 4
        try:
            with self._path.open("ab") as file:
                strides = file.tell() // stride_bytes
                file.truncate(strides * stride_bytes)
        except OSError as error:
            raise self._unwritable(error) from error
        return strides

    def append(self, piece: Samples) -> None:
        """Add frames, ``(columns, frames)``."""
        try:
            with self._path.open("ab") as file:
                file.write(np.ascontiguousarray(piece.T, dtype=np.float32).tobytes())
                file.flush()
                # A window costs seconds, to have it on the disk milliseconds: it outlives a flat battery too.
                os.fsync(file.fileno())
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UnavailableError:
        return UnavailableError(f"{self._path} can not be written ({error.strerror}): make room and start again")

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)

    def rows(self, first: int, count: int, *, start: int, frames: int) -> Iterator[Samples]:
        """Yield some channels of a stretch, ``(count, frames)`` block by block."""
        stored = np.memmap(self._path, dtype=np.float32, mode="r").reshape(-1, self.columns)
        for at in range(start, start + frames, _READ_FRAMES):
            piece = stored[at : min(at + _READ_FRAMES, start + frames), first : first + count]
            yield np.ascontiguousarray(piece.T)


def _with_lead(blocks: Iterable[Samples]) -> Iterator[Samples]:
    silence = np.zeros((_CHANNELS, _LEAD_FRAMES), dtype=np.float32)
    yield silence
    yield from blocks
    yield silence


def _exactly(blocks: Iterable[Samples], frames: int) -> Iterator[Samples]:
    """Make a stream exactly so long: what a resampler gives too little is silence, too much is cut off."""
    left = frames
    for block in blocks:
        piece = block[:, :left]
        left -= piece.shape[1]
        yield piece
    if left:
        yield np.zeros((_CHANNELS, left), dtype=np.float32)
