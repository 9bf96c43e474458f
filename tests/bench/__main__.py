"""Lists the benchmarks, or runs them: ``python -m tests.bench [NAME ...] [--all] [--record] [--quick]``.

Each runs in a process of its own, one after the other, so that none measures what another left behind.
"""

import argparse
import ast
import subprocess
import sys
from pathlib import Path

from rich.console import Console

FOLDER = Path(__file__).parent
_MACHINERY = frozenset({"__main__", "record", "report"})


def benchmarks() -> dict[str, str]:
    """Return the name of every benchmark and what it says of itself: all modules here that can keep a table."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        text = path.read_text(encoding="utf-8")
        if path.stem not in _MACHINERY and "--record" in text and 'if __name__ == "__main__":' in text:
            about = " ".join((ast.get_docstring(ast.parse(text)) or "").split("\n\n", 1)[0].split())
            found[path.stem] = about.split(": ``", 1)[0].rstrip(".")
    return found


def options_for(name: str, *, keep: bool, quick: bool) -> list[str]:
    """Return the options for one of them; not all have a quick look."""
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    has_quick = "--quick" in text or "command(run" in text
    return [*(["--record"] if keep else []), *(["--quick"] if quick and has_quick else [])]


def main() -> int:
    """Run what is named; return 1 where a number was missed or a benchmark broke."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="which; without any they are listed")
    parser.add_argument("--all", action="store_true", help="all of them, which takes about half an hour")
    parser.add_argument("--record", action="store_true", help="keep the tables in BENCHMARKS.md")
    parser.add_argument("--quick", action="store_true", help="smaller or shorter, for a look")
    chosen = parser.parse_args()
    console, known = Console(), benchmarks()
    if unknown := [name for name in chosen.names if name not in known]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    names = list(known) if chosen.all else chosen.names
    if not names:
        for name, about in known.items():
            console.print(f"[bold]{name:18}[/bold] {about}", highlight=False, soft_wrap=True)
        return 0
    missed = []
    for name in names:
        console.rule(name)
        options = options_for(name, keep=chosen.record, quick=chosen.quick)
        if subprocess.run([sys.executable, "-m", f"tests.bench.{name}", *options], check=False).returncode:
            missed.append(name)
    if missed:
        console.print(f"missed, or broken: {', '.join(missed)}", style="bold red")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
