"""TEMPO and POSITION_MARK elements: the beat grid and the cues of a track, from and to domain objects."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand_rekordbox_export.numbers import format_seconds, parse_count, parse_decimal

DEFAULT_CUE_COLOUR: Final = Colour(red=40, green=226, blue=20)
"""What Rekordbox writes for a hot cue whose colour the DJ did not set; read as None."""
DEFAULT_LOOP_COLOUR: Final = Colour(red=255, green=140, blue=0)
"""The same for a hot loop."""
LAST_PAD: Final = 15
"""Eight pads were seen in exports; newer versions have a second page."""
TEMPO_ATTRIBUTES: Final = frozenset({"Inizio", "Bpm", "Metro", "Battito"})
MARK_ATTRIBUTES: Final = frozenset({"Name", "Type", "Start", "End", "Num", "Red", "Green", "Blue"})

_TYPES: Final = {CueKind.HOT: 0, CueKind.MEMORY: 0, CueKind.FADE_IN: 1, CueKind.FADE_OUT: 2, CueKind.LOAD: 3}
_KINDS: Final = {1: CueKind.FADE_IN, 2: CueKind.FADE_OUT, 3: CueKind.LOAD}
_LOOP_TYPE: Final = 4
_METRO: Final = re.compile(r"\s*(\d{1,2})\s*/\s*4\s*")
_BEATS_PER_BAR: Final = 4


# --- the beat grid -----------------------------------------------------------------------------------------------


def tempo_elements(grid: BeatGrid) -> Iterator[tuple[tuple[str, str], ...]]:
    """Yield the attributes of one TEMPO per anchor.

    Anchors before the start of the track are moved by whole beats to its first beat, and of several anchors inside one
    millisecond, which the format can not tell apart, the last is written.
    """
    written: dict[str, GridAnchor] = {}
    for index, anchor in enumerate(grid.anchors):
        end_s = grid.anchors[index + 1].start_s if index + 1 < len(grid.anchors) else float("inf")
        inside = _inside_track(anchor, beats_per_bar=grid.beats_per_bar)
        if inside.start_s < end_s:
            written[format_seconds(inside.start_s)] = inside
    for start, anchor in written.items():
        yield (
            ("Inizio", start),
            ("Bpm", f"{anchor.tempo_bpm:.2f}"),
            ("Metro", f"{grid.beats_per_bar}/4"),
            ("Battito", str((anchor.beat_in_bar - 1) % grid.beats_per_bar + 1)),
        )


def _inside_track(anchor: GridAnchor, *, beats_per_bar: int) -> GridAnchor:
    if anchor.start_s >= 0:
        return anchor
    steps = math.ceil(-anchor.start_s / anchor.beat_s)
    return GridAnchor(
        start_s=max(anchor.start_s + steps * anchor.beat_s, 0.0),
        tempo_bpm=anchor.tempo_bpm,
        beat_in_bar=(anchor.beat_in_bar - 1 + steps) % beats_per_bar + 1,
    )


def parse_grid(elements: Iterable[Mapping[str, str]]) -> tuple[BeatGrid | None, int]:
    """Read a beat grid from the attributes of a track's TEMPO elements.

    Elements without a time or with a tempo of 0 are left out, those out of order are sorted, and of several at one time
    the last is believed.

    Returns:
        The grid, None where no element can be used; and how many elements were left out, moved or corrected.
    """
    repaired = 0
    beats_per_bar: int | None = None
    anchors: list[GridAnchor] = []
    for element in elements:
        start_s, tempo_bpm = parse_decimal(element.get("Inizio")), parse_decimal(element.get("Bpm"))
        if start_s is None or tempo_bpm is None or tempo_bpm <= 0:
            repaired += 1
            continue
        metro = _METRO.fullmatch(element.get("Metro", "4/4"))
        beats = int(metro[1]) if metro and int(metro[1]) > 0 else _BEATS_PER_BAR
        beats_per_bar = beats_per_bar or beats
        beat = parse_count(element.get("Battito", "1"))
        sound = metro is not None and beats == beats_per_bar and beat is not None and 1 <= beat <= beats_per_bar
        repaired += not sound
        beat_in_bar = ((beat or 1) - 1) % beats_per_bar + 1
        anchors.append(GridAnchor(start_s=start_s, tempo_bpm=tempo_bpm, beat_in_bar=beat_in_bar))
    if not anchors or beats_per_bar is None:
        return None, repaired
    ascending = _ascending(anchors)
    repaired += sum(before is not after for before, after in zip(anchors, ascending, strict=False))
    repaired += len(anchors) - len(ascending)
    return BeatGrid(anchors=tuple(ascending), beats_per_bar=beats_per_bar), repaired


def _ascending(anchors: list[GridAnchor]) -> list[GridAnchor]:
    by_time = {anchor.start_s: anchor for anchor in anchors}
    return [by_time[start_s] for start_s in sorted(by_time)]


# --- the cues ----------------------------------------------------------------------------------------------------


def in_file_order(cues: Iterable[Cue]) -> list[Cue]:
    """Return hot cues by pad, then all others by time."""
    return sorted(cues, key=lambda cue: (not is_hot(cue), _number(cue) if is_hot(cue) else 0, cue.start_s))


def is_hot(cue: Cue) -> bool:
    """Whether a cue stands on a pad."""
    return cue.kind is CueKind.HOT and cue.pad is not None


def mark_attributes(cue: Cue) -> list[tuple[str, str]]:
    """Return the attributes of a cue's POSITION_MARK; only a hot cue has a colour, an active loop is not marked."""
    is_loop = cue.end_s is not None and cue.start_s < cue.end_s < math.inf
    attributes = [
        ("Name", cue.label),
        ("Type", str(_LOOP_TYPE if is_loop else _TYPES[cue.kind])),
        ("Start", format_seconds(cue.start_s)),
    ]
    if is_loop and cue.end_s is not None:
        attributes.append(("End", format_seconds(cue.end_s)))
    attributes.append(("Num", str(_number(cue))))
    if is_hot(cue):
        colour = cue.colour or (DEFAULT_LOOP_COLOUR if is_loop else DEFAULT_CUE_COLOUR)
        attributes += [("Red", str(colour.red)), ("Green", str(colour.green)), ("Blue", str(colour.blue))]
    return attributes


