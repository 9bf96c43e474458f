"""`cratehand playlists`: look at the playlists, rename and delete one's own."""

from typing import Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import Invocation, invocation
from cratehand.app.cli.output import Column, print_lines, print_table, say, write_json

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name, full name (Peak/2024/Techno) or id.")]
_COLUMNS = (
    Column(title="id", style="dim"),
    Column(title="name", flexible=True),
    Column(title="kind"),
    Column(title="tracks", justify="right"),
    Column(title="from"),
)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="Playlists: list all, rename or delete your own.")
    verbs.command("list")(show)
    verbs.command("rename")(rename)
    verbs.command("delete")(delete)
    app.add_typer(verbs, name="playlists")


def show(ctx: typer.Context, as_json: Json = False) -> None:
    """List playlists and folders, those of Rekordbox and your own."""
    with invocation(ctx).catalogue() as use_cases:
        playlists, names = use_cases.playlists.all(), use_cases.playlists.full_names()
    rows: list[dict[str, Any]] = [
        {
            "id": playlist.id,
            "name": names[playlist.id],
            "kind": playlist.kind.value,
            "tracks": len(playlist.entries),
            "origin": playlist.origin,
        }
        for playlist in playlists
    ]
    if as_json:
        write_json(rows)
    elif rows:
        print_table(
            _COLUMNS, ((row["id"], row["name"], row["kind"], str(row["tracks"]), row["origin"]) for row in rows)
        )
    else:
        say("There is no playlist yet: `cratehand import playlist FILE` brings one in.")


def rename(
    ctx: typer.Context,
    playlist: Name,
    name: Annotated[str, typer.Argument(metavar="NEW", help="The new name, without its folders.")],
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Give a playlist or folder another name; `undo` takes it back."""
    given = invocation(ctx)
    if given.folder.read_ready():
        from cratehand_api.v1 import library_pb2

        request = library_pb2.RenamePlaylistRequest(playlist=playlist, name=name, dry_run=dry_run)
        done = _through_daemon(given, "RenamePlaylist", request)
    else:
        from cratehand.app.cli.people import user_name

        with given.catalogue() as use_cases:
            edit = use_cases.playlists.rename(playlist, name, who=user_name(), dry_run=dry_run)
        done = edit.plan_id, edit.plan.changes
    _report(*done, as_json=as_json, dry_run=dry_run)


def delete(ctx: typer.Context, playlist: Name, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Remove a playlist, or a folder with everything in it; the tracks stay, `undo` brings it back."""
    given = invocation(ctx)
    if given.folder.read_ready():
        from cratehand_api.v1 import library_pb2

        request = library_pb2.DeletePlaylistRequest(playlist=playlist, dry_run=dry_run)
        done = _through_daemon(given, "DeletePlaylist", request)
    else:
        from cratehand.app.cli.people import user_name

        with given.catalogue() as use_cases:
            edit = use_cases.playlists.delete(playlist, who=user_name(), dry_run=dry_run)
        done = edit.plan_id, edit.plan.changes
    _report(*done, as_json=as_json, dry_run=dry_run)


def _through_daemon(given: Invocation, method: str, request: Any) -> tuple[str | None, Any]:
    from cratehand.app.cli.daemon_client import connected

    with connected(given) as client:
        answer = getattr(client.library, method)(request, timeout=client.timeout_s)
    return answer.plan_id or None, answer.changes


def _report(plan_id: str | None, changes: Any, *, as_json: bool, dry_run: bool) -> None:
    rows = [{"what": step.what, "where": step.where, "before": step.before, "after": step.after} for step in changes]
    if as_json:
        write_json({"id": plan_id, "changes": rows, "dry_run": dry_run})
        return
    for row in rows:
        arrow = f": {row['before'] or '–'} → {row['after'] or '–'}" if row["before"] or row["after"] else ""
        print_lines([f"{row['what']} {row['where']}{arrow}"])
    if dry_run:
        say("Nothing was changed: this was a dry run.")
    else:
        say("Nothing to change." if plan_id is None else f"Done; `cratehand undo {plan_id[:8]}` takes it back.")
