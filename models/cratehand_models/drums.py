"""The drum model: writes, continues, fills, humanises and varies patterns in the styles of the Groove MIDI Dataset."""

from collections.abc import Callable, Mapping
from statistics import NormalDist
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cratehand.domain.drum_pattern import DrumPattern
from cratehand.domain.drum_request import DrumRequest, DrumTask
from cratehand.domain.errors import CorruptFileError, NotFoundError, UnavailableError, UnsupportedError
from cratehand_models.drum_decoder import GIVEN_WIDTH, DrumDecoder, DrumLuck, DrumScore
from cratehand_models.drum_grid import VOICES, DrumGrid
from cratehand_models.drum_inputs import PHRASE_BARS, DrumConditions, conditions_scalars
from cratehand_models.drum_swing import with_swing

Floats = NDArray[np.float32]
NAME: Final = "drums-1"
TEMPERATURE: Final = 0.9
"""Below 1 the unlikely hits become rarer: fewer strays, still another pattern for every seed."""
_VARIED: Final = 0.35
_ATTEMPTS: Final = 4
_V: Final = len(VOICES)


class DrumModel:
    """Implements the port `DrumGenerator`; the weights are loaded when they are first needed.

    Args:
        load: Opens the weights.
    """

    def __init__(self, load: Callable[[], DrumDecoder] = DrumDecoder.load) -> None:
        self._load = load
        self._decoder: DrumDecoder | None = None
        self._loading = Lock()

    @property
    def name(self) -> str:
        """Name and version."""
        return NAME

    def styles(self) -> Mapping[str, float]:
        """Return its styles with the usual tempo of each."""
        meta = self._ready().meta
        return {style: meta.tempo_bpm[style] for style in meta.styles}

    def generate(self, request: DrumRequest) -> DrumPattern:
        """Write a pattern; see `DrumGenerator.generate`."""
        decoder = self._ready()
        if str(request.metre) not in decoder.meta.metres:
            raise UnsupportedError(f"the drum model knows {', '.join(decoder.meta.metres)}, not {request.metre}")
        for attempt in range(_ATTEMPTS):
            pattern = _written(request, decoder, np.random.default_rng([request.seed, attempt]))
            # In a metre of which the data have little it may fall silent: then it is asked again.
            if request.task not in (None, DrumTask.CONTINUE) or not has_silent_bar(pattern):
                break
        return with_swing(pattern, request.swing_steps)

    def _ready(self) -> DrumDecoder:
        with self._loading:
            if self._decoder is None:
                try:
                    self._decoder = self._load()
                except (NotFoundError, CorruptFileError, UnsupportedError) as error:
                    raise UnavailableError(str(error)) from error
            return self._decoder


