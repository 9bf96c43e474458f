"""``djmdContent`` rows → tracks of the domain. Pure: rows in, values out."""

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cratehand.domain.collection import CollectionTrack
from cratehand.domain.cue import Cue
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.key import MusicalKey, parse_key
from cratehand_bridges.rekordbox.rows import (
    ALBUM,
    ARTIST,
    COLOUR,
    CONTENT,
    GENRE,
    ID,
    KEY,
    LABEL,
    MY_TAG,
    OWNER,
    VALUES,
    Row,
    Table,
    live,
)

ANALYSIS_LOCKED: Final = 233
"""``Analysed`` of a track whose analysis the DJ locked; 105 and 121 are normal and advanced analysis."""

_COLOUR_NAMES: Final = {
    "1": "Pink", "2": "Red", "3": "Orange", "4": "Yellow", "5": "Green", "6": "Aqua", "7": "Blue", "8": "Purple",
}  # fmt: skip
"""The eight colours by ``ColorID``. ``djmdColor.Commnt`` holds the DJ's own word for them, in any language."""

_STARS: Final = {0: 0, 51: 1, 102: 2, 153: 3, 204: 4, 255: 5}
"""Ratings as the XML writes them; tools that mistake the one for the other leave them in the database."""

_SAMPLER_FOLDERS: Final = ("/pioneerdj/sampler/", "/rekordbox/sampler/")
_DAY: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_DRIVE: Final = re.compile(r"[A-Za-z]:[/\\]|\\\\")

_PLACE: Final = {column: VALUES + number for number, column in enumerate(CONTENT.values)}
FOLDER_PATH: Final = _PLACE["FolderPath"]
_BPM, _RATING = _PLACE["BPM"], _PLACE["Rating"]
_RELEASE_YEAR, _RELEASE_DATE = _PLACE["ReleaseYear"], _PLACE["ReleaseDate"]
_STOCK_DATE, _DATE_CREATED, _ANALYSED = _PLACE["StockDate"], _PLACE["DateCreated"], _PLACE["Analysed"]

_TEXTS: Final = tuple(
    (field, _PLACE[column])
    for field, column in (
        (Field.TITLE, "Title"), (Field.COMMENT, "Commnt"), (Field.MIX, "Subtitle"), (Field.ISRC, "ISRC"),
    )
)  # fmt: skip
_INTEGERS: Final = tuple(
    (field, _PLACE[column])
    for field, column in (
        (Field.TRACK_NUMBER, "TrackNo"), (Field.DISC_NUMBER, "DiscNo"), (Field.PLAY_COUNT, "DJPlayCount"),
        (Field.SAMPLE_RATE_HZ, "SampleRate"), (Field.BIT_DEPTH, "BitDepth"), (Field.FILE_SIZE_BYTES, "FileSize"),
    )
)  # fmt: skip
_FLOATS: Final = tuple(
    (field, _PLACE[column]) for field, column in ((Field.BIT_RATE_KBPS, "BitRate"), (Field.DURATION_S, "Length"))
)

Names = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the IDs in a track stand for, ready to be looked up: ``(field, place in the row, values by ID)``."""

    columns: tuple[tuple[Field, int, Names], ...]
    tags: Mapping[str, str]
    """Name of each MyTag by its ID, in the order Rekordbox shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What other tables know about the tracks that are parsed, by ``djmdContent.ID``."""

    lookups: Lookups
    cues: Mapping[str, tuple[Cue, ...]]
    tags: Mapping[str, tuple[str, ...]]
    last_played_s: Mapping[str, float]


def parse_lookups(rows: Mapping[Table, Iterable[Row]]) -> Lookups:
    """Prepare the tables of names.

    Args:
        rows: All rows of each table in `cratehand_bridges.rekordbox.rows.LOOKUPS`.
    """
    artists = _names(rows[ARTIST])
    albums = _names(rows[ALBUM])
    album_artists = {row[ID]: artists[row[VALUES + 1]] for row in live(rows[ALBUM]) if row[VALUES + 1] in artists}
    keys: dict[str, MusicalKey] = {}
    for row in live(rows[KEY]):
        if isinstance(row[VALUES], str) and (key := parse_key(row[VALUES])):
            keys[row[ID]] = key
    tags = sorted(live(rows[MY_TAG]), key=lambda row: (str(row[VALUES + 2] or ""), as_whole(row[VALUES + 1]) or 0))
    return Lookups(
        columns=(
            (Field.ARTIST, _PLACE["ArtistID"], artists),
            (Field.REMIXER, _PLACE["RemixerID"], artists),
            (Field.COMPOSER, _PLACE["ComposerID"], artists),
            (Field.ALBUM, _PLACE["AlbumID"], albums),
            (Field.ALBUM_ARTIST, _PLACE["AlbumID"], album_artists),
            (Field.GENRE, _PLACE["GenreID"], _names(rows[GENRE])),
            (Field.LABEL, _PLACE["LabelID"], _names(rows[LABEL])),
            (Field.COLOUR, _PLACE["ColorID"], {**_names(rows[COLOUR]), **_COLOUR_NAMES}),
            (Field.KEY, _PLACE["KeyID"], keys),
        ),
        tags={row[ID]: row[VALUES] for row in tags if _text(row[VALUES])},
    )


def parse_tags(rows: Iterable[Row], names: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """Return the names of each track's MyTags in Rekordbox's order, from ``djmdSongMyTag`` rows."""
    order = {tag: number for number, tag in enumerate(names)}
    found: dict[str, set[str]] = {}
    for row in live(rows):
        if row[OWNER] and row[VALUES] in names:
            found.setdefault(row[OWNER], set()).add(row[VALUES])
    return {track: tuple(names[tag] for tag in sorted(tags, key=order.__getitem__)) for track, tags in found.items()}


def parse_last_played(rows: Iterable[Row]) -> Mapping[str, float]:
    """Return when each track was last played, seconds since 1970 UTC, from ``djmdSongHistory`` rows."""
    latest: dict[str, str] = {}
    for row in live(rows):
        at = row[VALUES + 2]
        # All are UTC texts of one form, so that the greatest text is the latest time.
        if row[OWNER] and isinstance(at, str) and at > latest.get(row[OWNER], ""):
            latest[row[OWNER]] = at
    times = ((track, parse_time_s(at)) for track, at in latest.items())
    return {track: at_s for track, at_s in times if at_s is not None}


def parse_time_s(text: str) -> float | None:
    """Read ``2026-11-20 15:12:02.374 +00:00``; None where it is no time. A time without a zone is UTC."""
    try:
        at = dt.datetime.fromisoformat(text.strip().replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=dt.UTC)).timestamp()


def parse_tracks(rows: Iterable[Row], around: Surroundings) -> list[CollectionTrack]:
    """Return the live tracks among ``djmdContent`` rows; the samples of Rekordbox's own sampler are left out."""
    return [_track(row, around) for row in live(rows) if not is_sample(row[FOLDER_PATH])]


