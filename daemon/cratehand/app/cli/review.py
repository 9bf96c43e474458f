"""`cratehand review`: what needs ears."""

from typing import TYPE_CHECKING, Annotated

import typer

from cratehand.app.cli.arguments import Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, print_table, say, write_json

if TYPE_CHECKING:
    from cratehand.usecases.review import ReviewItem


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("review")(review)


def review(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, metavar="N", help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List what needs ears: values in doubt, the riskiest and most played first."""
    with invocation(ctx).catalogue() as use_cases:
        items = use_cases.review.queue(limit=limit)
    if as_json:
        write_json([_json(item) for item in items])
        return
    if not items:
        say("Nothing is in doubt.")
        return
    print_table(_COLUMNS, (_row(item) for item in items))
    say(f"The first one: {items[0].hint}.")


_COLUMNS = (
    Column(title="id", style="dim"),
    Column(title="artist", flexible=True),
    Column(title="title", flexible=True),
    Column(title="field"),
    Column(title="value"),
    Column(title="sure", justify="right"),
    Column(title="plays", justify="right"),
)


def _row(item: "ReviewItem") -> tuple[str, ...]:
    track = item.track
    return (
        track.id[:8],
        track.artist or "",
        track.title or "",
        item.field.value,
        item.value,
        f"{item.confidence:.2f}",
        str(track.play_count or ""),
    )


def _json(item: "ReviewItem") -> dict[str, object]:
    track = item.track
    return {
        "id": track.id,
        "path": None if track.path is None else str(track.path),
        "title": track.title,
        "artist": track.artist,
        "field": item.field.value,
        "value": item.value or None,
        "confidence": item.confidence,
        "play_count": track.play_count,
        "weight": round(item.weight, 4),
        "hint": item.hint,
    }
