"""The tools that read a file: decoders, tags, digests, analysis; heavy to import, so only where files are read."""

import logging
from collections.abc import Callable
from contextlib import closing
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cratehand.analysis.placing import TrackPlacing
from cratehand.analysis.quality_meter import QualityMeter
from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.app.clap_parts import clap_sound
from cratehand.app.clock import SystemClock
from cratehand.audio.decode import FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.fingerprint import ChromaprintFingerprinter
from cratehand.audio.stamp import stamp_of
from cratehand.audio.tags import MutagenTags
from cratehand.domain.audio import AudioFormat
from cratehand.domain.embedding import DNA_SPACE, SOUND_SPACE, EmbeddingSpace
from cratehand.domain.errors import CratehandError
from cratehand.domain.model_ports import DnaFuser, SoundDescriber
from cratehand.usecases.file_reading import ReadingTools
from cratehand.usecases.upgrade_judgement import JudgementTools, UpgradeJudgement

if TYPE_CHECKING:
    from cratehand_models.session import ModelSession

logger = logging.getLogger(__name__)

_FINGERPRINT_S: Final = 120.0
"""More than this Chromaprint does not take."""


@cache
def reading_tools(clap: Path | None = None) -> ReadingTools:
    """Return the tools, the same for all files of this process.

    Args:
        clap: The folder of models, where CLAP is switched on.
    """
    return ReadingTools(
        reader=FileReader(),
        tags=MutagenTags(),
        digester=AudioDigester(),
        fingerprinter=ChromaprintFingerprinter(),
        stamp_of=stamp_of,
        analyser=_analyser,
        describer=sound_describer(),
        fuser=_fuser(),
        placings=() if clap is None else _placings(clap),
    )


@cache
def upgrade_judgement() -> UpgradeJudgement:
    """Return what judges pairs of files."""
    tools = reading_tools()
    return UpgradeJudgement(
        JudgementTools(
            reader=tools.reader, tags=tools.tags, fingerprinter=tools.fingerprinter, quality_meter=QualityMeter
        )
    )


def fingerprint_of(path: Path) -> str | None:
    """Return the Chromaprint of a file's first two minutes; raises like `AudioReader.blocks`."""
    tools = reading_tools()
    declared = tools.reader.probe(path)
    session = tools.fingerprinter.session(sample_rate_hz=declared.sample_rate_hz, channels=declared.channels)
    heard_s = 0.0
    with closing(session):
        for block in tools.reader.blocks(path):
            session.feed(block)
            heard_s += block.shape[1] / declared.sample_rate_hz
            if heard_s >= _FINGERPRINT_S:
                break
        return session.finish()


def _analyser(declared: AudioFormat) -> TrackAnalyser:
    return TrackAnalyser(declared.sample_rate_hz, declared.channels, declared=declared)


def _placings(models: Path) -> tuple[Callable[[AudioFormat], TrackPlacing], ...]:
    """Return what places tracks by CLAP; nothing, and a warning, where it can not run in this process."""
    try:
        placer = clap_sound(models)
    except CratehandError as error:
        logger.warning("tracks are not placed by CLAP: %s", error)
        return ()

    def begin(declared: AudioFormat) -> TrackPlacing:
        return TrackPlacing(placer, sample_rate_hz=declared.sample_rate_hz, channels=declared.channels)

    return (begin,)


@cache
def sound_describer() -> SoundDescriber | None:
    """Return the model that is shipped, on one thread of the processor, or None without ONNX Runtime; `doctor` says so.

    A worker has its core to itself and a track has few excerpts: an accelerator would be asked for a moment only, by
    each worker, and hold memory for each of them.
    """
    # Found, not imported: the import costs a third of a second and has to wait for the first excerpt.
    if find_spec("onnxruntime") is None:
        return None
    from cratehand_models.musicnn import MusicnnTagger
    from cratehand_models.sound_description import MusicnnDescriber

    return MusicnnDescriber(MusicnnTagger(_session(SOUND_SPACE)))


def _fuser() -> DnaFuser | None:
    """Return the model of the DNA in the same way."""
    if find_spec("onnxruntime") is None:
        return None
    from cratehand_models.dna import DnaModel

    return DnaModel(_session(DNA_SPACE))


def _session(space: EmbeddingSpace) -> "ModelSession":
    from cratehand_models.manifest import shipped_manifest
    from cratehand_models.providers import ProviderChoice
    from cratehand_models.session import ModelSession
    from cratehand_models.store import shipped_file

    model = shipped_manifest()[space.model]
    processor = ProviderChoice(name="cpu", reason="cpu: analyses share the processor with nobody")
    return ModelSession(model, shipped_file(model.files[0].sources[0]), choice=processor, clock=SystemClock())
