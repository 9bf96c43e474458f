"""`cratehand export`: the catalogue leaves as Rekordbox XML or as a playlist file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cratehand.app.cli.arguments import DryRun, Json, Playlist
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import say, write_json
from cratehand.app.cli.paths import absolute
from cratehand.domain.errors import InvalidInputError, NotFoundError

if TYPE_CHECKING:
    from cratehand.usecases.collection_export import ExportSummary

Target = Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="Write the catalogue or a playlist: rekordbox, m3u8.")
    verbs.command("rekordbox")(rekordbox)
    verbs.command("m3u8")(m3u8)
    app.add_typer(verbs, name="export")


def rekordbox(
    ctx: typer.Context,
    out: Target,
    playlist: Playlist = None,
    suggestions: Annotated[
        Literal["none", "memory", "pads"],
        typer.Option("--suggestions", help="Where our suggested cues go: nowhere, to memory cues, to free pads."),
    ] = "none",
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Write XML that Rekordbox reads; your own cues, grids, ratings and comments go out unchanged."""
    from cratehand.usecases.collection_export import Suggestions

    target = _target(out)
    with invocation(ctx).catalogue() as use_cases:
        summary = use_cases.export.to_rekordbox(
            target, playlist=playlist, suggestions=Suggestions(suggestions), dry_run=dry_run
        )
    _report(target, summary, as_json=as_json, dry_run=dry_run)
    if not dry_run:
        say(_steps(target, summary))


def m3u8(
    ctx: typer.Context, out: Target, playlist: Playlist = None, as_json: Json = False, dry_run: DryRun = False
) -> None:
    """Write an M3U8 playlist: one list in its order, or all tracks."""
    target = _target(out)
    with invocation(ctx).catalogue() as use_cases:
        summary = use_cases.export.to_m3u8(target, playlist=playlist, dry_run=dry_run)
    _report(target, summary, as_json=as_json, dry_run=dry_run)


def _target(out: Path) -> Path:
    target = absolute(out)
    if target.is_dir():
        raise InvalidInputError(f"{target} is a folder: give the name of a file in it")
    if not target.parent.is_dir():
        raise NotFoundError(f"{target.parent} does not exist: make the folder first")
    return target


def _report(target: Path, summary: "ExportSummary", *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        write_json(
            {
                "path": str(target),
                "tracks": summary.tracks,
                "playlists": summary.playlists,
                "known_to_rekordbox": summary.known_to_rekordbox,
                "without_file": summary.without_file,
                "dry_run": dry_run,
            }
        )
    what = f"{_count(summary.tracks, 'track')} and {_count(summary.playlists, 'playlist')}"
    say(f"Would write {what} to {target}." if dry_run else f"Wrote {what} to {target}.")
    if summary.without_file:
        say(f"Left out: {_count(summary.without_file, 'track')} without a file on this device.")


def _steps(target: Path, summary: "ExportSummary") -> str:
    lines = [
        "In Rekordbox:",
        f"  1. Preferences > Advanced > Database > rekordbox xml: choose {target}",
        '  2. Preferences > View > Layout: tick "rekordbox xml", so that it shows in the tree on the left',
        '  3. In the tree open "rekordbox xml" (the arrow beside it reads the file again)',
        "  4. Select tracks or playlists there, right-click, Import To Collection / Import Playlist",
    ]
    if summary.known_to_rekordbox:
        lines.append(
            f"Rekordbox does not update tracks it already has: {summary.known_to_rekordbox} of these are in its "
            "collection and keep their old cues and values, unless you remove them there before you import."
        )
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
