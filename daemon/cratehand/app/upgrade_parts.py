"""The parts of an upgrade's judgement, put together."""

from pathlib import Path

from cratehand.analysis.fingerprint_match import read_fingerprint, sample_items
from cratehand.analysis.quality_meter import QualityMeter
from cratehand.audio import ChromaprintFingerprinter, FileReader, MutagenTags
from cratehand.catalogue.fingerprint_index import FingerprintIndexFile
from cratehand.usecases.upgrade_judgement import JudgementTools, UpgradeJudgement

INDEX_NAME = "fingerprints.db"


def make_judgement() -> UpgradeJudgement:
    """Return a judge of pairs of files; it holds nothing open."""
    return UpgradeJudgement(
        JudgementTools(
            reader=FileReader(),
            tags=MutagenTags(),
            fingerprinter=ChromaprintFingerprinter(),
            quality_meter=QualityMeter,
        )
    )


def open_fingerprint_index(cache: Path) -> FingerprintIndexFile:
    """Open the index over fingerprints in the folder of what can be made again; an empty one has to be filled."""
    return FingerprintIndexFile(cache / INDEX_NAME, lambda text: sample_items(read_fingerprint(text)))
