"""`cratehand status`, `pause` and `resume`: what runs, and silence for a gig."""

from typing import Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import Invocation, invocation
from cratehand.app.cli.output import print_lines, say, write_json


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("status")(status)
    app.command("pause")(pause)
    app.command("resume")(resume)


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show what the daemon does; exit code 1 where it isn't running."""
    from cratehand_api.v1 import daemon_pb2

    state = _asked(invocation(ctx), "GetStatus", daemon_pb2.GetStatusRequest())
    if as_json:
        write_json(state)
    else:
        print_lines(_lines(state))


def pause(ctx: typer.Context, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Stop background work until `resume`, also across restarts; servers and interactive requests go on."""
    from cratehand_api.v1 import daemon_pb2

    _switch(ctx, "Pause", daemon_pb2.PauseRequest(), as_json=as_json, dry_run=dry_run)


def resume(ctx: typer.Context, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Let background work go on."""
    from cratehand_api.v1 import daemon_pb2

    _switch(ctx, "Resume", daemon_pb2.ResumeRequest(), as_json=as_json, dry_run=dry_run)


def _switch(ctx: typer.Context, method: str, request: Any, *, as_json: bool, dry_run: bool) -> None:
    from cratehand_api.v1 import daemon_pb2

    given = invocation(ctx)
    if dry_run:
        state = _asked(given, "GetStatus", daemon_pb2.GetStatusRequest())
    else:
        state = _asked(given, method, request)
    if as_json:
        write_json(state)
        return
    would = "Would " if dry_run else ""
    if method == "Pause":
        say(f"{would}pause background work." if dry_run else "Background work is paused; `cratehand resume` goes on.")
    else:
        reason = state["quiet_reason"]
        say(f"{would}resume background work." if dry_run else f"Background work goes on{_but(reason)}.")


def _but(reason: str | None) -> str:
    return f" later: {reason}" if reason else ""


def _asked(given: Invocation, method: str, request: Any) -> dict[str, Any]:
    from cratehand.app.cli.daemon_client import connected

    with connected(given) as client:
        answer = getattr(client.daemon, method)(request, timeout=client.timeout_s)
        ready = client.ready
    return {
        "version": answer.version,
        "pid": ready.pid,
        "uptime_s": round(answer.uptime_s, 1),
        "data_dir": answer.data_dir,
        "grpc": ready.grpc,
        "osc": ready.osc,
        "http": ready.http,
        "tracks": dict(answer.tracks),
        "jobs": dict(answer.jobs),
        "quiet_reason": answer.quiet_reason if answer.HasField("quiet_reason") else None,
        "collection": answer.collection,
        "collection_error": answer.collection_error if answer.HasField("collection_error") else None,
        "folders": list(answer.folders),
        "master": answer.master if answer.HasField("master") else None,
        "master_error": answer.master_error if answer.HasField("master_error") else None,
    }


def _lines(state: dict[str, Any]) -> list[str]:
    hours, rest = divmod(int(state["uptime_s"]), 3600)
    tracks, jobs = state["tracks"], state["jobs"]
    counted = ", ".join(
        f"{tracks[name]} {name}" for name in ("analysed", "failed", "missing", "offline") if tracks.get(name)
    )
    queue = ", ".join(f"{jobs[name]} {name}" for name in ("running", "queued", "failed") if jobs.get(name))
    lines = [
        f"cratehand {state['version']} runs (process {state['pid']}, {hours}:{rest // 60:02}:{rest % 60:02})",
        f"  data        {state['data_dir']}",
        f"  servers     gRPC {state['grpc']}, OSC {state['osc']}, {state['http']}",
        f"  tracks      {tracks.get('total', 0)}{f' ({counted})' if counted else ''}",
        f"  jobs        {queue or 'nothing to do'}",
        f"  background  {state['quiet_reason'] or 'may work'}",
        f"  Rekordbox   {state['collection']}",
    ]
    if state["collection_error"]:
        lines.append(f"              {state['collection_error']}")
    if state["master"]:
        lines.append(f"  master      {state['master']}")
    if state["master_error"]:
        lines.append(f"              {state['master_error']}")
    lines += [f"  {'folder' if index == 0 else '':<11} {path}" for index, path in enumerate(state["folders"])]
    if not state["folders"]:
        lines.append("  folder      none: `cratehand watch add FOLDER`")
    return lines