def has_silent_bar(pattern: DrumPattern) -> bool:
    """Whether nothing is played in one of its bars."""
    return len({hit.step // pattern.metre.steps_per_bar for hit in pattern.hits}) < pattern.bars


def _written(request: DrumRequest, decoder: DrumDecoder, rng: np.random.Generator) -> DrumPattern:
    score, first = _score(request, decoder, rng)
    written = decoder.write(score, _luck(score.hits.shape, decoder.meta.shared_timing, rng))
    span = slice(first, first + request.silence().steps)
    grid = DrumGrid(
        hits=written.hits[0, span], velocities=written.velocities[0, span], offsets=written.offsets[0, span]
    )
    return grid.pattern(request.silence())


def _score(request: DrumRequest, decoder: DrumDecoder, rng: np.random.Generator) -> tuple[DrumScore, int]:
    """Return what is told and fixed, and on which step the wanted bars begin."""
    per_bar, given = request.metre.steps_per_bar, request.given
    before = given.bars if given is not None and request.task is DrumTask.CONTINUE else 0
    steps, first = (before + request.bars) * per_bar, before * per_bar
    grid = _padded(DrumGrid.of(given), steps) if given is not None else DrumGrid.empty(steps)
    known, felt = _fixed(request, grid, first, rng)
    told = _told(request, grid, known, first)
    index = np.arange(steps)
    place = np.stack(
        [
            index % per_bar,
            np.full(steps, decoder.meta.metres.index(str(request.metre))),
            index // per_bar % PHRASE_BARS,
            np.full(steps, _style_number(request.style, decoder)),
        ],
        axis=1,
    )
    scalars = np.tile(conditions_scalars(_conditions(request, decoder)), (steps, 1))
    tapped = (grid.hits.max(1) > 0)[None] if request.task is DrumTask.TAP else None
    score = DrumScore(
        given=told[None],
        place=place[None].astype(np.int64),
        scalars=scalars[None],
        per_bar=per_bar,
        known=known[None],
        hits=(grid.hits * known)[None],
        felt=felt[None],
        velocities=grid.velocities[None],
        offsets=grid.offsets[None],
        tapped=tapped,
    )
    return score, first


def _fixed(request: DrumRequest, grid: DrumGrid, first: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return which cells keep their hits, and which their velocity and offset."""
    shape = grid.hits.shape
    known = np.zeros(shape, np.float32)
    match request.task:
        case DrumTask.CONTINUE:
            known[:first] = 1.0
        case DrumTask.FILL:
            known[: fill_start(request)] = 1.0
        case DrumTask.HUMANISE:
            known[:] = 1.0
            return known, np.zeros(shape, np.float32)
        case DrumTask.VARY:
            known[rng.random(shape) >= _VARIED] = 1.0
        case DrumTask.TAP:
            # Where nothing was tapped nothing is played.
            known[grid.hits.max(1) == 0] = 1.0
        case None:
            pass
    return known, known * grid.hits


def _told(request: DrumRequest, grid: DrumGrid, known: Floats, first: int) -> Floats:
    """Return what the encoder reads, as it was trained on: nothing of what only stands before."""
    told = np.zeros((len(grid.hits), GIVEN_WIDTH), np.float32)
    if request.task is DrumTask.TAP:
        index, loudest = np.arange(len(told)), grid.velocities.argmax(1)
        told[:, 18], told[:, 19] = grid.hits.max(1), grid.velocities.max(1)
        told[:, 20] = 2 * grid.offsets[index, loudest] * grid.hits[index, loudest]
        told[:, 21:23] = 1.0
    elif request.task in (DrumTask.FILL, DrumTask.HUMANISE, DrumTask.VARY):
        told[:, :_V], told[:, _V : 2 * _V] = grid.hits * known, known
    if request.task is DrumTask.FILL:
        start = fill_start(request)
        told[:start, 24], told[start:, 24] = -1.0, 1.0
    elif request.task is None:
        told[:, 24] = -1.0
    return told


def fill_start(request: DrumRequest) -> int:
    """Return the step on which the fill begins: its last bar, or half of an only one."""
    per_bar = request.metre.steps_per_bar
    return (request.bars - 1) * per_bar if request.bars > 1 else per_bar // 2


def _conditions(request: DrumRequest, decoder: DrumDecoder) -> DrumConditions:
    quantiles = decoder.meta.hits_per_step
    density = None
    if request.density is not None:
        density = float(np.interp(request.density, np.linspace(0, 1, len(quantiles)), quantiles))
    return DrumConditions(
        style=_style_number(request.style, decoder),
        metre=decoder.meta.metres.index(str(request.metre)),
        tempo_bpm=request.tempo_bpm,
        density=density,
        swing_steps=request.swing_steps,
    )


def _style_number(style: str | None, decoder: DrumDecoder) -> int:
    return len(decoder.meta.styles) if style is None else decoder.meta.styles.index(style)


def _luck(shape: tuple[int, ...], shared: float, rng: np.random.Generator) -> DrumLuck:
    """Return luck in which hits of one step are early or late together, as hands are (a Gaussian copula)."""
    together = rng.standard_normal((*shape[:-1], 1))
    each = np.sqrt(max(shared, 0.0)) * together + np.sqrt(1 - max(shared, 0.0)) * rng.standard_normal(shape)
    timing = np.vectorize(NormalDist().cdf)(each)
    return DrumLuck(
        hits=rng.random(shape, np.float32),
        velocities=rng.random(shape, np.float32),
        offsets=timing.astype(np.float32),
        temperature=TEMPERATURE,
    )


def _padded(grid: DrumGrid, steps: int) -> DrumGrid:
    more = ((0, max(steps - len(grid.hits), 0)), (0, 0))
    return DrumGrid(
        hits=np.pad(grid.hits, more)[:steps],
        velocities=np.pad(grid.velocities, more)[:steps],
        offsets=np.pad(grid.offsets, more)[:steps],
    )
