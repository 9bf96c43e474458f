"""What the sound itself says about a file's history."""

from dataclasses import dataclass, field
from enum import StrEnum


class QualityVerdict(StrEnum):
    """Codec history of a file; speaks of nothing else."""

    GENUINE = "genuine"
    TRANSCODE = "transcode"
    UPSAMPLED = "upsampled"
    CANNOT_TELL = "cannot_tell"
    LOSSY = "lossy"
    """Openly lossy: MP3, AAC, Ogg Vorbis, Opus."""


class QualityFinding(StrEnum):
    """Defects that have nothing to do with the codec history."""

    FAKE_STEREO = "fake_stereo"
    CLIPPED = "clipped"
    TRUNCATED = "truncated"
    SILENCE_AT_START = "silence_at_start"
    SILENCE_AT_END = "silence_at_end"
    DC_OFFSET = "dc_offset"
    MONO = "mono"


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioQuality:
    """Verdict, findings, and the numbers they rest on."""

    verdict: QualityVerdict
    findings: tuple[QualityFinding, ...] = ()
    source_class: str | None = None
    """Supposed codec and bitrate of a transcode, e.g. ``mp3 128``."""
    evidence: dict[str, float] = field(default_factory=dict)
    """Named numbers with the unit in the name, e.g. ``effective_bandwidth_hz``."""
