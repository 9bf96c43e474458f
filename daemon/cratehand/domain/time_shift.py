"""What has a place in time, moved along when a track's sound begins earlier or later in another file."""

from dataclasses import replace
from typing import Final

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.cue import SuggestedCue
from cratehand.domain.fields import Field
from cratehand.domain.key import KeyStretch
from cratehand.domain.structure import Section

SHIFTED_FIELDS: Final = frozenset({Field.BEAT_GRID, Field.SECTIONS, Field.SUGGESTED_CUES, Field.KEY_CHANGES})
"""Fields whose values have a place in time."""


def shifted_time_s(time_s: float, offset_s: float) -> float:
    """Return a time moved by the offset; never before the file begins."""
    return max(time_s + offset_s, 0.0)


def shifted_value(value: object, offset_s: float) -> object:
    """Return a value of one of `SHIFTED_FIELDS` moved by the offset; what would begin before the file begins at 0."""
    match value:
        case BeatGrid():
            return _grid(value, offset_s)
        case tuple():
            return tuple(_item(item, offset_s) for item in value if _ends_inside(item, offset_s))
        case _:
            return value


def _grid(grid: BeatGrid, offset_s: float) -> BeatGrid:
    moved = grid.shifted(offset_s)
    first = moved.anchors[0]
    if first.start_s >= 0 or grid.anchors[0].start_s < 0:
        return moved
    # The anchor goes on to its first beat inside the file; the ones behind it stay where they are.
    beats = int(-first.start_s / first.beat_s) + 1
    anchor = GridAnchor(
        start_s=first.start_s + beats * first.beat_s,
        tempo_bpm=first.tempo_bpm,
        beat_in_bar=(first.beat_in_bar - 1 + beats) % grid.beats_per_bar + 1,
    )
    later = tuple(other for other in moved.anchors[1:] if other.start_s > anchor.start_s + 1e-6)
    if later != moved.anchors[1:]:
        return BeatGrid(anchors=tuple(a for a in moved.anchors[1:] if a.start_s >= 0) or (anchor,),
                        beats_per_bar=grid.beats_per_bar)  # fmt: skip
    return BeatGrid(anchors=(anchor, *later), beats_per_bar=grid.beats_per_bar)


def _ends_inside(item: object, offset_s: float) -> bool:
    return not isinstance(item, Section) or item.end_s + offset_s > 0


def _item(item: object, offset_s: float) -> object:
    match item:
        case Section() | SuggestedCue():
            end_s = None if item.end_s is None else shifted_time_s(item.end_s, offset_s)
            return replace(item, start_s=shifted_time_s(item.start_s, offset_s), end_s=end_s)  # type: ignore[arg-type]  # a section always has an end
        case KeyStretch():
            return replace(item, start_s=shifted_time_s(item.start_s, offset_s))
        case _:
            return item
