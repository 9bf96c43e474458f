"""Questions about the catalogue and their answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from cratehand.domain.track import TrackSummary

T = TypeVar("T")


class SortOrder(StrEnum):
    """What a list is ordered by; ties by title, then id."""

    ARTIST = "artist"
    TITLE = "title"
    TEMPO = "tempo"
    CAMELOT = "camelot"
    ENERGY = "energy"
    DATE_ADDED = "date_added"
    PLAY_COUNT = "play_count"
    RATING = "rating"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFilter:
    """Which tracks. Every set condition has to hold; None and empty ask nothing."""

    text: str = ""
    """Words that all have to occur in title, artist, album, genre, label, comment or file name."""
    tempo_bpm: tuple[float, float] | None = None
    """From, to; both ends belong to it."""
    tempo_octaves: bool = False
    """Whether half and double of the tempo will do too: 126 also finds 63 and 252."""
    camelot: frozenset[str] = frozenset()
    mixes_with: str | None = None
    """A key in any notation: this one, its neighbours on the Camelot wheel and the other ring at the same hour."""
    energy: tuple[int, int] | None = None
    genre: str | None = None
    year: tuple[int, int] | None = None
    rating_at_least: int | None = None
    playlist: str | None = None
    """Name of a playlist, or its path with folders."""
    analysed: bool | None = None
    not_played_since_s: float | None = None
    """Wall time: never played, as far as is known, or before it."""
    instrumental: bool | None = None
    """Whether no voice (or one) is heard; what was not listened to fits neither."""
    not_genres: frozenset[str] = frozenset()
    without_words: tuple[str, ...] = ()
    """Texts of which none may occur where `text` is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackQuery:
    """A filter, an order, and which page of the answer."""

    filter: TrackFilter = field(default_factory=TrackFilter)
    order: SortOrder = SortOrder.ARTIST
    descending: bool = False
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """A stretch of an ordered answer and the size of the whole."""

    items: Sequence[T]
    total: int
    next_offset: int | None = None
    """None at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A track that was found, how well it fits (1 best ... 0), and why in words."""

    track: TrackSummary
    score: float
    reasons: tuple[str, ...] = ()
    ranking: str = ""
    """What it was found by: a model (``dsp``, ``musicnn``, ``clap``, ``minilm``), or ``words``, ``tags``,
    ``filters``."""
