"""Sections of a track; Rekordbox calls its own *phrases*."""

from dataclasses import dataclass
from enum import StrEnum


class SectionLabel(StrEnum):
    """What a section does."""

    INTRO = "intro"
    VERSE = "verse"
    BUILD = "build"
    DROP = "drop"
    BREAK = "break"
    OUTRO = "outro"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A stretch of a track with one role; sections of a track ascend and touch."""

    start_s: float
    end_s: float
    label: SectionLabel
