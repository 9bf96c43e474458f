"""Two files decoded side by side, once, in bounded memory: everything a judgement takes from their samples."""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from cratehand.analysis.copy_bands import COPY_RATE_HZ, CopyBands, PairWalk
from cratehand.analysis.copy_listening import CopyListener
from cratehand.analysis.head_offset import HEAD_S, find_head_offset
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.audio_quality import AudioQuality
from cratehand.domain.errors import CorruptFileError
from cratehand.domain.ports import AudioReader, Fingerprinter

_HEAD_FRAMES = round(HEAD_S * COPY_RATE_HZ)


class Meter(Protocol):
    """Takes one signal block by block and gives the verdict on it."""

    def feed(self, samples: Samples) -> None: ...

    def finish(self) -> AudioQuality: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardCopy:
    """What was found in one of the two."""

    format: AudioFormat
    listener: CopyListener
    fingerprint: str | None
    quality: AudioQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardPair:
    """What was found in both."""

    current: HeardCopy
    candidate: HeardCopy
    head_offset: int
    """By how many frames of `COPY_RATE_HZ` the candidate was taken to be later."""
    bands: CopyBands


class PairListening:
    """Reads pairs of files."""

    def __init__(
        self, reader: AudioReader, fingerprinter: Fingerprinter, meter: Callable[[AudioFormat], Meter]
    ) -> None:
        self._reader = reader
        self._fingerprinter = fingerprinter
        self._meter = meter

    def listen(self, current: Path, candidate: Path) -> HeardPair:
        """Decode both to their ends; raises like `AudioReader.blocks`."""
        copies = [_Copy(self._reader, path) for path in (current, candidate)]
        meters = [self._meter(copy.format) for copy in copies]
        sessions = [
            self._fingerprinter.session(sample_rate_hz=copy.format.sample_rate_hz, channels=copy.format.channels)
            for copy in copies
        ]
        with closing(sessions[0]), closing(sessions[1]):
            walk = _HeadedWalk()
            sides = zip(copies, meters, sessions, strict=True)
            streams = [_mono(copy, (meter.feed, session.feed)) for copy, meter, session in sides]
            with closing(streams[0]), closing(streams[1]):
                _in_step(streams, walk)
            head_offset, bands = walk.finish()
            heard = [
                HeardCopy(
                    format=copy.format,
                    listener=copy.listener,
                    fingerprint=session.finish(),
                    quality=meter.finish(),
                )
                for copy, meter, session in zip(copies, meters, sessions, strict=True)
            ]
        return HeardPair(current=heard[0], candidate=heard[1], head_offset=head_offset, bands=bands)


class _Copy:
    def __init__(self, reader: AudioReader, path: Path) -> None:
        self.path = path
        self.format = reader.probe(path)
        self.blocks = reader.blocks(path)
        self.listener = CopyListener(sample_rate_hz=self.format.sample_rate_hz)


def _mono(copy: _Copy, takers: tuple[Callable[[Samples], None], ...]) -> Generator[Samples, None, None]:
    heard = False
    for block in copy.blocks:
        heard = True
        for take in takers:
            take(block)
        yield copy.listener.feed(block)
    if not heard:
        raise CorruptFileError(f"{copy.path}: holds no audio: delete it or get it again")
    yield copy.listener.finish()


def _in_step(streams: list[Generator[Samples, None, None]], walk: "_HeadedWalk") -> None:
    """Read from the one that is behind, so that little waits for its partner."""
    open_streams: list[Iterator[Samples] | None] = list(streams)
    read = [0, 0]
    while any(stream is not None for stream in open_streams):
        row = min((row for row in (0, 1) if open_streams[row] is not None), key=lambda row: read[row])
        stream = open_streams[row]
        assert stream is not None
        block = next(stream, None)
        if block is None:
            open_streams[row] = None
            walk.end(row)
        else:
            read[row] += block.size
            walk.feed(row, block)


@dataclass(slots=True)
class _HeadedWalk:
    """Gathers the heads, finds the offset, then walks; what one copy has alone is dropped."""

    _heads: tuple[list[Samples], list[Samples]] = field(default_factory=lambda: ([], []))
    _ended: list[bool] = field(default_factory=lambda: [False, False])
    _head_offset: int | None = None
    _walk: PairWalk = field(default_factory=PairWalk)

    def feed(self, row: int, block: Samples) -> None:
        if self._head_offset is None:
            self._heads[row].append(block)
            self._begin_if_ready()
        elif not self._ended[1 - row] or self._walk.waits_for(row):
            self._give(row, block)

    def end(self, row: int) -> None:
        self._ended[row] = True
        if self._head_offset is None:
            self._begin_if_ready()

    def finish(self) -> tuple[int, CopyBands]:
        return self._head_offset or 0, self._walk.finish()

    def _begin_if_ready(self) -> None:
        ready = [self._ended[row] or sum(block.size for block in self._heads[row]) >= _HEAD_FRAMES for row in (0, 1)]
        if not all(ready):
            return
        current, candidate = (np.concatenate([*blocks, np.empty(0, np.float32)]) for blocks in self._heads)
        self._head_offset = find_head_offset(current[:_HEAD_FRAMES], candidate[:_HEAD_FRAMES])
        # The walk begins where both have sound.
        self._walk.feed(current[max(-self._head_offset, 0) :], candidate[max(self._head_offset, 0) :])
        self._heads[0].clear()
        self._heads[1].clear()

    def _give(self, row: int, block: Samples) -> None:
        nothing = np.empty(0, np.float32)
        self._walk.feed(*((block, nothing) if row == 0 else (nothing, block)))
