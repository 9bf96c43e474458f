"""Two files decoded side by side, once, in bounded memory: everything a judgement takes from their samples."""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from cratehand.analysis.copy_bands import COPY_RATE_HZ, CopyBands, PairWalk
from cratehand.analysis.copy_listening import CopyListener
from cratehand.analysis.cross_delay import fine_delay_frames
from cratehand.analysis.head_offset import HEAD_S, find_head_offset
from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.audio_quality import AudioQuality
from cratehand.domain.errors import CorruptFileError
from cratehand.domain.ports import AudioReader, Fingerprinter
from cratehand.domain.upgrade import KnownSound

_HEAD_FRAMES = round(HEAD_S * COPY_RATE_HZ)
_LARGEST_REST = 2.0
"""Frames: the whole ones are right but for the half that is lost, or for one where the bass decides."""


class QualityMeter(Protocol):
    """Takes one signal block by block and gives the verdict on it, quick without the search for codecs."""

    def feed(self, samples: Samples) -> None: ...

    def finish(self, *, search: bool = True) -> AudioQuality: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardCopy:
    """What was found in one of the two."""

    format: AudioFormat
    listener: CopyListener
    fingerprint: str | None
    verdict: Callable[[bool], AudioQuality]
    """With or without the search for codecs, which takes a second where the verdict was not known before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardPair:
    """What was found in both."""

    current: HeardCopy
    candidate: HeardCopy
    head_offset: float
    """By how many frames of `COPY_RATE_HZ` the candidate was taken to be later."""
    bands: CopyBands


class PairListening:
    """Reads pairs of files."""

    def __init__(
        self, reader: AudioReader, fingerprinter: Fingerprinter, meter: Callable[[AudioFormat], QualityMeter]
    ) -> None:
        self._reader = reader
        self._fingerprinter = fingerprinter
        self._meter = meter

    def listen(self, current: Path, candidate: Path, *, known: KnownSound | None = None) -> HeardPair:
        """Decode both to their ends; raises like `AudioReader.blocks`. `known` is what is known of the current one."""
        with ExitStack() as stack:
            copies = [_Copy(self._reader, path) for path in (current, candidate)]
            ears = [self._known_ear(known) if known else self._ear(stack, copies[0]), self._ear(stack, copies[1])]
            walk = _HeadedWalk()
            streams = [
                stack.enter_context(closing(_mono(copy, ear.takers))) for copy, ear in zip(copies, ears, strict=True)
            ]
            _in_step(streams, walk)
            head_offset, bands = walk.finish()
            heard = [
                HeardCopy(
                    format=copy.format, listener=copy.listener, fingerprint=ear.fingerprint(), verdict=ear.verdict
                )
                for copy, ear in zip(copies, ears, strict=True)
            ]
        return HeardPair(current=heard[0], candidate=heard[1], head_offset=head_offset, bands=bands)

    def _ear(self, stack: ExitStack, copy: "_Copy") -> "_Ear":
        meter = self._meter(copy.format)
        session = self._fingerprinter.session(sample_rate_hz=copy.format.sample_rate_hz, channels=copy.format.channels)
        stack.enter_context(closing(session))
        return _Ear(
            takers=(meter.feed, session.feed),
            fingerprint=session.finish,
            verdict=lambda search: meter.finish(search=search),
        )

    @staticmethod
    def _known_ear(known: KnownSound) -> "_Ear":
        return _Ear(takers=(), fingerprint=lambda: known.fingerprint, verdict=lambda _: known.quality)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ear:
    """Who takes the blocks of one copy, and what they say in the end."""

    takers: tuple[Callable[[Samples], None], ...]
    fingerprint: Callable[[], str | None]
    verdict: Callable[[bool], AudioQuality]


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
    _head_offset: float | None = None
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

    def finish(self) -> tuple[float, CopyBands]:
        return self._head_offset or 0, self._walk.finish()

    def _begin_if_ready(self) -> None:
        ready = [self._ended[row] or sum(block.size for block in self._heads[row]) >= _HEAD_FRAMES for row in (0, 1)]
        if not all(ready):
            return
        current, candidate = (np.concatenate([*blocks, np.empty(0, np.float32)]) for blocks in self._heads)
        whole = find_head_offset(current[:_HEAD_FRAMES], candidate[:_HEAD_FRAMES])
        # The walk begins where both have sound.
        current, candidate = current[max(-whole, 0) :], candidate[max(whole, 0) :]
        rest = _rest_of_offset(current, candidate)
        self._head_offset = whole + rest
        self._walk = PairWalk(later_frames=rest)
        self._walk.feed(current, candidate)
        self._heads[0].clear()
        self._heads[1].clear()

    def _give(self, row: int, block: Samples) -> None:
        nothing = np.empty(0, np.float32)
        self._walk.feed(*((block, nothing) if row == 0 else (nothing, block)))


def _rest_of_offset(current: Samples, candidate: Samples) -> float:
    """Return what the whole frames leave, 0 where the heads don't agree on one."""
    walk = PairWalk()
    walk.feed(current, candidate)
    rest = fine_delay_frames(walk.finish().crosses.sum(axis=0))
    return rest if abs(rest) <= _LARGEST_REST else 0.0
