"""Scores as tables: on the terminal, for BENCHMARKS.md, and the worst files as text."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from tests.bench.truth.rows import Score

Results = Mapping[str, Sequence[Score]]


def _rows(results: Results) -> list[tuple[Score, dict[str, Score]]]:
    """Return the rows in the order of our own side, then what only peers have, with every analyser's score."""
    found: dict[tuple[str, str], dict[str, Score]] = {}
    for who, scores in results.items():
        for score in scores:
            found.setdefault((score.area, _plain(score)), {})[who] = score
    return [(next(iter(row.values())), row) for row in found.values()]


def _plain(score: Score) -> str:
    return score.what.split(" (")[0] if score.area == "quality by group" else score.what


def _number(score: Score | None) -> str:
    if score is None:
        return ""
    if score.value is None:
        return "missing"
    digits = 0 if abs(score.value) >= 20 else (1 if score.unit else 3)
    mark = {True: " ✓", False: " ✗", None: ""}[score.reached]
    return f"{score.value:.{digits}f}{' ' + score.unit if score.unit else ''}{mark}"


def _cell(score: Score | None, first: Score) -> str:
    """Return the number, with the count of files where it is not that of the row."""
    note = f" ({score.count})" if score is not None and score.value is not None and score.count != first.count else ""
    return _number(score) + note


def _aim(score: Score) -> str:
    return "" if score.aim is None else f"{'≤' if score.at_most else '≥'} {score.aim:.4g}"


def table(results: Results) -> Table:
    """Return the table for the terminal."""
    drawn = Table("area", "what", "files", "aim", *results, title="musical truth")
    area = ""
    for first, row in _rows(results):
        if first.area != area:
            drawn.add_section()
        drawn.add_row(
            first.area if first.area != area else "",
            first.what,
            str(first.count),
            _aim(first),
            *(_cell(row.get(who), first) for who in results),
        )
        area = first.area
    return drawn


def markdown(results: Results) -> str:
    """Return the table for BENCHMARKS.md."""
    lines = [
        f"| area | what | files | aim | {' | '.join(results)} |",
        f"| --- | --- | --- | --- |{' --- |' * len(results)}",
    ]
    for first, row in _rows(results):
        numbers = " | ".join(_cell(row.get(who), first) for who in results)
        lines.append(f"| {first.area} | {first.what} | {first.count} | {_aim(first)} | {numbers} |")
    return "\n".join(lines)


def worst(scores: Sequence[Score]) -> str:
    """Return the worst files of every row that has any."""
    parts = []
    for score in scores:
        if score.worst:
            parts.append(f"{score.area}: {score.what}: {_number(score)} of {score.count}, aim {_aim(score)}")
            parts += [f"    {line}" for line in score.worst]
    return "\n".join(parts) + "\n"
