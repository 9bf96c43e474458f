"""`cratehand tags` and `cratehand repair`: what is known here goes into files and into Rekordbox."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.paths import absolute, absolute_reference
from cratehand.app.cli.upgrade import report

Reference = Annotated[str, typer.Argument(metavar="TRACK", help="A track id, the beginning of one, or a path.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("tags")(tags)
    app.command("repair")(repair)


def tags(
    ctx: typer.Context,
    track: Reference,
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="tempo|key|energy", help="Only these; again for more.")
    ] = None,
    key_notation: Annotated[
        Literal["short", "name", "camelot"], typer.Option("--key-notation", help="F#m, F# minor or 11A.")
    ] = "short",
    cover: Annotated[Path | None, typer.Option("--cover", metavar="FILE", help="A JPEG or PNG picture.")] = None,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Write tempo, key and energy into the tags of a file; its sound is not touched, `undo` brings the file back."""
    from cratehand.app.cli.daemon_client import connected
    from cratehand.app.cli.people import user_name
    from cratehand_api.v1 import upgrades_pb2

    request = upgrades_pb2.WriteTagsRequest(
        track=absolute_reference(track),
        fields=field or [],
        key_notation=key_notation,
        cover="" if cover is None else str(absolute(cover)),
        dry_run=dry_run,
        who=user_name(),
    )
    with connected(invocation(ctx)) as client:
        answer = client.upgrades.WriteTags(request, timeout=client.longest_timeout_s)
    report(answer, as_json=as_json, dry_run=dry_run)


def repair(ctx: typer.Context, track: Reference, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Tell Rekordbox your corrections of a track that it already has: tempo, grid, key and texts."""
    from cratehand.app.cli.daemon_client import connected
    from cratehand.app.cli.people import user_name
    from cratehand_api.v1 import upgrades_pb2

    request = upgrades_pb2.RepairRequest(track=absolute_reference(track), dry_run=dry_run, who=user_name())
    with connected(invocation(ctx)) as client:
        answer = client.upgrades.Repair(request, timeout=client.longest_timeout_s)
    report(answer, as_json=as_json, dry_run=dry_run)
