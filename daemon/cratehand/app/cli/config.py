"""`cratehand config`: what is set, and where that comes from."""

import json
from typing import Annotated, Any

import typer

from cratehand.app.cli.arguments import Json
from cratehand.app.cli.invocation import invocation
from cratehand.app.cli.output import print_lines, say, write_json


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    verbs = typer.Typer(help="Settings: show, check.")
    verbs.command("show")(show)
    verbs.command("check")(check)
    app.add_typer(verbs, name="config")


def show(
    ctx: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    as_json: Json = False,
) -> None:
    """Show every setting as it holds now, in the form of cratehand.toml; secrets are masked."""
    loaded = invocation(ctx).settings()
    plain = loaded.plain()
    if as_json:
        write_json(_with_origins(plain, loaded.origins) if origin else plain)
        return
    lines: list[str] = []
    for section, keys in plain.items():
        lines += ["", f"[{section}]"] if lines else [f"[{section}]"]
        for key, value in keys.items():
            line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
            lines.append(f"{line:<40} # {loaded.origins[section, key]}" if origin else line)
    print_lines(lines)


def check(ctx: typer.Context, as_json: Json = False) -> None:
    """Read the settings and say what is wrong with them; exit code 1 where something is."""
    from cratehand.app.settings import default_config_file

    given = invocation(ctx)
    loaded = given.settings()
    file = None if loaded.file is None else str(loaded.file)
    if as_json:
        write_json({"file": file, "set": sum(origin != "default" for origin in loaded.origins.values())})
    elif file is None:
        say(f"The settings are right. There is no file: it would be {default_config_file()}")
    else:
        say(f"The settings are right: {file}")


def _with_origins(plain: dict[str, Any], origins: Any) -> dict[str, Any]:
    return {
        section: {key: {"value": value, "origin": origins[section, key]} for key, value in keys.items()}
        for section, keys in plain.items()
    }
