"""Questions about tracks: filters, orders, pages."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Row,
    bindparam,
    case,
    cast,
    exists,
    func,
    not_,
    or_,
    select,
)  # fmt: skip

from cratehand.catalogue import schema
from cratehand.catalogue.believed import camelot_order
from cratehand.catalogue.folding import fold
from cratehand.catalogue.keys import chunks, id_of
from cratehand.catalogue.matching import MatchingTracks, select_matching
from cratehand.catalogue.paths import path_of
from cratehand.catalogue.playlist_tree import find_playlists
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.key import MusicalKey, mixable, parse_key
from cratehand.domain.search import Page, SortOrder, TrackFilter, TrackQuery
from cratehand.domain.track import Presence, TrackSummary

_believed = schema.believed.c
_tracks = schema.tracks.c

_ORDERS: Final[dict[SortOrder, ColumnElement[Any]]] = {
    SortOrder.ARTIST: _believed.artist_order,
    SortOrder.TITLE: _believed.title_order,
    SortOrder.TEMPO: _believed.tempo_bpm,
    SortOrder.CAMELOT: _believed.camelot_order,
    SortOrder.ENERGY: _believed.energy,
    SortOrder.DATE_ADDED: _believed.date_added,
    SortOrder.PLAY_COUNT: _believed.play_count,
    SortOrder.RATING: _believed.rating,
}

_SUMMARIES: Final = (
    select(schema.believed, _tracks.path, _tracks.presence, _tracks.analysed_at_s, _tracks.error)
    .join_from(schema.believed, schema.tracks)
    .where(_believed.track.in_(bindparam("tracks", expanding=True)))
)

_FEW: Final = 2000
"""Up to so many matches are fetched and sorted; beyond, walking the index of the order finds a page soon enough."""

_INSTRUMENTAL: Final = 0.5
"""From here a track counts as one without a voice."""

_WORDS: Final = 24
_WORD_LENGTH: Final = 100


def find_page(connection: Connection, query: TrackQuery) -> Page[TrackSummary]:
    """Answer a question; what is not known of the order's field comes last, whichever way the order runs."""
    if query.limit < 0 or query.offset < 0:
        raise InvalidInputError("limit and offset of a page are 0 or more")
    conditions = _conditions(connection, query.filter)
    total, keys = _page(connection, conditions, query)
    end = query.offset + len(keys)
    return Page(items=load_summaries(connection, keys), total=total, next_offset=end if keys and end < total else None)


def find_matching(connection: Connection, track_filter: TrackFilter) -> MatchingTracks:
    """Return all matching tracks, ascending; they are looked for when they are looked at."""
    return MatchingTracks(connection, _conditions(connection, track_filter))


def load_summaries(connection: Connection, keys: Sequence[int]) -> list[TrackSummary]:
    """Load those tracks that exist, in the given order."""
    found: dict[int, TrackSummary] = {}
    for piece in chunks(keys):
        rows = connection.execute(_SUMMARIES, {"tracks": list(piece)})
        found |= {row.track: _summary(row) for row in rows}
    return [found[key] for key in keys if key in found]


def _page(connection: Connection, conditions: list[ColumnElement[bool]], query: TrackQuery) -> tuple[int, list[int]]:
    order = _ORDERS[query.order]
    way = order.desc() if query.descending else order.asc()
    ties = (_believed.title_order, _believed.track)
    if conditions:
        few = connection.scalars(select_matching(conditions).limit(_FEW + 1)).all()
        if len(few) <= _FEW:
            return len(few), _sorted(connection, few, (order.is_(None), way, *ties))[query.offset :][: query.limit]
    total = _count(connection, conditions)
    known = [*conditions, order.is_not(None)]
    window = select_matching(known).order_by(way, *ties).limit(query.limit).offset(query.offset)
    keys = list(connection.scalars(window))
    if len(keys) < query.limit and query.offset + len(keys) < total:
        skipped = max(query.offset - _count(connection, known), 0)
        unknown = select_matching([*conditions, order.is_(None)]).order_by(*ties)
        keys += connection.scalars(unknown.limit(query.limit - len(keys)).offset(skipped))
    return total, keys


def _sorted(connection: Connection, keys: Sequence[int], orders: tuple[ColumnElement[Any], ...]) -> list[int]:
    # One statement, so that the database sorts: a literal list is quicker than binding each key.
    inside = _believed.track.in_([int(key) for key in keys])
    return list(connection.scalars(select(_believed.track).where(inside).order_by(*orders)))


def _count(connection: Connection, conditions: Sequence[ColumnElement[bool]]) -> int:
    matching = select_matching(conditions).subquery()
    return int(connection.execute(select(func.count()).select_from(matching)).scalar_one())


