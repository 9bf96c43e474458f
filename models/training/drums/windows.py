"""Windows of performances as the network is trained on: true steps, and one of the tasks it has to do with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from groove import Groove, density_of, swing_of
from numpy.typing import NDArray

from cratehand_models.drum_grid import VOICES, DrumGrid, offset_bins, velocity_bins
from cratehand_models.drum_inputs import METRES, DrumConditions, ago_rows, conditions_scalars

Floats = NDArray[np.float32]
WINDOW_BARS: Final = 4
_V: Final = len(VOICES)
TASKS: Final = ("free", "tap", "humanise", "vary")
_SHARES: Final = (0.4, 0.25, 0.2, 0.15)


class Example(NamedTuple):
    """One window, all arrays of so many steps."""

    rows: Floats
    ago: Floats
    given: Floats
    place: NDArray[np.int64]
    """Step in the bar, metre, bar of the phrase, style: ``(steps, 4)``."""
    scalars: Floats
    hits_asked: Floats
    """1 where the hit of a voice is to be foretold, ``(steps, 9)``."""
    velocity: NDArray[np.int64]
    offset: NDArray[np.int64]
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """Some bars of one performance, perhaps with bars of another before them."""

    grid: DrumGrid
    per_bar: int
    metre: int
    first_bar: int
    style: int
    tempo_bpm: float
    fill: NDArray[np.float32]
    """Per step -1 for a beat, 1 for a fill."""


def cut(groove: Groove, first_bar: int, bars: int, styles: Sequence[str]) -> Piece:
    """Return bars of a performance, fewer where it ends."""
    per_bar = groove.pattern.metre.steps_per_bar
    span = slice(first_bar * per_bar, (first_bar + bars) * per_bar)
    grid = groove.grid
    part = DrumGrid(hits=grid.hits[span], velocities=grid.velocities[span], offsets=grid.offsets[span])
    return Piece(
        grid=part,
        per_bar=per_bar,
        metre=METRES.index(str(groove.pattern.metre)),
        first_bar=first_bar,
        style=styles.index(groove.style),
        tempo_bpm=groove.pattern.tempo_bpm,
        fill=np.full(len(part.hits), 1.0 if groove.is_fill else -1.0, np.float32),
    )


def joined(first: Piece, second: Piece) -> Piece:
    """Return a fill after a beat of the same metre."""
    parts = {
        name: np.concatenate([getattr(first.grid, name), getattr(second.grid, name)])
        for name in ("hits", "velocities", "offsets")
    }
    return Piece(
        grid=DrumGrid(**parts),
        per_bar=first.per_bar,
        metre=first.metre,
        first_bar=first.first_bar,
        style=second.style,
        tempo_bpm=second.tempo_bpm,
        fill=np.concatenate([first.fill, second.fill]),
    )


def example(piece: Piece, task: str, rng: np.random.Generator, *, conditions: bool | None = None) -> Example:
    """Make one of the tasks of a piece.

    Args:
        piece: Its true steps.
        task: One of `TASKS`.
        rng: Chooses what is told and what is hidden.
        conditions: Whether density and swing are told, and style; None lets luck choose each.
    """
    grid, steps = piece.grid, len(piece.grid.hits)
    told = [bool(rng.random() < 0.6) if conditions is None else conditions for _ in range(3)]
    style_known = rng.random() < 0.9 if conditions is None else True
    asked = DrumConditions(
        style=piece.style if style_known else None,
        metre=piece.metre,
        tempo_bpm=piece.tempo_bpm * (float(rng.uniform(0.97, 1.03)) if conditions is None else 1.0),
        density=density_of(grid) if told[0] else None,
        swing_steps=swing_of(grid) if told[1] else None,
    )
    given, hits_asked = _given(piece, task, rng)
    given[:, 24] = piece.fill if told[2] else 0.0
    index = np.arange(steps)
    place = np.stack(
        [
            index % piece.per_bar,
            np.full(steps, piece.metre),
            (piece.first_bar + index // piece.per_bar) % 8,
            np.full(steps, asked.style if asked.style is not None else -1),
        ],
        1,
    )
    return Example(
        rows=grid.features(),
        ago=ago_rows(grid.features(), piece.per_bar),
        given=given,
        place=place,
        scalars=np.tile(conditions_scalars(asked), (steps, 1)),
        hits_asked=hits_asked,
        velocity=velocity_bins(grid.velocities),
        offset=offset_bins(grid.offsets),
        steps=steps,
    )


def _given(piece: Piece, task: str, rng: np.random.Generator) -> tuple[Floats, Floats]:
    grid, steps = piece.grid, len(piece.grid.hits)
    given = np.zeros((steps, 25), np.float32)
    asked = np.ones((steps, _V), np.float32)
    if task == "tap":
        onset = grid.hits.max(1)
        given[:, 18], given[:, 21] = onset, 1.0
        if rng.random() < 0.5:
            loudest = grid.velocities.argmax(1)
            given[:, 19] = grid.velocities.max(1)
            given[:, 20] = 2 * grid.offsets[index := np.arange(steps), loudest] * grid.hits[index, loudest]
            given[:, 22] = 1.0
    elif task in ("humanise", "vary"):
        known = np.ones((steps, _V), np.float32) if task == "humanise" else _partly(steps, piece.per_bar, rng)
        given[:, :9], given[:, 9:18] = grid.hits * known, known
        asked = 1 - known
    return given, asked


def _partly(steps: int, per_bar: int, rng: np.random.Generator) -> Floats:
    """Return which cells are known: single cells, whole voices, or spans of steps are hidden."""
    known = np.ones((steps, _V), np.float32)
    kind = rng.integers(3)
    if kind == 0:
        known[rng.random((steps, _V)) < rng.uniform(0.1, 0.9)] = 0.0
    elif kind == 1:
        known[:, rng.random(_V) < rng.uniform(0.2, 0.8)] = 0.0
    else:
        length = int(rng.integers(4, 2 * per_bar + 1))
        start = int(rng.integers(0, max(steps - length, 0) + 1))
        known[start : start + length] = 0.0
    return known


def draw_task(rng: np.random.Generator) -> str:
    """Return a task by its share of the training."""
    return str(rng.choice(TASKS, p=_SHARES))
