"""Questions about tracks: filters, orders, pages."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, not_, select

from cratehand.catalogue import schema
from cratehand.catalogue.believed import camelot_order
from cratehand.catalogue.filter_rules import Not, OneOf, Rule, Within
from cratehand.catalogue.folding import fold
from cratehand.catalogue.keys import chunks, id_of
from cratehand.catalogue.matching import Conditions, MatchingTracks, select_matching
from cratehand.catalogue.paths import path_of
from cratehand.catalogue.playlist_tree import find_playlists
from cratehand.domain.errors import InvalidInputError
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
    conditions = _conditions(connection, query.filter).all()
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


def _conditions(connection: Connection, wanted: TrackFilter) -> Conditions:
    listed = None
    if wanted.playlist is not None:
        entries = schema.playlist_entries.c
        listed = select(entries.track).where(entries.playlist.in_(find_playlists(connection, wanted.playlist)))
    return Conditions(rules=tuple(_rules(wanted)), listed=listed, others=tuple(_others(wanted)))


def _rules(wanted: TrackFilter) -> Iterator[Rule]:
    if wanted.tempo_bpm is not None:
        low, high = wanted.tempo_bpm
        octaves = (1.0, 0.5, 2.0) if wanted.tempo_octaves else (1.0,)
        yield Within("tempo_bpm", tuple((low * octave, high * octave) for octave in octaves))
    if wanted.camelot:
        yield OneOf("camelot_order", frozenset(_wheel_places(wanted.camelot)))
    if wanted.mixes_with is not None:
        yield OneOf("camelot_order", frozenset(_wheel_places(mixable(_key(wanted.mixes_with)))))
    if wanted.energy is not None:
        yield Within("energy", (wanted.energy,))
    if wanted.year is not None:
        yield Within("year", (wanted.year,))
    if wanted.rating_at_least is not None:
        yield Within("rating", ((wanted.rating_at_least, None),))
    if wanted.genre is not None:
        yield OneOf("genre_folded", frozenset({fold(wanted.genre)}))
    if wanted.not_genres:
        yield Not(OneOf("genre_folded", frozenset(map(fold, wanted.not_genres))))
    if wanted.not_played_since_s is not None:
        yield Not(Within("last_played_s", ((wanted.not_played_since_s, None),)))
    if wanted.instrumental is not None:
        yield Within("instrumentalness", ((0.0, None),))
        is_instrumental = Within("instrumentalness", ((_INSTRUMENTAL, None),))
        yield is_instrumental if wanted.instrumental else Not(is_instrumental)


def _others(wanted: TrackFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.analysed is not None:
        analysed = _tracks.analysed_at_s
        yield analysed.is_not(None) if wanted.analysed else analysed.is_(None)
    for word in fold(wanted.text).split()[:_WORDS]:
        yield _believed.search.contains(word[:_WORD_LENGTH], autoescape=True)
    for text in wanted.without_words[:_WORDS]:
        if folded := fold(text)[:_WORD_LENGTH]:
            yield not_(_believed.search.contains(folded, autoescape=True))


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
