"""Which tracks, from the options of the command line."""

import datetime as dt
from collections.abc import Sequence

import typer

from cratehand.app.cli.arguments import parse_range
from cratehand.domain.key import parse_key
from cratehand.domain.search import TrackFilter
from cratehand.usecases.similarity import OWN_KEY

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
    octave: bool = False,
    mixes_with: str | None = None,
    not_played_since: str | None = None,
    instrumental: bool | None = None,
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
        tempo_octaves=octave,
        mixes_with=_mixes_with(mixes_with),
        not_played_since_s=_date(not_played_since),
        instrumental=instrumental,
    )


def _camelot(texts: Sequence[str]) -> frozenset[str]:
    found = set()
    for text in (part.strip() for part in ",".join(texts).split(",") if part.strip()):
        if (key := parse_key(text)) is None:
            raise typer.BadParameter(f"{text!r} is no key: write it like 8A or 'A minor'", param_hint="--camelot")
        found.add(key.camelot)
    return frozenset(found)


def _mixes_with(text: str | None) -> str | None:
    if text is None or text == OWN_KEY:
        return text
    if (key := parse_key(text)) is None:
        raise typer.BadParameter(f"{text!r} is no key: write it like 8A or 'A minor'", param_hint="--mixes-with")
    return key.camelot


def _date(text: str | None) -> float | None:
    """Return when a day begins here."""
    if text is None:
        return None
    try:
        return dt.datetime.combine(dt.date.fromisoformat(text.strip()), dt.time()).astimezone().timestamp()
    except (ValueError, OverflowError, OSError) as error:
        raise typer.BadParameter(
            f"{text!r} is no date: write it like 2026-01-31", param_hint="--not-played-since"
        ) from error


def _whole(numbers: tuple[float, float] | None) -> tuple[int, int] | None:
    return None if numbers is None else (int(numbers[0]), int(min(numbers[1], 9999)))
