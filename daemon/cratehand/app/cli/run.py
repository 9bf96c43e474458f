"""`cratehand run`: the daemon in the foreground."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.paths import absolute
from cratehand.domain.errors import InvalidInputError, NotFoundError


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("run")(run)


def run(
    ctx: typer.Context,
    watch: Annotated[
        list[Path] | None, typer.Option("--watch", metavar="DIR", help="Watch a folder of music; again for more.")
    ] = None,
    rekordbox: Annotated[
        str | None,
        typer.Option("--rekordbox", metavar="auto|off|PATH", help="The master.db to read, or whether at all."),
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Where there is no music at all: make a few synthesised tracks.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Do all pending work and end.")] = False,
) -> None:
    """Run the daemon until Ctrl-C: watch, analyse, serve gRPC, OSC and HTTP."""
    given = invocation(ctx)
    folders = tuple(_existing(folder) for folder in watch or ())
    loaded = given.settings()
    wanted = _rekordbox(rekordbox) if rekordbox is not None else loaded.settings.watch.rekordbox
    folder = given.folder.make()
    if (holder := folder.owner()) is not None:
        raise folder.in_use(holder)
    from cratehand.app.logs import log_to_file, log_to_terminal
    from cratehand.app.master_parts import master_secrets

    level, secrets = loaded.settings.logs.level, (folder.token(), *master_secrets(loaded.settings))
    log_to_terminal(level, secrets=secrets)
    log_to_file(folder.logs, level, secrets=secrets)
    from cratehand.app.lifetime import RunOptions, run_daemon

    options = RunOptions(
        data_dir=folder.path, watch=folders, rekordbox=wanted, demo=demo, once=once, progress=sys.stderr.isatty()
    )
    raise typer.Exit(run_daemon(loaded.settings, options))


def _existing(folder: Path) -> Path:
    path = absolute(folder)
    if not path.exists():
        raise NotFoundError(f"--watch {path} does not exist: check the spelling, or plug the drive in")
    if not path.is_dir():
        raise InvalidInputError(f"--watch {path} is a file: give the folder it lies in")
    return path


def _rekordbox(text: str) -> str:
    if text in {"auto", "off"}:
        return text
    path = absolute(Path(text))
    if not path.exists():
        raise NotFoundError(f"--rekordbox {path} does not exist: give the path of a master.db, or auto, or off")
    return str(path)
