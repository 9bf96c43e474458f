"""The shape that every benchmark has: ``run(quick) -> Report``, and one command line around it."""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.bench.record import record

HEAD: Final = ("what", "measured", "wanted", "met")


@dataclass(slots=True, kw_only=True)
class Report:
    """One table of results, what is to be said below it, and what missed its number."""

    title: str
    head: Sequence[str] = HEAD
    rows: list[Sequence[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    """Rows that miss what the project promises."""

    def add(self, what: str, measured: str, wanted: str = "", *, met: bool | None = None) -> None:
        """Add a row of the usual head; `met` is None where nothing was promised."""
        self.rows.append((what, measured, wanted, {True: "yes", False: "NO", None: ""}[met]))
        if met is False:
            self.missed.append(what)

    def at_most(self, what: str, value: float, limit: float, unit: str, *, digits: int = 2, remark: str = "") -> None:
        """Add a row with a number that has an upper limit."""
        measured = f"{value:.{digits}f} {unit}{remark}"
        self.add(what, measured, f"<= {limit:g} {unit}", met=value <= limit)

    def at_least(self, what: str, value: float, limit: float, unit: str, *, digits: int = 0, remark: str = "") -> None:
        """Add a row with a number that has a lower limit."""
        measured = f"{value:.{digits}f} {unit}{remark}"
        self.add(what, measured, f">= {limit:g} {unit}", met=value >= limit)

    def show(self, console: Console) -> None:
        """Print it."""
        table = Table(*self.head, title=self.title)
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for note in self.notes:
            console.print(note, style="dim")
        if self.missed:
            console.print(f"missed: {'; '.join(self.missed)}", style="bold red")

    def markdown(self) -> str:
        """Return the table and the notes as Markdown."""
        lines = [self.head, ["---"] * len(self.head), *self.rows]
        table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        return "\n\n".join([table, *self.notes])


Run = Callable[[bool], "Report | None"]
"""Measures; True asks for a quick look. None where what it needs is not there."""


def measure(run: Run, *, quick: bool, keep: bool) -> bool:
    """Run one benchmark, print it, keep it where asked; return whether every number was met."""
    console, load_before, speed_ms = Console(), load(), speed()
    report = run(quick)
    if report is None:
        console.print("skipped: the benchmark data are not there (CRATEHAND_BENCH_DATA)")
        return True
    report.notes.append(
        f"A million additions in Python: {speed_ms:.0f} ms of processor before, {speed():.0f} ms after; "
        f"load of the machine {load_before} before, {load()} after{', quick look' if quick else ''}."
    )
    report.show(console)
    if keep:
        record(report.title, report.markdown())
    return not report.missed


def command(run: Run, description: str | None) -> int:
    """Be the command line of one benchmark; return its exit code."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help="keep the table in BENCHMARKS.md")
    parser.add_argument("--quick", action="store_true", help="smaller or shorter, for a look")
    chosen = parser.parse_args()
    return 0 if measure(run, quick=chosen.quick, keep=chosen.record) else 1


def load() -> str:
    """Return the load of the last minute, so that a number measured on a busy machine can be told from others."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def speed() -> float:
    """Return how many ms of processor a fixed piece of Python takes now, best of five: clocks and neighbours vary."""

    def once() -> float:
        began_s, total = time.process_time(), 0
        for number in range(1_000_000):
            total += number
        return (time.process_time() - began_s) * 1e3

    return min(once() for _ in range(5))
