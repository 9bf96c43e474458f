"""Edits and their records as JSON and back, for whoever keeps them."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from cratehand.domain.collection_edit import (
    BitRateMode,
    CollectionEdit,
    CollectionFile,
    CuesSet,
    EditRecord,
    FileReplaced,
    PlaylistExtended,
    RowChange,
    ValueSet,
)
from cratehand.domain.cue import Colour, Cue, CueKind
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fact_values import from_json, to_json
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId


def edit_to_json(edit: CollectionEdit) -> dict[str, Any]:
    """Return the JSON-able form of one edit; its ``edit`` says which kind."""
    match edit:
        case FileReplaced():
            return {"edit": "file", **asdict(edit)}
        case CuesSet():
            before, after = ([_cue_to_json(cue) for cue in cues] for cues in (edit.before, edit.after))
            mode = edit.bit_rate_mode.value
            return {"edit": "cues", "track_id": edit.track_id, "before": before, "after": after, "bit_rate_mode": mode}
        case ValueSet():
            values = {"before": to_json(edit.before), "after": to_json(edit.after)}
            return {"edit": "value", "track_id": edit.track_id, "field": edit.field.value, **values}
        case PlaylistExtended():
            return {"edit": "playlist", "name": edit.name, "tracks": list(edit.tracks)}


def edit_from_json(raw: Mapping[str, Any]) -> CollectionEdit:
    """Read an edit back.

    Raises:
        InvalidInputError: It is not the JSON of an edit.
    """
    try:
        return _READERS[raw["edit"]](raw)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InvalidInputError(f"this is no edit of a collection: {str(raw)[:120]}") from error


def record_to_json(record: EditRecord) -> dict[str, Any]:
    """Return the JSON-able form of a record."""
    return {**asdict(record), "rows": [_row_to_json(row) for row in record.rows]}


def record_from_json(raw: Mapping[str, Any]) -> EditRecord:
    """Read a record back.

    Raises:
        InvalidInputError: It is not the JSON of a record.
    """
    try:
        rows = tuple(RowChange(**row) for row in raw["rows"])
        lists = {name: tuple(raw.get(name, ())) for name in ("playlist_ids", "notes")}
        return EditRecord(**{**raw, "rows": rows, **lists})
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidInputError(f"this is no record of written edits: {str(raw)[:120]}") from error


def _row_to_json(row: RowChange) -> dict[str, Any]:
    before, after = (None if cells is None else dict(cells) for cells in (row.before, row.after))
    return {"table": row.table, "row_id": row.row_id, "before": before, "after": after}


def _cue_to_json(cue: Cue) -> dict[str, Any]:
    return {**asdict(cue), "kind": cue.kind.value, "colour": None if cue.colour is None else str(cue.colour)}


def _cue_from_json(raw: Mapping[str, Any]) -> Cue:
    colour = raw.get("colour")
    return Cue(**{**raw, "kind": CueKind(raw["kind"]), "colour": Colour.of(colour) if colour else None})


def _file_edit(raw: Mapping[str, Any]) -> CollectionEdit:
    before, after = CollectionFile(**raw["before"]), CollectionFile(**raw["after"])
    return FileReplaced(track_id=ForeignId(raw["track_id"]), before=before, after=after)


def _cues_edit(raw: Mapping[str, Any]) -> CollectionEdit:
    before, after = (tuple(_cue_from_json(cue) for cue in raw[name]) for name in ("before", "after"))
    mode = BitRateMode(raw["bit_rate_mode"])
    return CuesSet(track_id=ForeignId(raw["track_id"]), before=before, after=after, bit_rate_mode=mode)


def _value_edit(raw: Mapping[str, Any]) -> CollectionEdit:
    field = Field(raw["field"])
    before, after = from_json(field, raw["before"]), from_json(field, raw["after"])
    return ValueSet(track_id=ForeignId(raw["track_id"]), field=field, before=before, after=after)


def _playlist_edit(raw: Mapping[str, Any]) -> CollectionEdit:
    return PlaylistExtended(name=str(raw["name"]), tracks=tuple(ForeignId(track) for track in raw["tracks"]))


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], CollectionEdit]]] = {
    "file": _file_edit,
    "cues": _cues_edit,
    "value": _value_edit,
    "playlist": _playlist_edit,
}
