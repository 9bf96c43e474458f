"""Which tracks, from the options of the command line."""

from collections.abc import Sequence

import typer

from cratehand.app.cli.arguments import parse_range
from cratehand.domain.key import parse_key
from cratehand.domain.search import TrackFilter

_TEMPO_SLACK_BPM = 0.5
"""A single tempo means what a display rounds to it."""


def track_filter(
    *,
    tempo: str | None,
    camelot: Sequence[str] | None,
    energy: str | None,
    genre: str | None,
    year: str | None,
    rating: int | None,
    playlist: str | None,
    analysed: bool | None,
) -> TrackFilter:
    """Build a filter; raises `typer.BadParameter` for what can't be read."""
    return TrackFilter(
        tempo_bpm=parse_range(tempo, "--tempo", slack=_TEMPO_SLACK_BPM),
        camelot=_camelot(camelot or ()),
        energy=_whole(parse_range(energy, "--energy")),
        genre=genre,
        year=_whole(parse_range(year, "--year")),
        rating_at_least=rating,
        playlist=playlist,
        analysed=analysed,
    )


def _camelot(texts: Sequence[str]) -> frozenset[str]:
    found = set()
    for text in (part.strip() for part in ",".join(texts).split(",") if part.strip()):
        if (key := parse_key(text)) is None:
            raise typer.BadParameter(f"{text!r} is no key: write it like 8A or 'A minor'", param_hint="--camelot")
        found.add(key.camelot)
    return frozenset(found)


def _whole(numbers: tuple[float, float] | None) -> tuple[int, int] | None:
    return None if numbers is None else (int(numbers[0]), int(min(numbers[1], 9999)))
