"""`cratehand version`."""

import platform
import sys

import typer

from cratehand import __version__
from cratehand.app.cli.arguments import Json
from cratehand.app.cli.output import print_lines, write_json


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("version")(version)


def version(as_json: Json = False) -> None:
    """Show the version."""
    if as_json:
        write_json({"version": __version__, "python": platform.python_version(), "platform": sys.platform})
    else:
        print_lines([f"cratehand {__version__} (Python {platform.python_version()}, {platform.platform()})"])