def _conditions(connection: Connection, wanted: TrackFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.tempo_bpm is not None:
        low, high = wanted.tempo_bpm
        octaves = (1.0, 0.5, 2.0) if wanted.tempo_octaves else (1.0,)
        conditions.append(or_(*(_believed.tempo_bpm.between(low * octave, high * octave) for octave in octaves)))
    for column, limits in (
        (_believed.energy, wanted.energy),
        (_believed.year, wanted.year),
    ):
        if limits is not None:
            conditions.append(column.between(*limits))
    if wanted.camelot:
        conditions.append(_believed.camelot_order.in_(sorted(_wheel_places(wanted.camelot))))
    if wanted.mixes_with is not None:
        conditions.append(_believed.camelot_order.in_(sorted(_wheel_places(mixable(_key(wanted.mixes_with))))))
    conditions += _heard(wanted)
    if wanted.genre is not None:
        conditions.append(_believed.genre_folded == fold(wanted.genre))
    if wanted.rating_at_least is not None:
        conditions.append(_believed.rating >= wanted.rating_at_least)
    if wanted.analysed is not None:
        analysed = _tracks.analysed_at_s
        conditions.append(analysed.is_not(None) if wanted.analysed else analysed.is_(None))
    if wanted.playlist is not None:
        entries = schema.playlist_entries.c
        lists = find_playlists(connection, wanted.playlist)
        conditions.append(_believed.track.in_(select(entries.track).where(entries.playlist.in_(lists))))
    conditions += _unwanted(wanted)
    words = fold(wanted.text).split()[:_WORDS]
    conditions += [_believed.search.contains(word[:_WORD_LENGTH], autoescape=True) for word in words]
    return conditions


def _unwanted(wanted: TrackFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.not_genres:
        folded = sorted(fold(name) for name in wanted.not_genres)
        conditions.append(or_(_believed.genre_folded.is_(None), _believed.genre_folded.not_in(folded)))
    texts = [fold(text)[:_WORD_LENGTH] for text in wanted.without_words[:_WORDS]]
    conditions += [not_(_believed.search.contains(text, autoescape=True)) for text in texts if text]
    return conditions


def _heard(wanted: TrackFilter) -> list[ColumnElement[bool]]:
    """Return the conditions on fields that do not stand in `believed`: they look at the facts."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.not_played_since_s is not None:
        conditions.append(not_(_stated(Field.LAST_PLAYED, wanted.not_played_since_s)))
    if wanted.instrumental is not None:
        conditions.append(_stated(Field.INSTRUMENTALNESS, 0.0))
        is_instrumental = _stated(Field.INSTRUMENTALNESS, _INSTRUMENTAL)
        conditions.append(is_instrumental if wanted.instrumental else not_(is_instrumental))
    return conditions


def _stated(field: Field, least: float) -> ColumnElement[bool]:
    """Return the condition that some source states, in its latest word on it, a number of at least so much."""
    facts, said = schema.facts.alias(), schema.provenances.alias()
    newer, after = schema.facts.alias(), schema.provenances.alias()
    taken_back = exists().where(
        newer.c.track == facts.c.track,
        newer.c.field == field.value,
        newer.c.provenance == after.c.provenance,
        after.c.kind == said.c.kind,
        after.c.name == said.c.name,
        after.c.at_s > said.c.at_s,
    )
    # `null` takes back; not every database would forgive the cast.
    number = case((facts.c.value != "null", cast(facts.c.value, Double)))
    return exists().where(
        facts.c.track == _believed.track,
        facts.c.field == field.value,
        facts.c.provenance == said.c.provenance,
        number >= least,
        not_(taken_back),
    )


def _wheel_places(names: Iterable[str]) -> Iterable[int]:
    for name in names:
        yield camelot_order(_key(name).camelot)


def _key(name: str) -> MusicalKey:
    key = parse_key(name)
    if key is None:
        raise InvalidInputError(f"{name!r} is no place on the Camelot wheel: 1A to 12B are")
    return key


def _summary(row: Row[Any]) -> TrackSummary:
    return TrackSummary(
        id=id_of(row.track),
        path=None if row.path is None else path_of(row.path),
        presence=Presence(row.presence),
        title=row.title,
        artist=row.artist,
        album=row.album,
        genre=row.genre,
        label=row.label,
        comment=row.comment,
        year=row.year,
        rating=row.rating,
        colour=row.colour,
        play_count=row.play_count,
        date_added=row.date_added,
        duration_s=row.duration_s,
        tempo_bpm=row.tempo_bpm,
        tempo_confidence=row.tempo_confidence,
        key=row.musical_key,
        camelot=row.camelot,
        key_confidence=row.key_confidence,
        energy=row.energy,
        integrated_lufs=row.integrated_lufs,
        quality_verdict=row.quality_verdict,
        analysed_at_s=row.analysed_at_s,
        error=row.error,
    )
