"""`cratehand master`: the truth that several devices share, and a server of one's own for it."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import print_lines, say, write_json

if TYPE_CHECKING:
    from cratehand.domain.master import MasterState, SyncReport

_SHOWN = 10
_LONGEST = 80


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="The Postgres master: init, status, sync; start and stop run one of your own.")
    verbs.command("init")(init)
    verbs.command("status")(status)
    verbs.command("sync")(sync)
    verbs.command("start")(start)
    verbs.command("stop")(stop)
    app.add_typer(verbs, name="master")


def init(
    ctx: typer.Context,
    share: Annotated[
        list[str] | None, typer.Option("--share", metavar="USER", help="A database user who may use this collection.")
    ] = None,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Make the collection on the master, or bring it up to date."""
    from cratehand.app.master_parts import find_address
    from cratehand.catalogue.master.setting_up import set_up

    given = invocation(ctx)
    address = find_address(given.settings().settings, given.folder)
    done = set_up(address, dry_run=dry_run, share_with=tuple(share or ()))
    if as_json:
        write_json(
            {
                "master": address.spoken, "collection": address.collection, "server": done.server,
                "schema_before": done.before, "schema": done.after, "pgvector": done.has_pgvector, "dry_run": dry_run,
            }
        )  # fmt: skip
        return
    would = "Would make" if dry_run else "Made"
    if done.before == done.after:
        what = f"Nothing to do: the collection {address.collection} has the schema {done.after}"
    elif done.before is None:
        what = f"{would} the collection {address.collection}"
    else:
        moved = "Would bring" if dry_run else "Brought"
        what = f"{moved} the collection {address.collection} from schema {done.before} to {done.after}"
    say(f"{what} ({address.spoken}, PostgreSQL {done.server}).")


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show how far device and master are, what conflicted, and what could not be taken over."""
    from cratehand.app.master_parts import find_address, open_master

    given = invocation(ctx)
    address = find_address(given.settings().settings, given.folder)
    with given.catalogue() as use_cases:
        master = open_master(use_cases.catalogue, address, given.folder)
        try:
            state = master.state()
        finally:
            master.close()
    if as_json:
        write_json(_state_json(state))
    else:
        print_lines(_state_lines(state))
    if state.problem is not None:
        raise typer.Exit(1)


def sync(
    ctx: typer.Context,
    again: Annotated[
        bool, typer.Option("--again", help="Compare everything, e.g. after the master was brought back from a backup.")
    ] = False,
    join: Annotated[
        bool, typer.Option("--join", help="Bring everything here into another master than so far.")
    ] = False,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Take over what is new on the master and push what is new here, once."""
    from cratehand.app.master_parts import find_address, open_master

    given = invocation(ctx)
    address = find_address(given.settings().settings, given.folder)
    with given.catalogue() as use_cases:
        master = open_master(use_cases.catalogue, address, given.folder)
        try:
            if dry_run:
                _tell_dry(master.state(), as_json=as_json)
                return
            report = master.join() if join else master.begin_again() if again else master.sync()
        finally:
            master.close()
    _tell(report, as_json=as_json)


def start(ctx: typer.Context, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Run a PostgreSQL of your own on this computer; it lives on in the background."""
    from cratehand.app.master_parts import embedded_server, one_at_a_time

    folder = invocation(ctx).folder.make()
    server = embedded_server(folder)
    if dry_run:
        from cratehand.catalogue.master.binaries import find_binaries

        binaries = find_binaries()
        what = {"would": "start", "postgres": str(binaries.folder), "major": binaries.major, "dry_run": True}
        write_json(what) if as_json else say(f"Would run PostgreSQL {binaries.major} from {binaries.folder}.")
        return
    with one_at_a_time(folder.path / "postgres.lock"):
        running = server.start()
    if as_json:
        write_json({"url": running.url, "pid": running.pid, "port": running.port, "version": running.version})
        return
    print_lines([running.url])
    say(
        f"PostgreSQL {running.version} {'runs already' if running.was_running else 'runs'} (process {running.pid}). "
        "Put this URL into [master] url; it holds the password. Then: cratehand master init"
    )


def stop(ctx: typer.Context, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Stop the PostgreSQL that `start` runs."""
    from cratehand.app.master_parts import embedded_server, one_at_a_time

    folder = invocation(ctx).folder.make()
    server = embedded_server(folder)
    if dry_run:
        was_running = server.running() is not None
    else:
        with one_at_a_time(folder.path / "postgres.lock"):
            was_running = server.stop()
    if as_json:
        write_json({"stopped": was_running and not dry_run, "dry_run": dry_run})
    elif was_running:
        say("Would stop it." if dry_run else "Stopped.")
    else:
        say("It does not run.")


def _tell(report: "SyncReport", *, as_json: bool) -> None:
    if as_json:
        write_json(
            {
                "pulled": report.pulled, "pushed": report.pushed, "conflicts": report.conflicts,
                "refused": report.refused, "dry_run": False,
            }
        )  # fmt: skip
        return
    if report.is_empty:
        say("In step; nothing was new.")
        return
    say(f"In step: {report.pulled} rows came, {report.pushed} went.")
    if report.conflicts or report.refused:
        said = f"{report.conflicts} conflicts settled, {report.refused} rows refused"
        say(f"{said}: `cratehand master status` shows them.")


def _tell_dry(state: "MasterState", *, as_json: bool) -> None:
    if as_json:
        write_json({"waiting": state.waiting, "behind": state.behind, "problem": state.problem, "dry_run": True})
        return
    say(f"Would push {state.waiting} changes and take over {'?' if state.behind is None else state.behind} pushes.")
    if state.problem:
        say(state.problem)


def _state_json(state: "MasterState") -> dict[str, Any]:
    return {
        "master": state.address, "collection": state.collection, "server": state.server or None,
        "device": state.device or None, "waiting": state.waiting, "behind": state.behind, "problem": state.problem,
        "devices": [
            {"device": each.device, "name": each.name, "behind": each.behind, "met_at_s": each.met_at_s}
            for each in state.devices
        ],
        "conflicts": [
            {
                "at_s": each.at_s, "what": each.what, "where": each.where, "field": each.field, "kept": each.kept,
                "lost": each.lost, "kept_by": each.kept_by, "lost_by": each.lost_by,
            }
            for each in state.conflicts
        ],
        "set_aside": [
            {"what": each.what, "where": each.where, "side": each.side, "reason": each.reason}
            for each in state.set_aside
        ],
    }  # fmt: skip


def _state_lines(state: "MasterState") -> list[str]:
    reached = state.problem or f"PostgreSQL {state.server}"
    lines = [
        f"master      {state.address}, collection {state.collection}",
        f"            {reached}",
        f"here        {state.waiting} changes that the master does not have",
        f"there       {'unknown' if state.behind is None else state.behind} pushes that this device does not have",
    ]
    for each in state.devices:
        met = dt.datetime.fromtimestamp(each.met_at_s).astimezone()
        me = ", this one" if each.device == state.device else ""
        lines.append(f"device      {each.name} ({each.device}{me}), last met {met:%Y-%m-%d %H:%M}")
    for conflict in state.conflicts[:_SHOWN]:
        lines.append(
            f"conflict    {conflict.what} {conflict.where} {conflict.field}: kept {_short(conflict.kept)}, "
            f"lost {_short(conflict.lost)}"
        )
    if state.conflicts:
        lines.append("            --json shows all of them, and what was lost in full")
    lines += [
        f"set aside   {each.what} {each.where} by the {each.side}: {each.reason}" for each in state.set_aside[:_SHOWN]
    ]
    return lines


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
