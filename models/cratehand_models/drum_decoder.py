"""Runs the drum network: two ONNX graphs, one that reads what is given, one that writes step after step."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from cratehand.domain.errors import CorruptFileError
from cratehand_models.drum_grid import OFFSET_BINS, VELOCITY_BINS, VOICES
from cratehand_models.session import Graph, open_shipped

Floats = NDArray[np.float32]
Logits = NDArray[np.float32]
WEIGHTS: Final = Path(__file__).with_name("weights")
ENCODER_FILE: Final = "drums-encoder.onnx"
DECODER_FILE: Final = "drums-decoder.onnx"
META_KEY: Final = "cratehand"
GIVEN_WIDTH: Final = 25
"""Per step: 9 given hits, 9 whether each is known; tap, its velocity and twice its offset, whether taps are known,
whether their velocity and offset are; one that is kept free; beat or fill (-1, 1), or not known (0)."""
_STATE: Final = 256
_V: Final = len(VOICES)
_ROW: Final = 3 * _V


@dataclass(frozen=True, slots=True, kw_only=True)
class DrumMeta:
    """What the files say of themselves."""

    name: str
    styles: tuple[str, ...]
    metres: tuple[str, ...]
    hits_per_step: tuple[float, ...]
    """Quantiles of the training data, equally spaced from the sparsest to the densest."""
    tempo_bpm: Mapping[str, float]
    """Usual tempo of each style."""
    shared_timing: float
    """Correlation of the offsets of hits on one step."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrumScore:
    """What is told and what is fixed, a batch of patterns of the same length, all ``(batch, steps, ...)``."""

    given: Floats
    """``(.., 25)``, see `GIVEN_WIDTH`."""
    place: NDArray[np.int64]
    """Step in the bar, metre, bar of the phrase of eight, style (the number after the last: none): ``(.., 4)``."""
    scalars: Floats
    """``(.., 5)``, see `drum_inputs.conditions_scalars`."""
    per_bar: int
    known: Floats
    """1 where the hit of a voice is fixed, ``(.., 9)``; the same shape below."""
    hits: Floats
    felt: Floats
    """1 where velocity and offset are fixed."""
    velocities: Floats
    offsets: Floats
    tapped: NDArray[np.bool_] | None = None
    """Steps that have to get a hit, ``(batch, steps)``."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrumLuck:
    """Numbers in 0 ... 1 that decide every hit, velocity and offset, ``(batch, steps, 9)``."""

    hits: Floats
    velocities: Floats
    offsets: Floats
    temperature: float = 1.0

    @classmethod
    def none(cls, shape: Sequence[int], *, threshold: float = 0.5) -> Self:
        """Return the luck that takes what is more likely than not, and medians."""
        even = np.full(shape, 0.5, np.float32)
        return cls(hits=np.full(shape, threshold, np.float32), velocities=even, offsets=even)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenDrums:
    """What came of it, ``(batch, steps, 9)`` and for the logits of velocities ``(.., 16)``, of offsets ``(.., 24)``."""

    hits: Floats
    velocities: Floats
    offsets: Floats
    hit_logits: Logits
    velocity_logits: Logits
    offset_logits: Logits


class DrumDecoder:
    """The two graphs in memory; calls from several threads are safe, each keeps its own state."""

    def __init__(self, encoder: Graph, decoder: Graph) -> None:
        self._encoder, self._decoder = encoder, decoder
        try:
            told = json.loads(decoder.get_modelmeta().custom_metadata_map[META_KEY])
            self.meta = DrumMeta(
                name=told["name"],
                styles=tuple(told["styles"]),
                metres=tuple(told["metres"]),
                hits_per_step=tuple(told["hits_per_step"]),
                tempo_bpm=told["tempo_bpm"],
                shared_timing=told["shared_timing"],
            )
        except (KeyError, ValueError, TypeError) as error:
            raise CorruptFileError(
                f"the drum model does not say what it is ({error}): install cratehand anew"
            ) from error

    @classmethod
    def load(cls, folder: Path = WEIGHTS) -> Self:
        """Read both files.

        Raises:
            UnsupportedError: ONNX Runtime is not installed.
            NotFoundError: The files are not there.
            CorruptFileError: They are no drum model.
        """
        return cls(open_shipped(folder / ENCODER_FILE), open_shipped(folder / DECODER_FILE))

    def write(self, score: DrumScore, luck: DrumLuck) -> WrittenDrums:
        """Write every step, what is not fixed by luck."""
        batch, steps, _ = score.given.shape
        (context,) = self._encoder.run(None, {"given": score.given})
        rows = np.zeros((batch, steps, _ROW), np.float32)
        hit_logits = np.zeros((batch, steps, _V), np.float32)
        feels = [np.zeros((batch, steps, _V, bins), np.float32) for bins in (VELOCITY_BINS, OFFSET_BINS)]
        state = np.zeros((batch, _STATE), np.float32)
        for step in range(steps):
            told = {
                "before": rows[:, step - 1] if step else np.zeros((batch, _ROW), np.float32),
                "ago": _ago(rows, step, score.per_bar),
                "context": context[:, step],
                "place": score.place[:, step],
                "scalars": score.scalars[:, step],
                "state": state,
                "known": score.known[:, step],
                "given": score.hits[:, step],
                "luck": luck.hits[:, step],
                "temperature": np.asarray(luck.temperature, np.float32),
            }
            hits, hit_logits[:, step], *feel, next_state = self._decoder.run(None, told)
            if score.tapped is not None and (silent := score.tapped[:, step] & ~hits.any(1)).any():
                # A tap was a stroke: the likeliest voice takes it where luck gave it to none.
                told["known"] = np.where(silent[:, None], 1.0, told["known"]).astype(np.float32)
                told["given"] = np.where(silent[:, None], _likeliest(hit_logits[:, step]), told["given"])
                hits, _, *feel, next_state = self._decoder.run(None, told)
            state = next_state
            feels[0][:, step], feels[1][:, step] = feel
            rows[:, step] = _row(score, luck, step, hits, feel)
        return WrittenDrums(
            hits=rows[..., :_V],
            velocities=rows[..., _V : 2 * _V],
            offsets=rows[..., 2 * _V :] * np.float32(0.5),
            hit_logits=hit_logits,
            velocity_logits=feels[0],
            offset_logits=feels[1],
        )


def drawn(logits: Logits, luck: Floats, *, low: float, high: float) -> Floats:
    """Return the value at the quantile `luck` of a histogram over `low` ... `high`.

    Args:
        logits: Of equally wide bins, ``(.., bins)``.
        luck: 0 ... 1, ``(..)``.
        low: Where the first bin begins.
        high: Where the last ends.
    """
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    up_to = np.cumsum(weights / weights.sum(-1, keepdims=True), -1)
    bins = logits.shape[-1]
    place = np.minimum((up_to < luck[..., None]).sum(-1), bins - 1)
    above = np.take_along_axis(up_to, place[..., None], -1)[..., 0]
    below = np.where(place > 0, np.take_along_axis(up_to, np.maximum(place - 1, 0)[..., None], -1)[..., 0], 0.0)
    inside = np.clip((luck - below) / np.maximum(above - below, 1e-9), 0.0, 1.0)
    value: Floats = (low + (high - low) * (place + inside) / bins).astype(np.float32)
    return value


def _row(score: DrumScore, luck: DrumLuck, step: int, hits: Floats, feel: Sequence[Logits]) -> Floats:
    velocities = drawn(feel[0], luck.velocities[:, step], low=0.0, high=128 / 127)
    offsets = drawn(feel[1], luck.offsets[:, step], low=-0.5, high=0.5)
    felt = score.felt[:, step]
    velocities = np.where(felt > 0, score.velocities[:, step], np.clip(velocities, 1 / 127, 1.0))
    offsets = np.where(felt > 0, score.offsets[:, step], offsets)
    return np.concatenate([hits, velocities * hits, 2 * offsets * hits], -1, dtype=np.float32)


def _ago(rows: Floats, step: int, per_bar: int) -> Floats:
    found = np.zeros((len(rows), 2, _ROW + 1), np.float32)
    for place, lag in enumerate((per_bar, 2 * per_bar)):
        if lag <= step:
            found[:, place, :_ROW] = rows[:, step - lag]
            found[:, place, _ROW] = 1.0
    return found.reshape(len(rows), -1)


def _likeliest(logits: Logits) -> Floats:
    likeliest: Floats = np.eye(_V, dtype=np.float32)[logits.argmax(-1)]
    return likeliest
