"""`cratehand backup` and `cratehand restore`: years of corrections live in the catalogue."""

from pathlib import Path
from typing import Annotated

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import say, write_json
from cratehand.app.cli.paths import absolute
from cratehand.domain.errors import InvalidInputError, NotFoundError


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, or a folder to write one into.")],
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Copy the catalogue to a file, also while the daemon runs."""
    from cratehand.catalogue.backup import backup as copy_catalogue

    source = invocation(ctx).folder.catalogue
    target = _in_folder(absolute(file))
    if not source.is_file():
        raise NotFoundError(f"there is no catalogue at {source} yet: `cratehand run` makes it")
    if not dry_run:
        copy_catalogue(source, target)
    size_bytes = source.stat().st_size if dry_run else target.stat().st_size
    if as_json:
        write_json({"path": str(target), "size_bytes": size_bytes, "dry_run": dry_run})
    else:
        what = f"{target} ({size_bytes / 1e6:.1f} MB)"
        say(f"Would write about {what}." if dry_run else f"Wrote {what}. `cratehand restore {target}` brings it back.")


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `cratehand backup` wrote.")],
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Put a backup in the place of the catalogue; the daemon must not run. The replaced catalogue is kept."""
    from cratehand.catalogue.backup import restore as put_back
    from cratehand.catalogue.check import check

    source, folder = absolute(file), invocation(ctx).folder.make()
    if not source.exists():
        raise NotFoundError(f"there is no file {source}")
    if source.is_dir():
        raise InvalidInputError(f"{source} is a folder: name the file that `cratehand backup` wrote")
    replaced: Path | None = None
    with folder.locked():
        if dry_run:
            findings = check(source)
        else:
            replaced = put_back(source, folder.catalogue)
            findings = []
    if as_json:
        kept = None if replaced is None else str(replaced)
        write_json({"path": str(folder.catalogue), "replaced": kept, "findings": findings, "dry_run": dry_run})
    elif dry_run:
        state = f"it has faults: {findings[0]}" if findings else "it is sound"
        say(f"Would put {source} in the place of {folder.catalogue}; {state}.")
    else:
        say(f"Restored {folder.catalogue} from {source}.")
        if replaced is not None:
            say(f"What was there before is kept: {replaced}")


def _in_folder(target: Path) -> Path:
    if not target.is_dir():
        return target
    import datetime as dt

    return target / f"cratehand-{dt.datetime.now().astimezone():%Y-%m-%d-%H%M%S}.db"
