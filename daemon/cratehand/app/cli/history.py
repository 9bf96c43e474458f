"""`cratehand history` and `cratehand undo`."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, print_table, say, write_json
from cratehand.app.cli.upgrade import PlanId, change

if TYPE_CHECKING:
    from cratehand.domain.plan_elsewhere import PlanElsewhere
    from cratehand.domain.plan_record import PlanRecord

_COLUMNS = (
    Column(title="id", style="dim"),
    Column(title="when"),
    Column(title="who"),
    Column(title="what"),
    Column(title="why", flexible=True),
    Column(title="undone"),
    Column(title="on"),
)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("history")(history)
    app.command("undo")(undo)


def history(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, metavar="N", help="At most so many.")] = 100,
    as_json: Json = False,
) -> None:
    """List what plans changed, the latest first: when, who, what, why, on which device, and whether it was undone."""
    from cratehand.usecases.history import history_everywhere

    with invocation(ctx).reading() as use_cases, use_cases.catalogue.reading() as stores:
        plans = history_everywhere(stores, limit=limit)
    if as_json:
        write_json([_json(plan) for plan in plans])
    elif plans:
        rows = [_json(plan) for plan in plans]
        print_table(
            _COLUMNS,
            (
                (
                    r["id"][:8],
                    r["when"][:16],
                    r["who"],
                    r["what"],
                    r["why"],
                    "yes" if r["undone"] else "",
                    r["device"] or "",
                )
                for r in rows
            ),
        )
    else:
        say("No plan was applied yet.")


def undo(ctx: typer.Context, plan: PlanId, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Bring back what was there before a plan: files, names, tags, cues and rows, exactly."""
    change(ctx, "UndoPlan", plan, as_json=as_json, dry_run=dry_run)


def _json(plan: "PlanRecord | PlanElsewhere") -> dict[str, Any]:
    from cratehand.domain.plan_elsewhere import PlanElsewhere

    changes = plan.changes if isinstance(plan, PlanElsewhere) else plan.plan.changes
    return {
        "id": plan.id,
        "when": _when(plan.applied_at_s),
        "who": plan.who,
        "what": plan.kind.value,
        "why": plan.why,
        "undone": plan.undone_at_s is not None,
        "undone_at": _when(plan.undone_at_s) or None,
        "track_id": plan.track_id,
        # None: this one. Paths of another device are not told, and its plans can be undone there only.
        "device": plan.device if isinstance(plan, PlanElsewhere) else None,
        "changes": [
            {"what": step.what, "where": step.where, "before": step.before, "after": step.after} for step in changes
        ],
    }


def _when(time_s: float | None) -> str:
    return "" if time_s is None else dt.datetime.fromtimestamp(time_s).astimezone().isoformat(timespec="seconds")
