"""`cratehand watch`: folders at run time."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, print_table, say, write_json
from cratehand.app.cli.paths import absolute

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder of music.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="Watched folders: add, remove, list.")
    verbs.command("add")(add)
    verbs.command("remove")(remove)
    verbs.command("list")(show)
    app.add_typer(verbs, name="watch")


def add(
    ctx: typer.Context,
    folder: Folder,
    poll: Annotated[bool, typer.Option("--poll", help="Look on a timer: its drive sends no events.")] = False,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Watch a folder from now on; the daemon has to run."""
    from cratehand_api.v1 import daemon_pb2

    request = daemon_pb2.AddFolderRequest(path=str(absolute(folder)), polling=poll, dry_run=dry_run)
    _change(ctx, "AddFolder", request, as_json=as_json, dry_run=dry_run, nothing="It is watched already.")


def remove(ctx: typer.Context, folder: Folder, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Watch a folder no more; its tracks and all that is known of them stay."""
    from cratehand_api.v1 import daemon_pb2

    request = daemon_pb2.RemoveFolderRequest(path=str(absolute(folder)), dry_run=dry_run)
    _change(ctx, "RemoveFolder", request, as_json=as_json, dry_run=dry_run, nothing="Nothing to change.")


def show(ctx: typer.Context, as_json: Json = False) -> None:
    """List the watched folders: those of the settings, and those added at run time."""
    given = invocation(ctx)
    with given.catalogue() as use_cases:
        found = use_cases.folders.all()
        configured = set(given.settings().settings.watch.folders)
    rows: list[dict[str, Any]] = [
        {
            "path": str(folder.path),
            "polling": folder.polling,
            "configured": folder.path in configured,
            "present": folder.path.is_dir(),
        }
        for folder in found
    ]
    if as_json:
        write_json(rows)
    elif rows:
        columns = (Column(title="folder", flexible=True), Column(title="from"), Column(title="now"))
        print_table(columns, ([row["path"], _origin(row), "there" if row["present"] else "not there"] for row in rows))
    else:
        say("No folder is watched: `cratehand watch add FOLDER` adds one while the daemon runs.")


def _origin(row: dict[str, Any]) -> str:
    return ("settings" if row["configured"] else "added") + (", on a timer" if row["polling"] else "")


def _change(ctx: typer.Context, method: str, request: Any, *, as_json: bool, dry_run: bool, nothing: str) -> None:
    from cratehand.app.cli.daemon_client import connected

    with connected(invocation(ctx)) as client:
        answer = getattr(client.daemon, method)(request, timeout=client.slow_timeout_s)
    changes = [{"what": step.what, "where": step.where} for step in answer.changes]
    if as_json:
        write_json({"changes": changes, "dry_run": dry_run})
    elif changes:
        say("\n".join(f"{'Would ' if dry_run else 'Done: '}{step['what']} {step['where']}" for step in changes))
    else:
        say(nothing)
