"""`cratehand models`: which there are, what they may be used for, and bringing them here."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cratehand.app.cli.arguments import DryRun, Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import Column, print_lines, print_table, say, write_json
from cratehand.domain.errors import CorruptFileError

if TYPE_CHECKING:
    from cratehand.app.model_parts import ModelParts
    from cratehand.domain.model import Model

Name = Annotated[str, typer.Argument(metavar="NAME", help="A model of `cratehand models list`.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="Models: list, show, fetch, verify.")
    verbs.command("list")(list_models)
    verbs.command("show")(show)
    verbs.command("fetch")(fetch)
    verbs.command("verify")(verify)
    app.add_typer(verbs, name="models")


def list_models(ctx: typer.Context, as_json: Json = False) -> None:
    """List every model, its licence, and whether it is here."""
    parts = _parts(ctx)
    rows = [_row(parts, model) for model in parts.models.values()]
    if as_json:
        write_json(rows)
        return
    columns = (
        Column(title="name"), Column(title="does"), Column(title="version"), Column(title="size", justify="right"),
        Column(title="here"), Column(title="commercial use"), Column(title="licence of the weights", flexible=True),
    )  # fmt: skip
    print_table(
        columns,
        (
            (
                row["name"], row["task"], row["version"], _megabytes(row["size_bytes"]),
                "yes" if row["present"] else "no", "yes" if row["commercial_use"] else "no", row["licence"],
            )
            for row in rows
        ),
    )  # fmt: skip


def show(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Show all that is known of one model."""
    from cratehand_models.store import how_to_get

    parts = _parts(ctx)
    model = parts.store.known(parts.find(name))
    row = _row(parts, model) | {
        "about": model.about,
        "how_to_get": how_to_get(model),
        "licence_code": model.licence_code,
        "sample_rate_hz": model.sample_rate_hz,
        "inputs": [{"name": each.name, "shape": each.shape, "dtype": each.dtype} for each in model.inputs],
        "outputs": [{"name": each.name, "shape": each.shape, "dtype": each.dtype} for each in model.outputs],
        "files": [
            {
                "path": str(parts.store.place(model, file)),
                "sha256": file.sha256,
                "size_bytes": file.size_bytes,
                "sources": parts.fetcher.sources(model, file),
            }
            for file in model.files
        ],
    }
    if as_json:
        write_json(row)
        return
    print_lines([f"{model.name} {model.version}: {model.about}"])
    print_lines(f"  {label}: {text}" for label, text in _description(row))


def fetch(
    ctx: typer.Context,
    name: Name,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read the licence of the weights and keep to it.")
    ] = False,
    as_json: Json = False,
    dry_run: DryRun = False,
) -> None:
    """Bring a model here; what was cut off goes on, what is whole is left as it is."""
    parts = _parts(ctx)
    model = parts.find(name)
    if dry_run:
        _report_dry(parts, model, as_json=as_json)
        return
    if accept_licence or (not parts.store.is_accepted(model) and _agrees(model)):
        parts.store.accept(model)
    brought = _fetch_with_bar(parts, model)
    if as_json:
        write_json(_row(parts, model) | {"fetched": [str(path) for path in brought]})
    elif brought:
        say(f"{model.name} {model.version} is here: {_megabytes(parts.store.known(model).size_bytes)}, checksum right.")
    else:
        say(f"{model.name} {model.version} was here already, checksum right.")


def verify(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One model; all that are here if none.")] = None,
    as_json: Json = False,
) -> None:
    """Read the files of models whole and compare their checksums; exit code 1 where one is wrong."""
    parts = _parts(ctx)
    chosen = [parts.find(name)] if name else [model for model in parts.models.values() if parts.store.has_any(model)]
    faults = {model.name: parts.store.verify(model) for model in chosen}
    if as_json:
        write_json([{"name": each, "faults": said} for each, said in faults.items()])
    else:
        print_lines(f"{each}: {'; '.join(said) or 'right'}" for each, said in faults.items())
    if not chosen:
        say("No model is here yet: `cratehand models list`.")
    if broken := [each for each, said in faults.items() if said]:
        raise CorruptFileError(f"not what the manifest says: {', '.join(broken)}")


def _parts(ctx: typer.Context) -> "ModelParts":
    from cratehand.app.model_parts import model_parts

    given = invocation(ctx)
    return model_parts(given.settings().settings, given.folder.make())


def _row(parts: "ModelParts", model: "Model") -> dict[str, Any]:
    return {
        "name": model.name,
        "task": model.task.value,
        "version": model.version,
        "licence": model.licence_weights,
        "commercial_use": model.commercial_use,
        "present": parts.store.is_present(model),
        "size_bytes": parts.store.known(model).size_bytes or None,
    }


def _description(row: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [
        ("does", row["task"]),
        ("licence of the code", row["licence_code"]),
        ("licence of the weights", row["licence"]),
        ("commercial use", "allowed" if row["commercial_use"] else "forbidden"),
        ("here", "yes" if row["present"] else f"no: {row['how_to_get']}"),
        ("sample rate", f"{row['sample_rate_hz']} Hz" if row["sample_rate_hz"] else "takes no audio"),
    ]
    for kind in ("inputs", "outputs"):
        lines += [
            (kind[:-1], f"{each['name']} {each['dtype']}[{', '.join(map(str, each['shape']))}]") for each in row[kind]
        ]
    for file in row["files"]:
        told = f"{_megabytes(file['size_bytes'])}, SHA-256 {file['sha256']}" if file["sha256"] else "not made yet"
        lines.append(("file", f"{file['path']} ({told})"))
        lines += [("from", source) for source in file["sources"]]
    return lines


def _report_dry(parts: "ModelParts", model: "Model", *, as_json: bool) -> None:
    from cratehand_models.store import how_to_get

    if model.is_made and not parts.store.is_present(model) and not parts.fetcher.has_mirror:
        say(f"Would fetch nothing: {how_to_get(model)}.")
        if as_json:
            write_json({"changes": [], "dry_run": True})
        return
    missing = [file for file in model.files if not parts.store.place(model, file).is_file()]
    changes = [
        {"what": "fetch", "where": str(parts.store.place(model, file)), "from": parts.fetcher.sources(model, file)}
        for file in missing
    ]
    if as_json:
        write_json({"changes": changes, "dry_run": True})
        return
    for change in changes:
        say(f"Would fetch {change['where']} from {' or '.join(change['from'])}")
    if not changes:
        say(f"{model.name} is here already.")


def _agrees(model: "Model") -> bool:
    """Ask, where somebody is there to answer."""
    if not sys.stdin.isatty():
        return False
    say(f"The licence of the weights of {model.name} forbids commercial use: {model.licence_weights}")
    return typer.confirm("Do you keep to it?", default=False, err=True)


def _fetch_with_bar(parts: "ModelParts", model: "Model") -> list[Any]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as bars:
        tasks = {file.name: bars.add_task(file.name, total=file.size_bytes) for file in model.files}
        return parts.fetcher.fetch(model, on_bytes=lambda file, count: bars.advance(tasks[file.name], count))


def _megabytes(count: int | None) -> str:
    return "not known" if count is None else f"{count / 1e6:.1f} MB"
