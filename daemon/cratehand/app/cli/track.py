"""`cratehand track`: everything about one track, and a person's word on it."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import Invocation, invocation
from cratehand.app.cli.output import Column, minutes, or_dash, print_lines, print_table, say, write_json

if TYPE_CHECKING:
    from cratehand.domain.track import TrackDetail

Reference = Annotated[str, typer.Argument(metavar="TRACK", help="A track id, the beginning of one, or a path.")]
_FACT_COLUMNS = (
    Column(title=""),
    Column(title="field"),
    Column(title="value", flexible=True),
    Column(title="source", style="dim"),
    Column(title="sure", justify="right"),
    Column(title="when", style="dim"),
)


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="One track: `track TRACK` shows it, `track set` corrects it.")
    verbs.command("show", hidden=True)(show)
    verbs.command("set")(correct)
    app.add_typer(verbs, name="track")


def show(ctx: typer.Context, track: Reference, as_json: Json = False) -> None:
    """Show what is believed of a track, and every statement with its source, confidence and time."""
    with invocation(ctx).reading() as use_cases:
        detail = use_cases.library.track(track)
    if as_json:
        from cratehand.app.cli.track_shapes import detail_json

        write_json(detail_json(detail))
        return
    print_lines(_believed(detail))
    _print_facts(detail)


def correct(
    ctx: typer.Context,
    track: Reference,
    assignments: Annotated[
        list[str],
        typer.Argument(
            metavar="FIELD=VALUE...",
            help="E.g. tempo=174, tempo=half, first_downbeat=0.31, key=8A, title='...'; nothing after = takes it back.",
        ),
    ],
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Correct a track: your word wins from now on, and no analysis overwrites it."""
    values = _values(assignments)
    given = invocation(ctx)
    ready = given.folder.read_ready()
    track_id, changes = (
        _through_daemon(given, track, values, dry_run) if ready else _straight(given, track, values, dry_run)
    )
    if as_json:
        write_json({"id": track_id, "changes": changes, "dry_run": dry_run})
        return
    for change in changes:
        print_lines([f"{change['what']}: {change['before'] or '–'} → {change['after'] or '–'}"])
    say("Nothing was changed: this was a dry run." if dry_run else f"Corrected {track_id}.")


def _values(assignments: list[str]) -> dict[str, str]:
    values = {}
    for assignment in assignments:
        field, equals, value = assignment.partition("=")
        if not equals or not field.strip():
            raise typer.BadParameter(f"{assignment!r} is not FIELD=VALUE, e.g. tempo=174", param_hint="FIELD=VALUE")
        values[field.strip()] = value
    return values


def _straight(given: Invocation, track: str, values: dict[str, str], dry_run: bool) -> tuple[str, list[dict[str, Any]]]:
    from cratehand.app.cli.people import user_name

    with given.reading() as use_cases:
        correction = use_cases.library.correct(track, values, who=user_name(), dry_run=dry_run)
    steps = correction.plan.changes
    return correction.track.track.id, [
        {"what": step.what, "where": step.where, "before": step.before, "after": step.after} for step in steps
    ]


def _through_daemon(
    given: Invocation, track: str, values: dict[str, str], dry_run: bool
) -> tuple[str, list[dict[str, Any]]]:
    from cratehand.app.cli.daemon_client import connected
    from cratehand.app.cli.paths import absolute_reference
    from cratehand_api.v1 import library_pb2

    with connected(given) as daemon:
        answer = daemon.library.SetTrack(
            library_pb2.SetTrackRequest(track=absolute_reference(track), values=values, dry_run=dry_run),
            timeout=daemon.timeout_s,
        )
    return answer.track.summary.id, [
        {"what": step.what, "where": step.where, "before": step.before, "after": step.after} for step in answer.changes
    ]


def _believed(detail: "TrackDetail") -> list[str]:
    track, summary = detail.track, detail.summary
    where = f"{summary.path}" if summary.path else "no file on this device"
    if summary.path and not summary.on_this_device:
        where += f" ({summary.presence})"
    lines = [
        f"{summary.artist or 'unknown artist'} – {summary.title or 'untitled'}",
        f"  id          {track.id}",
        f"  file        {where}",
        f"  tempo       {or_dash(summary.tempo_bpm, '{:.2f} BPM'.format)}",
        f"  key         {or_dash(summary.key)} ({summary.camelot})" if summary.key else "  key         –",
        f"  energy      {or_dash(summary.energy)}",
        f"  length      {or_dash(summary.duration_s, minutes)}",
        f"  loudness    {or_dash(summary.integrated_lufs, '{:.1f} LUFS'.format)}",
    ]
    extra = {"album": summary.album, "genre": summary.genre, "label": summary.label, "year": summary.year}
    extra |= {"rating": summary.rating, "colour": summary.colour, "comment": summary.comment}
    extra |= {"quality": summary.quality_verdict, "playlists": ", ".join(detail.playlists), "error": summary.error}
    lines += [f"  {name:<11} {value}" for name, value in extra.items() if value not in {None, ""}]
    for cue in detail.cues:
        name = f"hot cue {'ABCDEFGHIJKLMNOP'[cue.pad]}" if cue.pad is not None else f"{cue.kind} cue".replace("_", " ")
        end = f" – {cue.end_s:.3f}" if cue.end_s is not None else ""
        lines.append(f"  {name:<11} {cue.start_s:.3f}{end} s {cue.label}".rstrip())
    return lines


def _print_facts(detail: "TrackDetail") -> None:
    from cratehand.app.cli.track_shapes import moment, ranked_facts, section_agreements, shown_value

    rows = [
        (
            "*" if place == 0 else "",
            field.value if place == 0 else "",
            shown_value(fact.value),
            str(fact.source),
            f"{fact.confidence:.2f}",
            moment(fact.at_s),
        )
        for field, ranked in ranked_facts(detail.facts).items()
        for place, fact in enumerate(ranked)
    ]
    if rows:
        print_lines([""])
        print_table(_FACT_COLUMNS, rows)
        for sources, agreement in section_agreements(detail.facts):
            print_lines(
                [
                    f"Sections of {sources[0]} and {sources[1]}: borders agree to {agreement.borders_f:.0%} (F), "
                    f"labels on {agreement.same_label_share:.0%} of the time."
                ]
            )
        say("* is believed; below it what lost.")
    else:
        say("Nothing is known of it yet: `cratehand run` analyses it.")
