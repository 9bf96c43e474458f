"""`cratehand similar` and `cratehand search`: find tracks."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from cratehand.app.cli.arguments import (
    Analysed,
    CamelotKeys,
    Energy,
    Genre,
    Instrumental,
    Json,
    Limit,
    MixesWith,
    NotPlayedSince,
    Octave,
    Playlist,
    Rating,
    Space,
    Tempo,
    Year,
)
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, print_table, say, write_json

if TYPE_CHECKING:
    from cratehand.domain.search import Match


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("similar")(similar)
    app.command("search")(search)


def similar(
    ctx: typer.Context,
    track: Annotated[str, typer.Argument(metavar="TRACK", help="A track id, the beginning of one, or a path.")],
    limit: Limit = 20,
    tempo: Tempo = None,
    camelot: CamelotKeys = None,
    energy: Energy = None,
    genre: Genre = None,
    year: Year = None,
    rating: Rating = None,
    playlist: Playlist = None,
    octave: Octave = False,
    mixes_with: MixesWith = None,
    not_played_since: NotPlayedSince = None,
    instrumental: Instrumental = None,
    space: Space = None,
    as_json: Json = False,
) -> None:
    """Show the tracks that sound most like one, and why they fit."""
    from cratehand.app.cli.filters import track_filter
    from cratehand.domain.search import TrackFilter

    wanted = track_filter(
        tempo=tempo, camelot=camelot, energy=energy, genre=genre, year=year, rating=rating, playlist=playlist,
        analysed=None, octave=octave, mixes_with=mixes_with, not_played_since=not_played_since,
        instrumental=instrumental,
    )  # fmt: skip
    with invocation(ctx).reading() as use_cases:
        matches = use_cases.similarity.similar(
            track, limit=limit, track_filter=None if wanted == TrackFilter() else wanted, space=space
        )
    _show(matches, as_json=as_json, nothing="No other track has been analysed and fits.")


def search(
    ctx: typer.Context,
    text: Annotated[list[str], typer.Argument(metavar="TEXT", help="Words and filters: dusty rhodes, 118-121")],
    limit: Limit = 20,
    tempo: Tempo = None,
    camelot: CamelotKeys = None,
    energy: Energy = None,
    genre: Genre = None,
    year: Year = None,
    rating: Rating = None,
    playlist: Playlist = None,
    analysed: Analysed = None,
    octave: Octave = False,
    mixes_with: MixesWith = None,
    not_played_since: NotPlayedSince = None,
    instrumental: Instrumental = None,
    as_json: Json = False,
) -> None:
    """Find tracks by words and filters, the best first."""
    from cratehand.app.cli.filters import track_filter

    wanted = track_filter(
        tempo=tempo, camelot=camelot, energy=energy, genre=genre, year=year, rating=rating, playlist=playlist,
        analysed=analysed, octave=octave, mixes_with=mixes_with, not_played_since=not_played_since,
        instrumental=instrumental,
    )  # fmt: skip
    with invocation(ctx).reading() as use_cases:
        matches = use_cases.text_search.search(" ".join(text), limit=limit, track_filter=replace(wanted, text=""))
    _show(matches, as_json=as_json, nothing="No track holds all these words and fits the filters.")


def _show(matches: "Sequence[Match]", *, as_json: bool, nothing: str) -> None:
    from cratehand.app.cli.track_shapes import TRACK_COLUMNS, match_json, track_row

    if as_json:
        write_json([match_json(match) for match in matches])
    elif matches:
        columns = (
            Column(title="fit", justify="right"),
            *TRACK_COLUMNS,
            Column(title="why", flexible=True, style="dim"),
        )
        rows = ([f"{match.score:.2f}", *track_row(match.track), ", ".join(match.reasons)] for match in matches)
        print_table(columns, rows)
        say(f"Ranked by {' and '.join(dict.fromkeys(match.ranking for match in matches))}.")
    else:
        say(nothing)
