"""`cratehand service`: the daemon starts when the user logs in."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import print_lines, say, write_json
from cratehand.app.logs import DAEMON_LOG
from cratehand.domain.errors import ConflictError, NotFoundError

if TYPE_CHECKING:
    from cratehand.app.data_folder import DataFolder
    from cratehand.domain.plan import Plan
    from cratehand_service import Service

_TAIL_BYTES = 1_000_000


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="The daemon as a service: install, status, logs, uninstall.")
    verbs.command("install")(install)
    verbs.command("status")(status)
    verbs.command("logs")(logs)
    verbs.command("uninstall")(uninstall)
    app.add_typer(verbs, name="service")


def install(ctx: typer.Context, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Start the daemon now and whenever you log in; a service that is there is replaced."""
    folder, service = _service(ctx)
    plan = service.plan_install()
    if not dry_run:
        _refuse_beside_another(folder, service)
        folder.make()
        service.install()
    _report(plan, as_json=as_json, dry_run=dry_run)
    if not dry_run:
        say("Installed and started: `cratehand status` shows what it does, `cratehand service logs` what it says.")


def status(ctx: typer.Context, as_json: Json = False) -> None:
    """Show what the operating system says of the service."""
    _, service = _service(ctx)
    found = service.status()
    if as_json:
        write_json({"state": found.state.value, "detail": found.detail})
    else:
        print_lines([f"{found.state.replace('_', ' ')}: {found.detail}"])


def logs(
    ctx: typer.Context,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=100_000, metavar="N", help="How many lines.")] = 50,
    as_json: Json = False,
) -> None:
    """Show the last lines of the daemon's log."""
    folder, service = _service(ctx)
    path = folder.logs / DAEMON_LOG
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            last = file.read().decode("utf-8", "replace").splitlines()[-lines:]
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no log yet: {path}: `cratehand run` or `cratehand service install`") from error
    if as_json:
        write_json({"path": str(path), "lines": last})
        return
    print_lines(last)
    say(f"The whole of it: {path}. What it said before its log began: {service.log_hint()}")


def uninstall(ctx: typer.Context, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Stop the service and forget it; data and logs stay."""
    _, service = _service(ctx)
    plan = service.plan_uninstall()
    if not dry_run:
        service.uninstall()
    _report(plan, as_json=as_json, dry_run=dry_run)
    if not dry_run:
        say("The service is gone; data and logs stay.")


def _service(ctx: typer.Context) -> "tuple[DataFolder, Service]":
    from cratehand.app.background_service import background_service

    given = invocation(ctx)
    return given.folder, background_service(given.folder, given.config)


def _refuse_beside_another(folder: "DataFolder", service: "Service") -> None:
    from cratehand_service import ServiceState

    holder = folder.owner()
    if holder is not None and service.status().state is not ServiceState.RUNNING:
        raise ConflictError(f"a daemon runs already (process {holder}): stop it first, then install the service")


def _report(plan: "Plan", *, as_json: bool, dry_run: bool) -> None:
    changes: list[dict[str, Any]] = [
        {"what": step.what, "where": step.where, "after": step.after} for step in plan.changes
    ]
    if as_json:
        write_json({"changes": changes, "dry_run": dry_run})
        return
    for step in changes:
        say(f"{'Would ' if dry_run else ''}{step['what']} {step['where']}")
        if dry_run and step["after"]:
            print_lines(step["after"].splitlines())
