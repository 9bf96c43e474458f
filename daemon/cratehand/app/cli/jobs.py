"""`cratehand jobs`: what is to be done, what runs, what failed."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cratehand.app.cli.arguments import Json
from cratehand.app.cli.invocation import Invocation, invocation
from cratehand.app.cli.output import Column, or_dash, print_lines, print_table, say, write_json

if TYPE_CHECKING:
    from cratehand.domain.job import Job

_STATES = ("queued", "running", "done", "failed", "cancelled")
_COLUMNS = (
    Column(title="id", style="dim"),
    Column(title="what"),
    Column(title="state"),
    Column(title="done", justify="right"),
    Column(title="track", flexible=True),
    Column(title="error", flexible=True),
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("jobs")(jobs)


def jobs(
    ctx: typer.Context,
    state: Annotated[
        list[str] | None, typer.Option("--state", metavar="|".join(_STATES), help="Only these; again for more.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, metavar="N", help="At most so many.")] = 100,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on and show each change; the daemon has to run.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List jobs: running first, then queued, then the latest ended."""
    if follow and as_json:
        raise typer.BadParameter("--json is one document and --follow never ends: take one of them")
    if wrong := [name for name in state or () if name not in _STATES]:
        raise typer.BadParameter(f"{wrong[0]!r} is no state: {', '.join(_STATES)}", param_hint="--state")
    given = invocation(ctx)
    if follow:
        _follow(given, state or [])
        return
    from cratehand.domain.job import JobState

    with given.reading() as use_cases:
        found = use_cases.jobs.list(states=[JobState(name) for name in state or ()], limit=limit)
        counts = use_cases.jobs.counts()
        titles = _titles(use_cases.catalogue, found) if not as_json else {}
    if as_json:
        write_json([_job_json(job) for job in found])
        return
    if found:
        print_table(_COLUMNS, (_row(job, titles) for job in found))
    counted = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    say(f"{counted}." if counted else "No jobs.")


def _follow(given: Invocation, states: list[str]) -> None:
    from cratehand.app.cli.daemon_client import connected
    from cratehand_api.v1 import events_pb2

    with connected(given) as client:
        say("Following; Ctrl-C ends.")
        for event in client.events.Watch(events_pb2.WatchRequest(kinds=["job"])):
            job = event.job
            if not states or job.state in states:
                print_lines([f"{job.id[:8]}  {job.kind}  {job.state:<9}  {job.track_id}  {job.error}".rstrip()])


def _titles(catalogue: Any, found: "Any") -> dict[str, str]:
    with catalogue.reading() as stores:
        summaries = stores.tracks.summaries([job.track_id for job in found if job.track_id])
    return {
        summary.id: " – ".join(part for part in (summary.artist, summary.title) if part) or str(summary.path)
        for summary in summaries
    }


def _row(job: "Job", titles: dict[str, str]) -> list[str]:
    return [
        job.id[:8],
        job.kind.value,
        job.state.value,
        f"{job.progress:.0%}",
        titles.get(job.track_id or "", or_dash(job.track_id)),
        job.error or "",
    ]


def _job_json(job: "Job") -> dict[str, Any]:
    return {
        "id": job.id,
        "kind": job.kind.value,
        "state": job.state.value,
        "progress": job.progress,
        "track_id": job.track_id,
        "error": job.error,
        "priority": job.priority.name.lower(),
        "attempts": job.attempts,
        "created_at_s": job.created_at_s,
        "started_at_s": job.started_at_s,
        "finished_at_s": job.finished_at_s,
    }