def _number(cue: Cue) -> int:
    return -1 if cue.pad is None or cue.kind is CueKind.MEMORY else cue.pad


def parse_mark(element: Mapping[str, str]) -> tuple[Cue | None, bool]:
    """Read a cue from the attributes of a POSITION_MARK.

    A loop without a usable end becomes a cue; a type or a pad that Rekordbox does not know becomes a memory cue.

    Returns:
        The cue, None where it has no time; and whether it could be taken as it stood.
    """
    start_s, end_s = parse_decimal(element.get("Start")), parse_decimal(element.get("End"))
    type_number, pad = parse_count(element.get("Type", "0")), _parse_pad(element.get("Num", "-1"))
    if start_s is None:
        return None, False
    is_loop = type_number == _LOOP_TYPE and end_s is not None and end_s > start_s
    sound = (
        start_s >= 0
        and pad is not None
        and (is_loop or type_number in {0, *_KINDS})
        # Only a loop has an end.
        and (is_loop or end_s is None)
    )
    kind = _KINDS.get(type_number or 0, CueKind.HOT if pad is not None and pad >= 0 else CueKind.MEMORY)
    colour = _parse_colour(element)
    if colour == (DEFAULT_LOOP_COLOUR if is_loop else DEFAULT_CUE_COLOUR):
        colour = None
    cue = Cue(
        kind=kind,
        start_s=max(start_s, 0.0),
        end_s=end_s if is_loop else None,
        pad=pad if pad is not None and pad >= 0 else None,
        label=element.get("Name", ""),
        colour=colour,
    )
    return cue, sound


def _parse_pad(text: str) -> int | None:
    number = parse_decimal(text)
    return int(number) if number is not None and number in range(-1, LAST_PAD + 1) else None


def _parse_colour(element: Mapping[str, str]) -> Colour | None:
    levels = [parse_count(element.get(name)) for name in ("Red", "Green", "Blue")]
    red, green, blue = (level if level is not None and level <= 255 else None for level in levels)
    if red is None or green is None or blue is None:
        return None
    return Colour(red=red, green=green, blue=blue)
