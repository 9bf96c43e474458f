"""The tools that read a file: decoders, tags, digests, analysis; heavy to import, so only where files are read."""

from functools import cache

from cratehand.analysis.track_analyser import TrackAnalyser
from cratehand.audio.decode import FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.fingerprint import ChromaprintFingerprinter
from cratehand.audio.stamp import stamp_of
from cratehand.audio.tags import MutagenTags
from cratehand.domain.audio import AudioFormat
from cratehand.usecases.file_reading import ReadingTools


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


def _analyser(declared: AudioFormat) -> TrackAnalyser:
    return TrackAnalyser(declared.sample_rate_hz, declared.channels, declared=declared)
