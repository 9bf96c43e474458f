"""`cratehand upgrade`: better copies of tracks."""

from typing import Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, or_dash, print_table, say, write_json
from cratehand.app.cli.paths import absolute_reference
from cratehand.app.cli.plan_shapes import pair_json, plan_json, print_plan, tell_steps

PlanId = Annotated[str, typer.Argument(metavar="ID", help="An id, the beginning of one, a track id or a path.")]
_COLUMNS = (
    Column(title="id", style="dim"),
    Column(title="current", flexible=True),
    Column(title="candidate", flexible=True),
    Column(title="verdict"),
    Column(title="offset", justify="right"),
    Column(title="state"),
    Column(title="reason", flexible=True),
)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="Better copies of your tracks: scan, list, show, apply.")
    verbs.command("scan")(scan)
    verbs.command("list")(show_all)
    verbs.command("show")(show)
    verbs.command("apply")(apply)
    app.add_typer(verbs, name="upgrade")


def scan(ctx: typer.Context, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Compare all tracks that were not compared yet; what is found is listed, nothing is changed."""
    from cratehand.app.cli.daemon_client import connected
    from cratehand_api.v1 import upgrades_pb2

    judged = total = 0
    pairs: list[Any] = []
    with connected(invocation(ctx)) as client:
        for progress in client.upgrades.Scan(upgrades_pb2.ScanRequest(dry_run=dry_run)):
            judged, total, pairs = progress.judged, progress.total, list(progress.pairs)
            if not progress.finished and not as_json:
                say(f"{progress.compared} of {progress.total} tracks compared")
    if as_json:
        answer: dict[str, Any] = {"tracks": total, "judged": judged}
        write_json(answer | {"dry_run": True, "pairs": [pair_json(pair) for pair in pairs]} if dry_run else answer)
    elif dry_run:
        if pairs:
            print_table(_COLUMNS, (_row(pair) for pair in pairs))
        say(f"{judged} pairs among {total} tracks; nothing was kept of them: this was a dry run.")
    else:
        say(f"{judged} new pairs judged among {total} tracks: `cratehand upgrade list` shows them.")


def show_all(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, metavar="N", help="At most so many.")] = 1000,
    as_json: Json = False,
) -> None:
    """List every pair of files that was judged, also the refused ones, the latest first."""
    from cratehand.app.cli.daemon_client import connected
    from cratehand_api.v1 import upgrades_pb2

    with connected(invocation(ctx)) as client:
        answer = client.upgrades.ListPairs(upgrades_pb2.ListPairsRequest(limit=limit), timeout=client.timeout_s)
    if as_json:
        write_json([pair_json(pair) for pair in answer.pairs])
    elif answer.pairs:
        print_table(_COLUMNS, (_row(pair) for pair in answer.pairs))
        say("`cratehand upgrade show ID` says more, `cratehand upgrade apply ID` does it.")
    else:
        say("No pair of files was judged yet: a better copy is found when it lands in a watched folder.")


def show(ctx: typer.Context, plan: PlanId, as_json: Json = False) -> None:
    """Show one plan: both files, the verdict, the offset, and what would change."""
    from cratehand.app.cli.daemon_client import connected
    from cratehand_api.v1 import upgrades_pb2

    with connected(invocation(ctx)) as client:
        request = upgrades_pb2.PlanRequest(id=absolute_reference(plan))
        answer = client.upgrades.GetPlan(request, timeout=client.timeout_s)
    if as_json:
        write_json(plan_json(answer))
        return
    print_plan(answer)
    tell_steps(answer)


def apply(ctx: typer.Context, plan: PlanId, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Let the better file take the place of the old one; cues, lists, rating and history stay."""
    change(ctx, "ApplyPlan", plan, as_json=as_json, dry_run=dry_run)


def change(ctx: typer.Context, method: str, plan: str, *, as_json: bool, dry_run: bool) -> None:
    """Have the daemon apply or undo a plan, and say what came of it."""
    from cratehand.app.cli.daemon_client import connected
    from cratehand.app.cli.people import user_name
    from cratehand_api.v1 import upgrades_pb2

    with connected(invocation(ctx)) as client:
        request = upgrades_pb2.PlanRequest(id=absolute_reference(plan), dry_run=dry_run, who=user_name())
        answer = getattr(client.upgrades, method)(request, timeout=client.longest_timeout_s)
    report(answer, as_json=as_json, dry_run=dry_run)


def report(answer: Any, *, as_json: bool, dry_run: bool) -> None:
    """Show a plan that was just applied or undone."""
    if as_json:
        write_json(plan_json(answer, dry_run=dry_run))
        return
    print_plan(answer)
    if dry_run:
        say("Nothing was changed: this was a dry run.")
        return
    tell_steps(answer)
    if answer.state == "applied":
        say(f"Done; `cratehand undo {answer.id[:8]}` brings back what was there.")


def _row(pair: Any) -> tuple[str, ...]:
    # Of a dry run there is no plan yet.
    state = pair.state if pair.HasField("state") else "better" if pair.accepted else "refused"
    offset = f"{pair.offset_s * 1e3:+.1f} ms" if pair.HasField("offset_s") else or_dash(None)
    return pair.id[:8], pair.current, pair.candidate, pair.verdict, offset, state, pair.reason
