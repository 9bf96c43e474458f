"""`cratehand tracks`: what is in the catalogue."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cratehand.app.cli.arguments import (
    Analysed,
    CamelotKeys,
    Energy,
    Genre,
    Json,
    Playlist,
    Rating,
    Tempo,
    Year,
)
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import is_terminal, print_table, say, write_json

if TYPE_CHECKING:
    from cratehand.domain.search import Page, TrackQuery
    from cratehand.domain.track import TrackSummary
    from cratehand.usecases.library import Library

Order = Literal["artist", "title", "tempo", "camelot", "energy", "date_added", "play_count", "rating"]
_PAGE = 5000
_SCREEN = 100


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("tracks")(tracks)


def tracks(
    ctx: typer.Context,
    query: Annotated[list[str] | None, typer.Argument(metavar="[QUERY]", help="Words that all have to occur.")] = None,
    tempo: Tempo = None,
    camelot: CamelotKeys = None,
    energy: Energy = None,
    genre: Genre = None,
    year: Year = None,
    rating: Rating = None,
    playlist: Playlist = None,
    analysed: Analysed = None,
    order: Annotated[Order, typer.Option("--order", help="What to sort by.")] = "artist",
    descending: Annotated[bool, typer.Option("--descending", help="The other way round.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="At most so many; on a terminal 100, else all.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the tracks of the collection, also those whose file is on another device."""
    from cratehand.app.cli.filters import track_filter
    from cratehand.domain.search import SortOrder, TrackQuery

    wanted = track_filter(
        tempo=tempo, camelot=camelot, energy=energy, genre=genre, year=year, rating=rating, playlist=playlist,
        analysed=analysed,
    )  # fmt: skip
    wanted = replace(wanted, text=" ".join(query or ()))
    most = limit or (_SCREEN if is_terminal() and not as_json else None)
    asked = TrackQuery(filter=wanted, order=SortOrder(order), descending=descending, limit=most or _PAGE)
    with invocation(ctx).reading() as use_cases:
        page = use_cases.library.list_tracks(asked)
        found = list(page.items) if most else [*_all(use_cases.library, asked, page)]
    from cratehand.app.cli.track_shapes import TRACK_COLUMNS, summary_json, track_row

    if as_json:
        write_json([summary_json(track) for track in found])
        return
    if found:
        print_table(TRACK_COLUMNS, (track_row(track) for track in found))
    say(_remark(len(found), page.total, filtered=asked != TrackQuery(limit=asked.limit)))


def _all(library: "Library", asked: "TrackQuery", first: "Page[TrackSummary]") -> "Iterator[TrackSummary]":
    page = first
    yield from page.items
    while page.next_offset is not None:
        page = library.list_tracks(replace(asked, offset=page.next_offset))
        yield from page.items


def _remark(shown: int, total: int, *, filtered: bool) -> str:
    if shown < total:
        return f"{shown} of {total} tracks; --limit {total} shows all."
    if total or filtered:
        return f"{total} {'track' if total == 1 else 'tracks'}."
    return "The catalogue is empty: `cratehand run --watch FOLDER` fills it with a folder of music."
