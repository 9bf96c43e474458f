"""Separated sources of a mix."""

from dataclasses import dataclass
from enum import StrEnum


class StemKind(StrEnum):
    """What a stem holds."""

    DRUMS = "drums"
    BASS = "bass"
    OTHER = "other"
    VOCALS = "vocals"
    ACCOMPANIMENT = "accompaniment"
    """Everything but the vocals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StemFile:
    """One stem on the disk, aligned to the sample with its source."""

    kind: StemKind
    path: str
    peak: float
    """Largest sample before it was written, 1.0 is full scale; what lies above was clipped."""
