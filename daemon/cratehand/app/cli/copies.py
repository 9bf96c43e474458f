"""`cratehand duplicates` and `cratehand missing`."""

from typing import Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, or_dash, print_lines, print_table, say, write_json

_MISSING = (
    Column(title="id", style="dim"),
    Column(title="lost", flexible=True),
    Column(title="found", flexible=True),
    Column(title="by"),
)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("duplicates")(duplicates)
    app.command("missing")(missing)


def duplicates(ctx: typer.Context, as_json: Json = False) -> None:
    """List copies of one recording, the best of each first."""
    from cratehand.app.cli.daemon_client import connected
    from cratehand_api.v1 import upgrades_pb2

    with connected(invocation(ctx)) as client:
        request = upgrades_pb2.ListDuplicatesRequest()
        answer = client.upgrades.ListDuplicates(request, timeout=client.longest_timeout_s)
    if as_json:
        write_json([_group_json(group) for group in answer.groups])
        return
    for group in answer.groups:
        print_lines([" – ".join(part for part in (group.artist, group.title) if part) or "untitled"])
        print_lines([f"  {'*' if copy.best else ' '} {copy.path} ({copy.reason})" for copy in group.copies])
    say("* is the best copy." if answer.groups else "No recording is there twice.")


def missing(
    ctx: typer.Context,
    relocate: Annotated[bool, typer.Option("--relocate", help="Point the tracks at what was found.")] = False,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """List tracks whose file is lost, and where it is now by its sound."""
    from cratehand.app.cli.daemon_client import connected
    from cratehand.app.cli.people import user_name
    from cratehand_api.v1 import upgrades_pb2

    with connected(invocation(ctx)) as client:
        request = upgrades_pb2.ListMissingRequest(relocate=relocate, dry_run=dry_run, who=user_name())
        answer = client.upgrades.ListMissing(request, timeout=client.longest_timeout_s)
    rows = [_missing_json(one) for one in answer.missing]
    if as_json:
        write_json(rows)
        return
    if not rows:
        say("No file is lost.")
        return
    print_table(
        _MISSING,
        ((row["id"][:8], row["path"] or "–", or_dash(row["found"]), or_dash(row["found_by"])) for row in rows),
    )
    found = sum(row["found"] is not None for row in rows)
    if relocate and not dry_run:
        say(f"{sum(row['plan_id'] is not None for row in rows)} tracks relocated; `cratehand history` lists them.")
    elif found:
        say(f"{found} found: `cratehand missing --relocate` points the tracks there.")


def _group_json(group: Any) -> dict[str, Any]:
    return {
        "title": group.title or None,
        "artist": group.artist or None,
        "copies": [
            {
                "id": copy.id,
                "path": copy.path,
                "verdict": copy.verdict or None,
                "best": copy.best,
                "reason": copy.reason,
            }
            for copy in group.copies
        ],
    }


def _missing_json(one: Any) -> dict[str, Any]:
    return {
        "id": one.track_id,
        "path": one.path or None,
        "title": one.title or None,
        "artist": one.artist or None,
        "found": one.found if one.HasField("found") else None,
        "found_by": one.found_by if one.HasField("found_by") else None,
        "plan_id": one.plan_id if one.HasField("plan_id") else None,
    }