def is_sample(path: object) -> bool:
    """Whether a ``FolderPath`` is one of the sampler's own files, which live in the same table as the music."""
    if not isinstance(path, str):
        return False
    folded = path.lower()
    return "/sampler/" in folded and any(folder in folded for folder in _SAMPLER_FOLDERS)


def _track(row: Row, around: Surroundings) -> CollectionTrack:
    track = row[ID]
    values: dict[Field, object] = {field: row[place] for field, place in _TEXTS if row[place] and _text(row[place])}
    for field, place, names in around.lookups.columns:
        if (name := names.get(row[place])) is not None:
            values[field] = name
    _add_numbers(row, values)
    if tags := around.tags.get(track):
        values[Field.TAGS] = tags
    if (at_s := around.last_played_s.get(track)) is not None:
        values[Field.LAST_PLAYED] = at_s
    if day := _day(row[_STOCK_DATE]) or _day(row[_DATE_CREATED]):
        values[Field.DATE_ADDED] = day
    return CollectionTrack(
        id=ForeignId(track),
        location=_location(row[FOLDER_PATH]),
        values=values,
        cues=around.cues.get(track, ()),
        grid_locked=row[_ANALYSED] == ANALYSIS_LOCKED,
    )


def _add_numbers(row: Row, values: dict[Field, object]) -> None:
    for field, place in _INTEGERS:
        # 0 is "not known" (or never played) in each of these columns.
        if (number := row[place]) and (number := as_whole(number)) and number > 0:
            values[field] = number
    for field, place in _FLOATS:
        if (number := row[place]) and (real := as_real(number)) and real > 0.0:
            values[field] = real
    if (bpm := row[_BPM]) and (real := as_real(bpm)) and real > 0.0:
        values[Field.TEMPO_BPM] = real / 100.0
    if year := _year(row):
        values[Field.YEAR] = year
    if (rating := row[_RATING]) and (stars := as_stars(rating)):
        values[Field.RATING] = stars


def _location(path: Any) -> str:
    """Return an absolute path as it is stored; streaming services have an address there, which is none."""
    return path if isinstance(path, str) and (path.startswith("/") or _DRIVE.match(path)) else ""


def _year(row: Row) -> int | None:
    year = as_whole(row[_RELEASE_YEAR])
    if not year and isinstance(row[_RELEASE_DATE], str) and (match := _DAY.match(row[_RELEASE_DATE])):
        year = int(match[1])
    return year if year and 1000 <= year <= 9999 else None


def as_stars(rating: Any) -> int | None:
    """Read a rating as 0..5 stars; None where it is none."""
    number = as_whole(rating)
    if number is None:
        return None
    return number if 0 <= number <= 5 else _STARS.get(number)


def _day(text: Any) -> str | None:
    if not text or not isinstance(text, str) or not (match := _DAY.match(text)):
        return None
    return match[0] if len(match[0]) == 10 else f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}"


def _names(rows: Iterable[Row]) -> dict[str, str]:
    return {row[ID]: row[VALUES] for row in live(rows) if _text(row[VALUES])}


def _text(value: Any) -> bool:
    return isinstance(value, str) and bool(value) and not value.isspace()


def as_whole(value: Any) -> int | None:
    """Read a number leniently: foreign tools leave REAL and TEXT in INTEGER columns."""
    if type(value) is int:
        return value
    real = as_real(value)
    return None if real is None else round(real)


def as_real(value: Any) -> float | None:
    """Read a number leniently, as `as_whole`; None where it is none."""
    convert: Callable[[Any], float] = float
    try:
        real = convert(value)
    except (TypeError, ValueError):
        return None
    return real if abs(real) < 1e15 else None
