"""`cratehand import`: collections and playlists of other programs come in."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, one_line, print_table, say, write_json
from cratehand.app.cli.paths import absolute
from cratehand.app.cli.people import user_name

if TYPE_CHECKING:
    from cratehand.usecases.playlist_import import PlaylistImportReport

Source = Annotated[Path, typer.Argument(metavar="FILE", help="The file to read.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="Bring in a Rekordbox XML, or playlists: rekordbox, playlist.")
    verbs.command("rekordbox")(rekordbox)
    verbs.command("playlist")(playlist)
    app.add_typer(verbs, name="import")


def rekordbox(ctx: typer.Context, file: Source, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Bring in a Rekordbox XML: facts, cues and playlists; what is known already is kept."""
    from cratehand_rekordbox_export import parse_collection

    source = absolute(file)
    result = parse_collection(source)
    with invocation(ctx).catalogue() as use_cases:
        report = use_cases.collection_import.import_file(
            result.change, origin=source.name, who=user_name(), dry_run=dry_run
        )
    notes = list(result.report.notes())
    if as_json:
        counts = {"known": report.known, "added": report.added, "cues": report.cues, "playlists": report.playlists}
        write_json({"path": str(source), **counts, "notes": notes, "dry_run": dry_run})
        return
    would = "Would bring in" if dry_run else "Brought in"
    say(
        f"{would} {report.added} new and {report.known} known tracks, {report.cues} cues, {report.playlists} playlists "
        f"from {source}."
    )
    for note in notes:
        say(f"  {note}")


def playlist(ctx: typer.Context, file: Source, as_json: Json = False, dry_run: DryRun = False) -> None:
    """Bring in playlists of an XML, M3U8, CSV or text file ("Artist - Title" lines), and say what was not found."""
    from cratehand_rekordbox_export import read_playlists

    source = absolute(file)
    lists = read_playlists(source)
    with invocation(ctx).catalogue() as use_cases:
        reports = [
            use_cases.playlist_import.import_list(
                "/".join((*found.folders, found.name)), found.entries, who=user_name(), dry_run=dry_run
            )
            for found in lists
        ]
    if as_json:
        write_json([_report_json(report, dry_run=dry_run) for report in reports])
    else:
        _print(reports, dry_run=dry_run)
    if not reports:
        say(f"{source} holds no playlist.")


def _report_json(report: "PlaylistImportReport", *, dry_run: bool) -> dict[str, Any]:
    return {
        "playlist": report.playlist_name,
        "matched": list(report.matched),
        "missing": [
            {
                "artist": missing.wanted.artist,
                "title": missing.wanted.title,
                "path": missing.wanted.path,
                "nearest": missing.nearest,
            }
            for missing in report.missing
        ],
        "dry_run": dry_run,
    }


def _print(reports: "Sequence[PlaylistImportReport]", *, dry_run: bool) -> None:
    for report in reports:
        total = len(report.matched) + len(report.missing)
        would = "would be " if dry_run else ""
        say(f"{one_line(report.playlist_name)}: {len(report.matched)} of {total} tracks {would}taken over.")
    rows = [
        (
            report.playlist_name,
            _wish(missing.wanted.artist, missing.wanted.title, missing.wanted.path),
            missing.nearest or "–",
        )
        for report in reports
        for missing in report.missing
    ]
    if rows:
        columns = ("playlist", "not found", "nearest")
        print_table([Column(title=title, flexible=True) for title in columns], rows)


def _wish(artist: str | None, title: str | None, path: str | None) -> str:
    return " – ".join(part for part in (artist, title) if part) or path or "–"
