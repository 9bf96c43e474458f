"""A reliability plot as SVG, written by hand: it needs no plotting library."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.bench.truth.statistics import Bin

_SIZE: Final = 260
_MARGIN: Final = 40


def write_svg(path: Path, plots: Mapping[str, list[Bin]]) -> None:
    """Draw one square per field: accuracy over confidence, the diagonal, and the count in each bar."""
    step = _SIZE + 2 * _MARGIN
    body = "".join(_square(name, bins, index * step) for index, (name, bins) in enumerate(plots.items()))
    width, height = max(len(plots), 1) * step, step
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="11">'
    path.write_text(f'{head}<rect width="{width}" height="{height}" fill="white"/>{body}</svg>\n', encoding="utf-8")


def _square(name: str, bins: list[Bin], left: int) -> str:
    x0, y0 = left + _MARGIN, _MARGIN
    parts = [
        f'<rect x="{x0}" y="{y0}" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="#888"/>',
        f'<line x1="{x0}" y1="{y0 + _SIZE}" x2="{x0 + _SIZE}" y2="{y0}" stroke="#c33" stroke-dasharray="4 3"/>',
        f'<text x="{x0}" y="{y0 - 10}">{name}: accuracy over confidence</text>',
    ]
    for bar in bins:
        x, width = x0 + bar.low * _SIZE, (bar.high - bar.low) * _SIZE
        height = bar.accuracy * _SIZE
        parts.append(
            f'<rect x="{x:.1f}" y="{y0 + _SIZE - height:.1f}" width="{width:.1f}" height="{height:.1f}" fill="#69c" opacity="0.7"/>'
            f'<circle cx="{x0 + bar.confidence * _SIZE:.1f}" cy="{y0 + _SIZE - height:.1f}" r="3" fill="#124"/>'
            f'<text x="{x + width / 2:.1f}" y="{y0 + _SIZE + 14}" text-anchor="middle">{bar.count}</text>'
        )
    return "".join(parts)
