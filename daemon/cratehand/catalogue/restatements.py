"""What the DJ's collection goes on to state of a file that was replaced, and what that means in the new one.

Rekordbox keeps cues and grids of a track until somebody changes them there. Until then each read of its collection
would bring the old times back. So each old value is kept with its new one: a statement that still is the old value
means the new one, everything else is taken as it is told.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, delete, select

from cratehand.catalogue import schema
from cratehand.catalogue.bulk import insert_rows
from cratehand.catalogue.fact_text import UNFIT, fact_text, parse_fact
from cratehand.catalogue.keys import chunks
from cratehand.domain.collection import CollectionTrack
from cratehand.domain.cue import Cue
from cratehand.domain.fields import Field

_CUE: Final = "cue"
_COLUMNS: Final = ("track", "what", "stated", "meant")
_NOTHING: Final = "null"

Times = tuple[float, float | None]


class Restatements:
    """Those of one track."""

    def __init__(self, connection: Connection, key: int) -> None:
        self._connection = connection
        self._key = key
        table = schema.restatements
        rows = connection.execute(select(table.c.what, table.c.stated, table.c.meant).where(table.c.track == key))
        self._before = sorted([row.what, row.stated, row.meant] for row in rows)
        self._meant = {(what, stated): meant for what, stated, meant in self._before}

    def rows(self) -> list[list[str]]:
        """Return them as they were on opening, JSON-able."""
        return self._before

    def cue(self, kind: str, pad: int | None, stated: Times, meant: Times) -> None:
        """A cue of the old file stands elsewhere in the new one."""
        self._add(_CUE, _cue_text(kind, pad, stated), _cue_text(kind, pad, meant))

    def fact(self, field: str, stated: str, meant: str | None) -> None:
        """A value of the old file is another in the new one; None where it says nothing of that."""
        self._add(field, stated, _NOTHING if meant is None else meant)

    def _add(self, what: str, stated: str, meant: str) -> None:
        # A second upgrade: what meant the old value of this one means its new value from now on.
        for (kind, first), then in list(self._meant.items()):
            if kind == what and then == stated:
                self._meant[kind, first] = meant
        self._meant[what, stated] = meant

    def write(self) -> None:
        """Keep what was added."""
        self.replace([[what, stated, meant] for (what, stated), meant in self._meant.items()])

    def replace(self, rows: Sequence[Sequence[str]]) -> None:
        """Keep these and no others."""
        self._connection.execute(delete(schema.restatements).where(schema.restatements.c.track == self._key))
        insert_rows(self._connection, schema.restatements, _COLUMNS, [(self._key, *row) for row in rows])


def restated_tracks(
    connection: Connection, known: Sequence[tuple[CollectionTrack, int]]
) -> list[tuple[CollectionTrack, int]]:
    """Return rows of the DJ's collection with what they still state of replaced files put into what that means."""
    by_track = load_restatements(connection, [key for _, key in known])
    if not by_track:
        return list(known)
    return [(_restated(row, by_track[key]) if key in by_track else row, key) for row, key in known]


def load_restatements(connection: Connection, keys: Iterable[int]) -> dict[int, dict[tuple[str, str], str]]:
    """Load all of some tracks: kind and stated text to the text that is meant."""
    table = schema.restatements
    if connection.execute(select(table.c.track).limit(1)).first() is None:
        return {}
    found: dict[int, dict[tuple[str, str], str]] = {}
    for piece in chunks(keys):
        for row in connection.execute(select(table).where(table.c.track.in_(piece))):
            found.setdefault(row.track, {})[row.what, row.stated] = row.meant
    return found


def restated_value(field: Field, value: object, meant: Mapping[tuple[str, str], str]) -> object:
    """Return what a stated value means; None where it says nothing of the file that is there now."""
    try:
        text = meant.get((field.value, fact_text(field, value)))
    except UNFIT:
        return value
    if text is None:
        return value
    return None if text == _NOTHING else parse_fact(field, text)


def _restated(row: CollectionTrack, meant: Mapping[tuple[str, str], str]) -> CollectionTrack:
    values = {field: restated_value(field, value, meant) for field, value in row.values.items()}
    return replace(
        row,
        cues=tuple(_restated_cue(cue, meant) for cue in row.cues),
        values={field: value for field, value in values.items() if value is not None},
    )


def _restated_cue(cue: Cue, meant: Mapping[tuple[str, str], str]) -> Cue:
    text = meant.get((_CUE, _cue_text(cue.kind.value, cue.pad, (cue.start_s, cue.end_s))))
    if text is None:
        return cue
    _, _, start_s, end_s = json.loads(text)
    return replace(cue, start_s=start_s, end_s=end_s)


def _cue_text(kind: str, pad: int | None, times: Times) -> str:
    parts: list[Any] = [kind, pad, *times]
    return json.dumps(parts, separators=(",", ":"))
