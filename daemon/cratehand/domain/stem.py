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


class StemFormat(StrEnum):
    """How stems are written; all without loss, of 24 bits."""

    FLAC = "flac"
    WAV = "wav"
    STEM_MP4 = "stem.mp4"
    """One file with the mix and four stems, as Traktor and others play them."""

    @property
    def ending(self) -> str:
        """What the names of such files end with."""
        return f".{self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StemFile:
    """One stem on the disk, aligned to the sample with its source."""

    kind: StemKind
    path: str
    """Of a ``.stem.mp4`` the same for all."""
    peak: float
    """Largest sample before it was written, 1.0 is full scale; what lies above was clipped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StemOrder:
    """A separation that somebody asked for."""

    path: str
    """The audio file, absolute."""
    model: str = ""
    """Empty: the best that is here."""
    out: str = ""
    """An absolute folder; empty: the stems stay in the cache only."""
    format: StemFormat = StemFormat.FLAC


@dataclass(frozen=True, slots=True, kw_only=True)
class CachedStems:
    """What one model has made of one sound."""

    model: str
    """Name and version."""
    is_complete: bool
    """Whether all is there; else it goes on from where it was cut off."""
    files: tuple[StemFile, ...] = ()
