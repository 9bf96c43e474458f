"""Keep a measured table in BENCHMARKS.md, with the machine and the date it was measured on."""

import datetime
import os
import platform
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "BENCHMARKS.md"


def machine() -> str:
    """Describe this machine in one line: processor count, architecture, system, Python."""
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"


def record(title: str, table_markdown: str) -> None:
    """Write the section `title` of BENCHMARKS.md anew, the others untouched.

    Args:
        title: Heading of the section, without the number signs.
        table_markdown: A Markdown table, and remarks below it if any.
    """
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    section = f"## {title}\n\n{today}, {machine()}\n\n{table_markdown.strip()}\n"
    text = BENCHMARKS.read_text(encoding="utf-8") if BENCHMARKS.exists() else "# Benchmarks\n"
    head, *sections = text.split("\n## ")
    kept = [part for part in sections if part.split("\n", 1)[0].strip() != title]
    body = [head.rstrip(), *("## " + part.rstrip() for part in kept), section.rstrip()]
    BENCHMARKS.write_text("\n\n".join(body) + "\n", encoding="utf-8")
