"""The tools that read a file: decoders, tags, digests, analysis; heavy to import, so only where files are read."""

from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from cratehand.analysis.quality_meter import QualityMeter
from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.audio.decode import FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.fingerprint import ChromaprintFingerprinter
from cratehand.audio.stamp import stamp_of
from cratehand.audio.tags import MutagenTags
from cratehand.domain.audio import AudioFormat
from cratehand.usecases.file_reading import ReadingTools
from cratehand.usecases.upgrade_judgement import JudgementTools, UpgradeJudgement

_FINGERPRINT_S: Final = 120.0
"""More than this Chromaprint does not take."""


@cache
def reading_tools() -> ReadingTools:
    """Return the tools, the same for all files of this process."""
    return ReadingTools(
        reader=FileReader(),
        tags=MutagenTags(),
        digester=AudioDigester(),
        fingerprinter=ChromaprintFingerprinter(),
        stamp_of=stamp_of,
        analyser=_analyser,
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
