"""What a person types to correct a track, as values of fields."""

import difflib
from collections.abc import Callable, Mapping
from typing import Final, TypeVar, cast

from cratehand.domain.beatgrid import BeatGrid, GridAnchor
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import CORRECTABLE_FIELDS, TEXT_FIELDS, Field
from cratehand.domain.key import parse_key

N = TypeVar("N", int, float)

_ALIASES: Final = {"tempo": "tempo_bpm", "bpm": "tempo_bpm", "camelot": "key", "downbeat": "first_downbeat"}
_FIRST_DOWNBEAT: Final = "first_downbeat"
_RANGES: Final = {
    Field.YEAR: (1000, 9999),
    Field.RATING: (0, 5),
    Field.ENERGY: (1, 10),
    Field.TRACK_NUMBER: (1, 9999),
    Field.DISC_NUMBER: (1, 999),
}
_TEMPO_FACTORS: Final = {"double": 2.0, "half": 0.5}
TEMPO_RANGE_BPM: Final = (20.0, 400.0)
"""What a person may set; everything music uses lies inside."""


def corrected_values(assignments: Mapping[str, str], believed: Mapping[Field, object]) -> dict[Field, object]:
    """Turn ``FIELD=VALUE`` pairs into values of fields.

    Args:
        assignments: ``tempo`` takes BPM, ``double`` or ``half`` and brings the beat grid along; ``first_downbeat``
            takes seconds and moves the grid; ``key`` takes any notation; ``tags`` a comma-separated list; text fields
            any text. An empty value takes back what persons said.
        believed: The values believed now; tempo and first downbeat build on its beat grid.

    Returns:
        Field to value, None for "take back".

    Raises:
        InvalidInputError: Names the field, what is wrong, and the nearest known field.
    """
    values: dict[Field, object] = {}
    for name, text in assignments.items():
        key = _ALIASES.get(name.strip().lower(), name.strip().lower())
        context = {**believed, **values}
        if key == _FIRST_DOWNBEAT:
            values |= _first_downbeat(text.strip(), context)
        elif key == Field.TEMPO_BPM:
            values |= _tempo(text.strip(), context)
        else:
            field = _field(key)
            values[field] = _value(field, text.strip()) if text.strip() else None
    return values


def _field(name: str) -> Field:
    known = sorted({*(field.value for field in CORRECTABLE_FIELDS - {Field.BEAT_GRID}), _FIRST_DOWNBEAT, *_ALIASES})
    if name in known:
        return Field(name)
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
    raise InvalidInputError(f"{name!r} is no field that can be set: {hint}")


def _value(field: Field, text: str) -> object:
    if field in TEXT_FIELDS:
        return text
    if field is Field.TAGS:
        return tuple(tag.strip() for tag in text.split(",") if tag.strip())
    if field is Field.KEY:
        if (key := parse_key(text)) is None:
            raise InvalidInputError(f"key: {text!r} is no key; write it like 'A minor', 'F#m' or '8A'")
        return key
    low, high = _RANGES[field]
    number = _number(field, text, int)
    if not low <= number <= high:
        raise InvalidInputError(f"{field}: {text} is not between {low} and {high}")
    return number


def _tempo(text: str, believed: Mapping[Field, object]) -> dict[Field, object]:
    if not text:
        return {Field.TEMPO_BPM: None, Field.BEAT_GRID: None}
    grid = cast("BeatGrid | None", believed.get(Field.BEAT_GRID))
    if (factor := _TEMPO_FACTORS.get(text.lower())) is not None:
        now = cast("float | None", believed.get(Field.TEMPO_BPM))
        if now is None:
            raise InvalidInputError(f"tempo: nothing is known that could be taken {text.lower()}; give the BPM")
        tempo_bpm = _tempo_in_range(now * factor)
        return {Field.TEMPO_BPM: tempo_bpm} | ({Field.BEAT_GRID: grid.scaled(factor)} if grid else {})
    tempo_bpm = _tempo_in_range(_number(Field.TEMPO_BPM, text, float))
    values: dict[Field, object] = {Field.TEMPO_BPM: tempo_bpm}
    if grid:
        first = grid.anchors[0]
        anchor = GridAnchor(start_s=first.start_s, tempo_bpm=tempo_bpm, beat_in_bar=first.beat_in_bar)
        values[Field.BEAT_GRID] = BeatGrid(anchors=(anchor,), beats_per_bar=grid.beats_per_bar)
    return values


def _tempo_in_range(tempo_bpm: float) -> float:
    low, high = TEMPO_RANGE_BPM
    if not low <= tempo_bpm <= high:
        raise InvalidInputError(f"tempo: {tempo_bpm:g} BPM is not between {low:g} and {high:g}")
    return tempo_bpm


def _first_downbeat(text: str, believed: Mapping[Field, object]) -> dict[Field, object]:
    if not text:
        return {Field.BEAT_GRID: None}
    start_s = _number(_FIRST_DOWNBEAT, text, float)
    if not 0 <= start_s < 24 * 3600:
        raise InvalidInputError(f"{_FIRST_DOWNBEAT}: {text} s is not inside the track")
    grid = cast("BeatGrid | None", believed.get(Field.BEAT_GRID))
    tempo_bpm = cast("float | None", believed.get(Field.TEMPO_BPM))
    if grid is None or grid.is_constant:
        if grid is not None:
            tempo_bpm = grid.anchors[0].tempo_bpm
        if tempo_bpm is None:
            raise InvalidInputError(f"{_FIRST_DOWNBEAT}: no tempo is known; set tempo=BPM with it")
        beats_per_bar = grid.beats_per_bar if grid else 4
        return {
            Field.BEAT_GRID: BeatGrid(
                anchors=(GridAnchor(start_s=start_s, tempo_bpm=tempo_bpm),), beats_per_bar=beats_per_bar
            )
        }
    first = grid.anchors[0]
    # The downbeat that follows the first anchor moves to the given time, and every anchor with it.
    downbeat_s = first.start_s + (-(first.beat_in_bar - 1)) % grid.beats_per_bar * first.beat_s
    return {Field.BEAT_GRID: grid.shifted(start_s - downbeat_s)}


def _number(field: str, text: str, kind: Callable[[str], N]) -> N:
    try:
        return kind(text.replace(",", "."))
    except ValueError as error:
        raise InvalidInputError(f"{field}: {text!r} is not a number") from error
