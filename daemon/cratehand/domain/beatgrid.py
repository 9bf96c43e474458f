"""The beat grid: anchors of constant tempo from which the time of every beat follows."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import floor, isfinite
from typing import Final

from cratehand.domain.errors import InvalidInputError

_SAME_BEAT: Final = 0.2
"""Share of a beat: nothing is played so near before the next anchor as a beat of its own; lines seldom meet exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridAnchor:
    """A beat at `start_s` from which the tempo is constant until the next anchor."""

    start_s: float
    tempo_bpm: float
    beat_in_bar: int = 1
    """Place of this beat in its bar, 1 is the downbeat."""

    def __post_init__(self) -> None:
        if not (self.tempo_bpm > 0 and isfinite(self.tempo_bpm)):
            raise InvalidInputError(f"a tempo is above 0 BPM, not {self.tempo_bpm}")
        if not isfinite(self.start_s):
            raise InvalidInputError(f"an anchor stands at a time, not {self.start_s}")
        if self.beat_in_bar < 1:
            raise InvalidInputError(f"beats of a bar are counted from 1, not {self.beat_in_bar}")

    @property
    def beat_s(self) -> float:
        """Length of one beat in seconds."""
        return 60.0 / self.tempo_bpm


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatGrid:
    """Anchors in ascending order. One anchor is a constant tempo."""

    anchors: tuple[GridAnchor, ...]
    beats_per_bar: int = 4

    def __post_init__(self) -> None:
        if not self.anchors:
            raise InvalidInputError("a beat grid has at least one anchor")
        if self.beats_per_bar < 1:
            raise InvalidInputError(f"a bar has at least one beat, not {self.beats_per_bar}")
        starts = [anchor.start_s for anchor in self.anchors]
        if any(later <= earlier for earlier, later in pairwise(starts)):
            raise InvalidInputError("the anchors of a beat grid ascend in time")

    @property
    def is_constant(self) -> bool:
        """Whether one tempo holds for the whole track."""
        return len(self.anchors) == 1

    @property
    def main_tempo_bpm(self) -> float:
        """Tempo of the longest piece; of the last, unbounded piece only where it is the only one."""
        if self.is_constant:
            return self.anchors[0].tempo_bpm
        spans = [(later.start_s - earlier.start_s, earlier.tempo_bpm) for earlier, later in pairwise(self.anchors)]
        return max(spans)[1]

    def anchor_at(self, time_s: float) -> GridAnchor:
        """Return the anchor that rules `time_s`; before the first one its tempo is carried back."""
        index = bisect_right([anchor.start_s for anchor in self.anchors], time_s) - 1
        return self.anchors[max(index, 0)]

    def beats(self, *, until_s: float) -> Iterator[tuple[float, int]]:
        """Yield ``(time_s, beat_in_bar)`` of every beat in ``[0, until_s)``, ascending."""
        for index, anchor in enumerate(self.anchors):
            end_s = until_s
            if index + 1 < len(self.anchors):
                # A beat just before the next anchor is that anchor's own beat.
                end_s = min(self.anchors[index + 1].start_s - _SAME_BEAT * anchor.beat_s, until_s)
            # The first anchor's tempo is carried back to the start; what rounding puts just before 0 is the beat at 0.
            step = -floor(anchor.start_s / anchor.beat_s + 1e-9) if index == 0 or anchor.start_s < 0 else 0
            while (time_s := max(anchor.start_s + step * anchor.beat_s, 0.0)) < end_s:
                yield time_s, (anchor.beat_in_bar - 1 + step) % self.beats_per_bar + 1
                step += 1

    def shifted(self, offset_s: float) -> "BeatGrid":
        """Return the same grid `offset_s` later."""
        return BeatGrid(
            anchors=tuple(
                GridAnchor(
                    start_s=anchor.start_s + offset_s,
                    tempo_bpm=anchor.tempo_bpm,
                    beat_in_bar=anchor.beat_in_bar,
                )
                for anchor in self.anchors
            ),
            beats_per_bar=self.beats_per_bar,
        )

    def scaled(self, factor: float) -> "BeatGrid":
        """Return the grid at twice (2) or half (0.5) the tempo; old downbeats that stay beats are downbeats again.

        At half the tempo a bar takes two old ones; the first anchor's is the first of two.

        Raises:
            InvalidInputError: Another factor.
        """
        if factor not in {2.0, 0.5}:
            raise InvalidInputError(f"a beat grid can be doubled or halved, not multiplied by {factor:g}")
        anchors: list[GridAnchor] = []
        for anchor in self.anchors:
            index, start_s = anchor.beat_in_bar - 1, anchor.start_s
            if factor == 0.5 and index % 2:
                # This beat falls away; the next one stays.
                index, start_s = (index + 1) % self.beats_per_bar, start_s + anchor.beat_s
            if anchors and start_s <= anchors[-1].start_s:
                continue
            beat = int(index * factor) % self.beats_per_bar + 1
            anchors.append(GridAnchor(start_s=start_s, tempo_bpm=anchor.tempo_bpm * factor, beat_in_bar=beat))
        return BeatGrid(anchors=tuple(anchors), beats_per_bar=self.beats_per_bar)
