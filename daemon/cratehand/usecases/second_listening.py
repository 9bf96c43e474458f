"""A few loud stretches of two copies, aligned to a small fraction of a frame: read again where that decides."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cratehand.analysis.codec_rounding import STRETCH_FRAMES, STRETCH_GRID_FRAMES
from cratehand.analysis.stretch_alignment import MARGIN_S, Stretch, align_stretches
from cratehand.domain.audio import Samples
from cratehand.domain.ports import AudioReader

_STRETCHES: Final = 10
_APART_FRAMES: Final = 5 * STRETCH_GRID_FRAMES
_HEARD_S: Final = 90.0
"""Of the current copy from its first sound on: music has enough treble by then, and more would cost time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    worth: float
    start: int
    samples: Samples


def aligned_stretches(
    reader: AudioReader, current: Path, candidate: Path, *, offset_s: float, sounding_start_s: float
) -> list[tuple[Samples, Samples]]:
    """Return stretches of both at the rate, level and places of the current one; raises like `AudioReader.blocks`.

    Args:
        reader: Opens both.
        current: Its stretches begin at multiples of `STRETCH_GRID_FRAMES`.
        candidate: Of the same recording.
        offset_s: By how much the candidate's sound is later, right to a frame or two.
        sounding_start_s: Where the current copy begins to sound.
    """
    rate_hz, other_hz = (reader.probe(path).sample_rate_hz for path in (current, candidate))
    wanted = [
        (each.samples, (each.start / rate_hz + offset_s) * other_hz)
        for each in sorted(_loudest(reader, current, rate_hz, sounding_start_s), key=lambda each: each.start)
    ]
    margin, length = MARGIN_S * other_hz, STRETCH_FRAMES / rate_hz * other_hz
    wanted = [(samples, begin) for samples, begin in wanted if begin >= margin]
    spans = [(int(begin - margin), int(np.ceil(begin + length + margin))) for _, begin in wanted]
    # The candidate may end before the last of them.
    found = [
        Stretch(current=samples, candidate=cut, begins_frames=(begin - first) * rate_hz / other_hz)
        for (samples, begin), (first, _), cut in zip(wanted, spans, _pieces(reader, candidate, spans), strict=False)
    ]
    return align_stretches(found, rate_hz=rate_hz, candidate_hz=other_hz)


def _loudest(reader: AudioReader, path: Path, rate_hz: int, from_s: float) -> list[_Wanted]:
    """Return the stretches with the most treble, where codecs round most coarsely."""
    begin = int(np.ceil((from_s + MARGIN_S) * rate_hz / STRETCH_GRID_FRAMES)) * STRETCH_GRID_FRAMES
    last = begin + round(_HEARD_S * rate_hz)
    kept: list[_Wanted] = []
    spans = [(start, start + STRETCH_FRAMES) for start in range(begin, last, _APART_FRAMES)]
    for (start, _), samples in zip(spans, _pieces(reader, path, spans), strict=False):
        worth = float(np.square(np.diff(samples, axis=1)).mean(dtype=np.float64))
        if worth > 0.0:
            kept.append(_Wanted(worth=worth, start=start, samples=samples))
            if len(kept) > _STRETCHES:
                kept.remove(min(kept, key=lambda each: each.worth))
    return kept


def _pieces(reader: AudioReader, path: Path, spans: list[tuple[int, int]]) -> Iterator[Samples]:
    """Yield the frames of each span, in order; ends where the file ends or the last span does."""
    waiting = iter(spans)
    span = next(waiting, None)
    held: list[Samples] = []
    held_from = frames = 0
    for block in reader.blocks(path):
        if span is None:
            return
        held.append(block)
        frames += block.shape[1]
        while span is not None and frames >= span[1]:
            joined = np.concatenate(held, axis=1)
            yield joined[:, span[0] - held_from : span[1] - held_from].copy()
            span = next(waiting, None)
            keep = frames if span is None else min(max(span[0], held_from), frames)
            held, held_from = [joined[:, keep - held_from :]], keep
        if span is not None and span[0] >= frames:
            held, held_from = [], frames
