"""Plans and judged pairs as JSON and as lines, from messages of the daemon."""

from typing import Any

from cratehand.app.cli.output import print_lines, say


def pair_json(pair: Any) -> dict[str, Any]:
    """Return a judged pair: surface.md, `upgrade list`."""
    return {
        "id": pair.id,
        "track_id": pair.track_id,
        "current": pair.current,
        "candidate": pair.candidate,
        "verdict": pair.verdict,
        "accepted": pair.accepted,
        "reason": pair.reason,
        "offset_s": pair.offset_s if pair.HasField("offset_s") else None,
        "relation": pair.relation,
        "state": pair.state if pair.HasField("state") else None,
        "judged_at_s": pair.judged_at_s,
    }


def plan_json(plan: Any, *, dry_run: bool = False) -> dict[str, Any]:
    """Return a plan with what it changes and, for an upgrade, how the pair was judged."""
    shape = {
        "id": plan.id,
        "kind": plan.kind,
        "state": plan.state,
        "who": plan.who,
        "why": plan.why,
        "track_id": plan.track_id if plan.HasField("track_id") else None,
        "created_at_s": plan.created_at_s,
        "applied_at_s": plan.applied_at_s if plan.HasField("applied_at_s") else None,
        "undone_at_s": plan.undone_at_s if plan.HasField("undone_at_s") else None,
        "error": plan.error if plan.HasField("error") else None,
        "changes": [
            {"what": step.what, "where": step.where, "before": step.before, "after": step.after}
            for step in plan.changes
        ],
        "steps_for_you": list(plan.steps_for_you),
        "dry_run": dry_run,
    }
    if plan.HasField("pair"):
        shape |= pair_json(plan.pair) | {"id": plan.id, "state": plan.state, "numbers": dict(plan.pair.numbers)}
    return shape


def print_plan(plan: Any) -> None:
    """Show a plan to a person."""
    print_lines([f"{plan.kind} {plan.id[:8]}  {plan.state}", f"  why       {plan.why}"])
    if plan.HasField("pair"):
        pair = plan.pair
        offset = f"{pair.offset_s * 1e3:+.2f} ms" if pair.HasField("offset_s") else "–"
        print_lines(
            [
                f"  current   {pair.current}",
                f"  candidate {pair.candidate} ({pair.verdict})",
                f"  relation  {pair.relation}, offset {offset}",
            ]
        )
    print_lines([f"  {line}" for line in _changes(plan)])
    if plan.HasField("error"):
        print_lines([f"  error     {plan.error}"])


def tell_steps(plan: Any) -> None:
    """Say what is left to do in Rekordbox."""
    if plan.steps_for_you:
        say("In Rekordbox:\n" + "\n".join(f"  {step}" for step in plan.steps_for_you))


def _changes(plan: Any) -> list[str]:
    lines = []
    for step in plan.changes:
        arrow = f": {step.before or '–'} → {step.after or '–'}" if step.before or step.after else ""
        lines.append(f"{step.what} {step.where}{arrow}")
    return lines
