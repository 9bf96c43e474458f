"""The command line as a whole: every verb, the options before it, and what becomes of errors."""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cratehand import __version__
from cratehand.app.cli import (
    analyse,
    backups,
    config,
    copies,
    doctor,
    drums,
    exports,
    folders,
    history,
    imports,
    jobs,
    master,
    models,
    playlists,
    review,
    run,
    search,
    service,
    status,
    stems,
    tags,
    track,
    tracks,
    upgrade,
    version,
)
from cratehand.app.cli.arguments import ConfigFile, DataDir, hoist_global_options, settle_verb
from cratehand.app.cli.invocation import Invocation
from cratehand.app.cli.output import complain, print_lines, say, utf8_streams
from cratehand.app.logs import close_logs, keep_trace, log_warnings
from cratehand.domain.errors import CratehandError

PROGRAM: Final = "cratehand"
_FALLBACKS: Final = {"track": "show"}
_EPILOG: Final = (
    "--data-dir and --config are accepted before and after the verb. Exit code 0: done, 1: failed, 2: wrong usage."
)

app = typer.Typer(
    name=PROGRAM,
    help="A quiet daemon beside Rekordbox and Ableton Live that keeps a DJ's collection true.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _show_version(value: bool) -> None:
    if value:
        print_lines([f"{PROGRAM} {__version__}"])
        raise typer.Exit


@app.callback()
def root(
    ctx: typer.Context,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    show_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and end.")
    ] = False,
) -> None:
    """Keep what stands before the verb for the verb."""
    ctx.obj = Invocation(data_dir=data_dir, config=config)


for _verbs in (
    run, status, doctor, folders, analyse, tracks, track, review, search, upgrade, copies, history, playlists, tags,
    exports, imports, jobs, master, models, config, stems, drums, service, backups, version,
):  # fmt: skip
    _verbs.register(app)


def run_command_line(arguments: Sequence[str] | None = None) -> int:
    """Run one call of the command line; return its exit code. Nothing but results reaches stdout."""
    utf8_streams()
    command = typer.main.get_command(app)
    given = hoist_global_options(sys.argv[1:] if arguments is None else arguments)
    groups = _second_words(command)
    words = settle_verb(given or ["--help"], groups, _FALLBACKS)
    close_logs()
    log_warnings()
    try:
        code = command.main(args=words, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        # Whoever read our output has had enough. Python would complain once more at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as end:  # shell completion, and a pipe that broke in the middle of a verb
        return end.code if isinstance(end.code, int) else 1
    except typer.TyperException as error:
        return _wrong_usage(error)
    except CratehandError as error:
        complain(str(error))
        return 1
    except MemoryError:
        complain("out of memory: close other programs, or ask for less at once (--limit)")
        return 1
    except Exception as error:
        return _unforeseen(error, given)
    finally:
        close_logs()


def _second_words(command: Any) -> dict[str, set[str]]:
    """Return the verbs that have second words, with these."""
    return {name: set(verb.commands) for name, verb in command.commands.items() if hasattr(verb, "commands")}


def _wrong_usage(error: typer.TyperException) -> int:
    complain(" ".join(error.format_message().split()))
    context = getattr(error, "ctx", None)
    if context is not None:
        say(f"Try `{context.command_path} --help`.")
    return error.exit_code


def _unforeseen(error: Exception, given: Sequence[str]) -> int:
    named = next((value for option, value in pairwise(given) if option == "--data-dir"), None)
    folder = Invocation(data_dir=Path(named) if named else None, config=None).folder
    trace = keep_trace(folder.logs, error) if folder.path.is_dir() else None
    where = f"; the trace is in {trace}" if trace else ""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    complain(f"a bug of ours: {what}{where}; `cratehand doctor --diagnostics FILE.zip` gathers what a report needs")
    return 1
