"""`cratehand doctor`: what is missing, and the command that mends it."""

from pathlib import Path
from typing import Annotated

import typer

from cratehand.app.cli.arguments import Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, print_lines, print_table, say, write_json
from cratehand.app.cli.paths import absolute


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor")(doctor)


def doctor(
    ctx: typer.Context,
    osc: Annotated[bool, typer.Option("--osc", help="Print the table of OSC addresses instead.")] = False,
    diagnostics: Annotated[
        Path | None,
        typer.Option(
            "--diagnostics", metavar="FILE.zip", help="Gather what a bug report needs; names and paths removed."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Look at everything cratehand stands on; exit code 1 where something is broken."""
    if osc:
        _print_osc(as_json=as_json)
        return
    from cratehand.app.doctor import Health, examine

    given = invocation(ctx)
    findings = examine(given.folder, config=given.config)
    if diagnostics is not None:
        from cratehand.app.diagnostics import write_diagnostics

        target = absolute(diagnostics)
        write_diagnostics(target, given.folder, findings=findings, config=given.config)
        say(f"Wrote {target}: names, paths and secrets are removed; look into it before you send it.")
    if as_json:
        write_json(
            [
                {"check": each.check, "health": each.health.value, "finding": each.finding, "fix": each.fix}
                for each in findings
            ]
        )
    else:
        marks = {Health.GOOD: "ok", Health.NOTE: "note", Health.BROKEN: "BROKEN"}
        columns = (Column(title=""), Column(title="check"), Column(title="finding", flexible=True))
        rows = [
            (marks[each.health], each.check, each.finding + (f" → {each.fix}" if each.fix else "")) for each in findings
        ]
        print_table(columns, rows)
    broken = sum(each.health is Health.BROKEN for each in findings)
    say(f"{broken} of {len(findings)} checks found something broken." if broken else "All that is needed is there.")
    if broken:
        raise typer.Exit(1)


def _print_osc(*, as_json: bool) -> None:
    from cratehand.servers.osc.addresses import ADDRESSES, Direction

    if as_json:
        write_json(
            [
                {
                    "address": address.path,
                    "direction": address.direction.value,
                    "arguments": [
                        {"name": argument.name, "type": argument.type, "optional": argument.optional}
                        for argument in address.arguments
                    ],
                    "does": address.does,
                }
                for address in ADDRESSES
            ]
        )
        return
    columns = (Column(title="address"), Column(title="arguments", flexible=True), Column(title="does", flexible=True))
    for direction in Direction:
        print_lines([str(direction)])
        chosen = [address for address in ADDRESSES if address.direction is direction]
        print_table(columns, ((each.path, " ".join(map(str, each.arguments)), each.does) for each in chosen))
        print_lines([""])
