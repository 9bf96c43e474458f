"""`cratehand stems`: separate a file, without the daemon."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import Invocation, invocation
from cratehand.app.cli.output import print_lines, say, write_json
from cratehand.app.cli.paths import absolute
from cratehand.domain.errors import InvalidInputError, NotFoundError
from cratehand.domain.stem import StemFormat

if TYPE_CHECKING:
    from cratehand.domain.stem import StemFile
    from cratehand.usecases.stem_separation import StemSeparation

_FORMATS = tuple(each.value for each in StemFormat)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("stems")(stems)


def stems(
    ctx: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The audio file to separate, or the id of a track.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the stems; made where it is not there.")
    ],
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="A model that makes stems; the best one here if none.")
    ] = None,
    kind: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="flac|wav|stem.mp4",
            help="24 bits each; stem.mp4 is one file with the mix and four stems.",
        ),
    ] = "flac",
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Separate a file into stems, aligned to the sample with it. Cut off, it goes on from there next time."""
    if kind not in _FORMATS:
        raise typer.BadParameter(f"{kind!r} is none of {', '.join(_FORMATS)}", param_hint="--format")
    from cratehand.app.model_parts import stem_separation

    given = invocation(ctx)
    path, target, ending = _file_of(given, file), absolute(out), f".{kind}"
    separation, name = stem_separation(given.settings().settings, given.folder.make(), model)
    if dry_run:
        planned = [str(each) for each in separation.planned(path, out=target, ending=ending)]
        if as_json:
            write_json({"model": name, "files": planned, "dry_run": True})
        else:
            say(f"Would separate {path} with {name} into:")
            print_lines(planned)
        return
    _make_folder(target)
    written = _with_bar(separation, path, target, ending)
    if as_json:
        write_json({"model": name, "stems": [_row(stem) for stem in written]})
    else:
        print_lines(dict.fromkeys(stem.path for stem in written))
    for stem in written:
        if stem.peak > 1.0:
            say(f"{stem.path}: louder than full scale ({stem.peak:.2f}), clipped there")


def _file_of(given: Invocation, reference: str) -> Path:
    """Return the file that is named, else that of the track."""
    path = absolute(Path(reference))
    if path.exists() or not given.folder.catalogue.is_file():
        return path
    try:
        with given.reading() as use_cases:
            track = use_cases.library.track(reference).track
    except NotFoundError:
        return path  # reading it says that it is not there
    if track.path is None:
        raise NotFoundError(f"the file of track {track.id} is not on this computer")
    return track.path


def _make_folder(target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"{target} can not be made a folder: {error.strerror or error}") from error


def _with_bar(separation: "StemSeparation", path: Path, target: Path, ending: str) -> "list[StemFile]":
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from cratehand.app.logs import terminal

    columns = (TextColumn("separating"), BarColumn(), TextColumn("{task.percentage:.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=terminal(), transient=True, disable=not sys.stderr.isatty()) as bars:
        task = bars.add_task("separating", total=None)
        return separation.separate(
            path,
            out=target,
            ending=ending,
            on_progress=lambda done, total: bars.update(task, completed=done, total=total),
        )


def _row(stem: "StemFile") -> dict[str, Any]:
    return {"kind": stem.kind.value, "path": stem.path, "peak": stem.peak}
