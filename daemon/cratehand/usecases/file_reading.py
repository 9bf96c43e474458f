"""Read one file completely: identity, declarations, tags, sound. This is what a worker process does."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cratehand.domain.audio import AudioFormat, Samples
from cratehand.domain.embedding import EmbeddingSpace, Vector
from cratehand.domain.errors import CratehandError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ContentDigest
from cratehand.domain.model_ports import DnaFuser, SoundDescriber
from cratehand.domain.ports import AudioReader, ContentDigester, Fingerprinter, FingerprintSession, TagReader
from cratehand.domain.sound_tags import SoundDescription
from cratehand.domain.track import FileStamp
from cratehand.domain.track_analysis import FileReading, TrackAnalysis

logger = logging.getLogger(__name__)


class SignalAnalyser(Protocol):
    """Takes one signal block by block and gives its analysis."""

    def feed(self, samples: Samples) -> None: ...

    def finish(self) -> TrackAnalysis: ...

    def excerpts(self) -> tuple[int, Sequence[Samples]]:
        """Return a rate in Hz and excerpts at it, float32 ``(1, frames)``, once all is fed."""
        ...

    def dna_features(self) -> Vector | None:
        """Return what a `DnaFuser` takes, once all is fed; None for silence."""
        ...


class Placing(Protocol):
    """Takes one signal block by block and says where it lies in a space."""

    @property
    def space(self) -> EmbeddingSpace: ...

    def feed(self, samples: Samples) -> None: ...

    def finish(self) -> Vector | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingTools:
    """The abilities that reading a file takes."""

    reader: AudioReader
    tags: TagReader
    digester: ContentDigester
    fingerprinter: Fingerprinter
    stamp_of: Callable[[Path], FileStamp]
    analyser: Callable[[AudioFormat], SignalAnalyser]
    describer: SoundDescriber | None = None
    """None where no model can run."""
    fuser: DnaFuser | None = None
    """None likewise; it needs what the describer heard."""
    placings: Sequence[Callable[[AudioFormat], Placing]] = ()
    """One for each model that is switched on and places whole tracks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What listening to a file brought, or the reason why it brought nothing."""

    errors: list[str]
    analysis: TrackAnalysis | None = None
    fingerprint: str | None = None
    sound: SoundDescription | None = None
    dna: Vector | None = None
    places: Mapping[EmbeddingSpace, Vector] = field(default_factory=dict)


def read_file(tools: ReadingTools, path: Path, *, known_digest: ContentDigest | None = None) -> FileReading:
    """Read one file; never raises for a bad one, since the reason belongs to the reading.

    Args:
        tools: The abilities.
        path: The file.
        known_digest: Digest of the sound when it was last analysed; where it still holds only tags and declarations
            are read, since the sound is the same.

    Returns:
        The reading; `analysis` is None where the sound could not be read or has not changed.
    """
    began_s = time.perf_counter()
    stamp: FileStamp | None = None
    digest: ContentDigest | None = None
    declared: AudioFormat | None = None
    tags: Mapping[Field, object] = {}
    heard = _Heard(errors=[])
    try:
        stamp = tools.stamp_of(path)
        declared = tools.reader.probe(path)
        tags = tools.tags.tags(path)
        digest = tools.digester.digest(path)
        if digest != known_digest:
            heard = _listen(tools, path, declared)
    except CratehandError as error:
        heard.errors.append(str(error))
    except OSError as error:
        heard.errors.append(f"{path}: {error.strerror or error}: is the drive still there?")
    return FileReading(
        path=str(path),
        stamp=stamp,
        digest=digest,
        format=declared,
        tags=tags,
        fingerprint=heard.fingerprint,
        analysis=heard.analysis,
        sound=heard.sound,
        dna=heard.dna,
        places=heard.places,
        errors=tuple(heard.errors),
        seconds_spent=time.perf_counter() - began_s,
    )


def _listen(tools: ReadingTools, path: Path, declared: AudioFormat) -> _Heard:
    analyser = tools.analyser(declared)
    placings = [begin(declared) for begin in tools.placings]
    errors: list[str] = []
    heard = False
    session = tools.fingerprinter.session(sample_rate_hz=declared.sample_rate_hz, channels=declared.channels)
    with closing(session):
        blocks = _until_error(tools.reader.blocks(path), errors)
        for block in blocks:
            heard = True
            analyser.feed(block)
            session.feed(block)
            for placing in placings:
                placing.feed(block)
        if not heard:
            return _Heard(errors=errors or [f"{path}: holds no audio: delete it or get it again"])
        fingerprint = _fingerprint(session, path)
    analysis = analyser.finish()
    sound = _described(tools, analyser, path)
    return _Heard(
        errors=errors,
        analysis=analysis,
        fingerprint=fingerprint,
        sound=sound,
        dna=_fused(tools, analyser, sound, path),
        places=_places(placings, path),
    )


def _until_error(blocks: Iterator[Samples], errors: list[str]) -> Iterator[Samples]:
    """Yield what can be decoded; a damaged rest is one line, what came before it is still good."""
    try:
        yield from blocks
    except CratehandError as error:
        errors.append(str(error))


def _fingerprint(session: FingerprintSession, path: Path) -> str | None:
    try:
        return session.finish()
    except CratehandError as error:
        # A missing fingerprint costs one ability later; it is no reason to lose the analysis.
        logger.warning("no fingerprint of %s: %s", path, error)
        return None


def _described(tools: ReadingTools, analyser: SignalAnalyser, path: Path) -> SoundDescription | None:
    if tools.describer is None:
        return None
    rate_hz, excerpts = analyser.excerpts()
    try:
        return tools.describer.describe(excerpts, sample_rate_hz=rate_hz)
    except CratehandError as error:
        # As with the fingerprint: everything else that was measured stands.
        logger.warning("no tags for %s: %s", path, error)
        return None


def _places(placings: Sequence[Placing], path: Path) -> dict[EmbeddingSpace, Vector]:
    found: dict[EmbeddingSpace, Vector] = {}
    for placing in placings:
        try:
            place = placing.finish()
        except CratehandError as error:
            # As above: it costs this one space.
            logger.warning("no place in %s for %s: %s", placing.space.model, path, error)
        else:
            found |= {} if place is None else {placing.space: place}
    return found


def _fused(tools: ReadingTools, analyser: SignalAnalyser, sound: SoundDescription | None, path: Path) -> Vector | None:
    if tools.fuser is None or sound is None:
        return None
    features = analyser.dna_features()
    if features is None:
        return None
    try:
        return tools.fuser.fuse(features, sound)
    except CratehandError as error:
        logger.warning("no DNA of %s: %s", path, error)
        return None
