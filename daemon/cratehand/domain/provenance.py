"""Who said it, when, and how sure they are."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from cratehand.domain.fields import Field

T_co = TypeVar("T_co", covariant=True)


class SourceKind(StrEnum):
    """Families of sources; what each is worth per field is the table in `cratehand.domain.belief`."""

    PERSON = "person"
    """A correction typed into cratehand."""
    REKORDBOX = "rekordbox"
    """The DJ's collection, database or XML."""
    ANALYSIS = "analysis"
    """Measured on the audio by cratehand."""
    TAGS = "tags"
    """Tags inside the file."""
    FILE_NAME = "file_name"
    PLAYLIST = "playlist"
    """An imported playlist."""
    PLATFORM = "platform"
    """An outside service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Who made a statement: family, name inside it, version of the maker."""

    kind: SourceKind
    name: str = ""
    """E.g. ``master.db``, ``cratehand.tempo``, ``id3``."""
    version: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind.value, self.name, self.version) if part)


PERSON = Source(kind=SourceKind.PERSON)
"""A correction by the person at this device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact(Generic[T_co]):
    """One statement about one field of one track.

    The value has the type that `cratehand.domain.fact_values` names for the field. A None takes back what the same
    source said before ("no opinion any more").
    """

    field: Field
    value: T_co
    source: Source
    at_s: float
    """Wall time of the statement, seconds since 1970 UTC."""
    confidence: float = 1.0
    """0..1, the maker's own estimate that the value is right."""


AnyFact = Fact[object]
