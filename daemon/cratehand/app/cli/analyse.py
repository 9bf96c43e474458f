"""`cratehand analyse`: measure files without the daemon."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Future, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cratehand.app.cli.arguments import Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, complain, print_table, say, write_json
from cratehand.app.cli.paths import absolute

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from cratehand.domain.track_analysis import FileReading

Drawn = tuple[str | None, str | None]
"""Path of a picture, or None and the reason."""

_COLUMNS: Final = (
    Column(title="file", flexible=True),
    Column(title="time", justify="right"),
    Column(title="BPM", justify="right"),
    Column(title="key", justify="right"),
    Column(title="E", justify="right"),
    Column(title="LUFS", justify="right"),
    Column(title="peak", justify="right"),
    Column(title="quality"),
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("analyse")(analyse)


def analyse(
    ctx: typer.Context,
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Audio files, or folders of them.")],
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=256, metavar="N", help="Processes; default as in the settings."),
    ] = None,
    picture: Annotated[
        bool,
        typer.Option("--picture", help="Draw each file's spectrogram, NAME.spectrogram.png in the current folder."),
    ] = False,
    picture_dir: Annotated[
        Path | None, typer.Option("--picture-dir", metavar="DIR", help="Draw the spectrograms into this folder.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Analyse files: tempo, beat grid, key, loudness, sections, cues. Exit code 1 where one can't be read."""
    settings = invocation(ctx).settings().settings
    from cratehand.app.audio_files import audio_files

    files = audio_files([absolute(path) for path in paths], ignore=settings.watch.ignore)
    if not files:
        say("No audio files there.")
    pictures = absolute(picture_dir or Path()) if picture or picture_dir else None
    readings, drawn = _read_all(files, workers or settings.analysis.workers, pictures)
    if as_json:
        from cratehand.app.cli.analysis_shapes import reading_json

        write_json([reading_json(reading) for reading in readings])
    elif readings:
        from cratehand.app.cli.analysis_shapes import reading_row

        print_table(_COLUMNS, (reading_row(reading) for reading in readings if reading.analysis is not None))
    errors = [error for reading in readings for error in reading.errors]
    errors += [error for _, error in drawn if error is not None]
    for error in errors:
        complain(error)
    for path, _ in drawn:
        if path is not None:
            complain(f"picture: {path}")
    if any(reading.analysis is None for reading in readings) or any(error for _, error in drawn):
        raise typer.Exit(1)


def _read_all(files: Sequence[Path], workers: int, pictures: Path | None) -> "tuple[list[FileReading], list[Drawn]]":
    if not files:
        return [], []
    # Never in this process, also not a single file: a decoder that crashes may take its process with it.
    from cratehand.app.worker import read_file
    from cratehand.app.workers import make_executor

    executor = make_executor(min(workers, len(files)))
    try:
        readings = _gather(executor, files, read_file)
        return readings, _draw_all(executor, readings, pictures) if pictures is not None else []
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _draw_all(executor: "Executor", readings: "Sequence[FileReading]", folder: Path) -> "list[Drawn]":
    """Draw what could be read; one after the other, so that two files of one name take two pictures."""
    from cratehand.app.cli.pictures import draw_picture

    drawn: list[Drawn] = []
    for reading in readings:
        if reading.analysis is None:
            continue
        try:
            quality = reading.analysis.quality
            drawn.append(executor.submit(draw_picture, reading.path, str(folder), quality).result())
        except Exception as error:
            drawn.append((None, f"{reading.path}: no picture ({type(error).__name__})"))
    return drawn


def _gather(
    executor: "Executor", files: Sequence[Path], read_file: "Callable[[str, None], FileReading]"
) -> "list[FileReading]":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from cratehand.app.logs import terminal

    futures = {executor.submit(read_file, str(file), None): file for file in files}
    columns = (TextColumn("analysing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=terminal(), transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("analysing", total=len(files))
        for _ in as_completed(futures):
            progress.advance(task)
    return [_result(future, file) for future, file in futures.items()]


def _result(future: "Future[FileReading]", file: Path) -> "FileReading":
    from cratehand.domain.track_analysis import FileReading

    try:
        return future.result()
    except Exception as error:
        what = "took too long" if isinstance(error, TimeoutError) else f"broke the analysis ({type(error).__name__})"
        return FileReading(path=str(file), errors=(f"{file}: {what}: is the file damaged?",))
