"""What is believed of a track, flat: one row of `believed` from the statements about it.

`cratehand.domain.belief.believe` is the only chooser. Where a field has a single statement there is nothing to choose,
and its value is taken as it stands; a test proves that this is what `believe` answers.
"""

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, select

from cratehand.catalogue import schema
from cratehand.catalogue.bulk import update_rows
from cratehand.catalogue.fact_text import TAKEN_BACK, parse_fact
from cratehand.catalogue.folding import fold
from cratehand.catalogue.keys import chunks
from cratehand.catalogue.paths import is_escaped, path_of
from cratehand.catalogue.schema import storable
from cratehand.catalogue.statements import Statement, fact_of, load_statements
from cratehand.domain.belief import believe
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.provenance import AnyFact

_log = logging.getLogger(__name__)

SHOWN_FIELDS: Final = frozenset(
    {
        Field.TITLE, Field.ARTIST, Field.ALBUM, Field.GENRE, Field.LABEL, Field.COMMENT, Field.YEAR, Field.RATING,
        Field.COLOUR, Field.PLAY_COUNT, Field.DATE_ADDED, Field.DURATION_S, Field.TEMPO_BPM, Field.KEY, Field.ENERGY,
        Field.LOUDNESS, Field.QUALITY,
    }
)  # fmt: skip
"""Fields that have a column in `believed`."""

FOLLOWED_FIELDS: Final = SHOWN_FIELDS | {Field.LAST_PLAYED, Field.INSTRUMENTALNESS}
"""Fields after whose change the row of a track is written anew, if only to say so: see `touched`."""

COLUMNS: Final = tuple(column.name for column in schema.believed.columns)
"""Names of the values in a row of `believed_row`, `track` first."""

Row = tuple[object, ...]

_SEARCHED: Final = tuple(
    (COLUMNS.index(name), name.endswith(("_order", "_folded")))
    for name in ("title_order", "artist_order", "genre_folded", "album", "label", "comment")
)
"""Columns that can be searched, in their order, and whether they are folded already."""

_INT32: Final = 1 << 31


def believed_row(
    track: int,
    values: Mapping[Field, object],
    confidences: Mapping[Field, float],
    *,
    path_text: str | None,
) -> Row:
    """Return the row of `believed` for a track.

    Args:
        track: Its key.
        values: The believed value of each field of `SHOWN_FIELDS` that is known; others are passed over.
        confidences: How sure the believed statements are; 1 where a field is missing.
        path_text: The kept text of its path, whose last part can be searched for.
    """
    get = values.get
    title, artist, genre = _text(get(Field.TITLE)), _text(get(Field.ARTIST)), _text(get(Field.GENRE))
    album, label, comment = _text(get(Field.ALBUM)), _text(get(Field.LABEL)), _text(get(Field.COMMENT))
    tempo_bpm, key = _number(get(Field.TEMPO_BPM)), get(Field.KEY)
    camelot = getattr(key, "camelot", None)
    title_folded, artist_folded, genre_folded = _fold(title), _fold(artist), _fold(genre)
    words = (
        title_folded, artist_folded, genre_folded, _fold(album), _fold(label), _fold(comment),
        _fold(_file_name(path_text)),
    )  # fmt: skip
    return (
        track, title, artist, album, genre, label, comment,
        _count(get(Field.YEAR)), _count(get(Field.RATING)), _text(get(Field.COLOUR)), _count(get(Field.PLAY_COUNT)),
        _text(get(Field.DATE_ADDED)), _number(get(Field.DURATION_S)),
        tempo_bpm, None if tempo_bpm is None else confidences.get(Field.TEMPO_BPM, 1.0),
        None if key is None else str(key), camelot, None if key is None else confidences.get(Field.KEY, 1.0),
        _count(get(Field.ENERGY)),
        _number(getattr(get(Field.LOUDNESS), "integrated_lufs", None)),
        _word(getattr(get(Field.QUALITY), "verdict", None)),
        title_folded, artist_folded,
        None if camelot is None else camelot_order(camelot),
        genre_folded, " ".join([word for word in words if word]),
    )  # fmt: skip


def without_file_name(row: Sequence[Any]) -> Row:
    """Return the row as it is for a track without a file: the name of a file stays on its device."""
    words = [row[place] if is_folded else _fold(row[place]) for place, is_folded in _SEARCHED]
    return (*row[:-1], " ".join([word for word in words if word]))


def with_file_name(row: Sequence[Any], path_text: str | None) -> Row:
    """Return the row of `without_file_name` as it is where the file has this path."""
    name = _fold(_file_name(path_text))
    return (*row[:-1], " ".join([word for word in (row[-1], name) if word]))


def camelot_order(camelot: str) -> int:
    """Return the place on the wheel: 1A, 1B, 2A ... 12B."""
    return int(camelot[:-1]) * 2 + (camelot[-1] == "B")


def believe_statements(statements: Iterable[Statement]) -> AnyFact | None:
    """Choose among statements about one field of one track; those that do not read are passed over."""
    known: list[AnyFact] = []
    for statement in statements:
        try:
            known.append(fact_of(statement))
        except InvalidInputError as error:
            _log.warning("passed over an unreadable fact: %s", error)
    return believe(known)


def compute_rows(connection: Connection, keys: Sequence[int]) -> list[Row]:
    """Compute the rows of tracks from all their statements; tracks that do not exist are left out."""
    rows: list[Row] = []
    for piece in chunks(keys):
        by_track = load_statements(connection, piece, fields=SHOWN_FIELDS)
        columns = select(schema.tracks.c.track, schema.tracks.c.path).where(schema.tracks.c.track.in_(piece))
        for track, path_text in connection.execute(columns):
            values, confidences = _chosen(by_track.get(track, ()))
            rows.append(believed_row(track, values, confidences, path_text=path_text))
    return rows


def rebuild(connection: Connection, keys: Sequence[int]) -> None:
    """Bring `believed` up to date for these tracks."""
    update_rows(connection, schema.believed, COLUMNS, compute_rows(connection, keys))


def _chosen(statements: Iterable[Statement]) -> tuple[dict[Field, object], dict[Field, float]]:
    by_field: dict[str, list[Statement]] = {}
    for statement in statements:
        by_field.setdefault(statement.field, []).append(statement)
    values: dict[Field, object] = {}
    confidences: dict[Field, float] = {}
    for name, about in by_field.items():
        if len(about) == 1 and about[0].value != TAKEN_BACK:
            field = Field(name)
            try:
                values[field] = parse_fact(field, about[0].value)
            except InvalidInputError as error:
                _log.warning("passed over an unreadable fact: %s", error)
                continue
            confidences[field] = about[0].confidence
        elif winner := believe_statements(about):
            values[winner.field] = winner.value
            confidences[winner.field] = winner.confidence
    return values, confidences


def _text(value: object) -> str | None:
    # An empty text is how programs say that there is none.
    return (storable(value) or None) if isinstance(value, str) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and -_INT32 <= value < _INT32 else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _fold(value: str | None) -> str | None:
    return fold(value) if value else None


def _word(value: object) -> str | None:
    return None if value is None else str(value)


def _file_name(path_text: str | None) -> str:
    if path_text is None:
        return ""
    if is_escaped(path_text):
        path_text = storable(str(path_of(path_text)))
    # Both notations occur on every platform: the collection may have been written elsewhere.
    return path_text.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
