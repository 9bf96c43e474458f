"""What a producer wants while a set of Ableton Live is open: tracks that go with it, and their stems."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratehand.domain.errors import InvalidInputError, UnavailableError
from cratehand.domain.ids import TrackId
from cratehand.domain.key import TONICS, Mode, MusicalKey, parse_key
from cratehand.domain.search import Match, SortOrder, TrackFilter, TrackQuery
from cratehand.domain.stem import StemFormat, StemOrder
from cratehand.domain.stores import Catalogue, Stores
from cratehand.domain.track import Presence, TrackSummary
from cratehand.usecases.library import resolve
from cratehand.usecases.likeness import reasons
from cratehand.usecases.stem_jobs import named_file
from cratehand.usecases.text_search import TextSearch

_NEAR: Final = 0.06
"""How far a tempo is bent in a mix; turntables reach 8 %, 6 % sounds well."""
_WIDTHS: Final = (0.005, 0.01, 0.02, 0.04, _NEAR)
"""Looked at one after the other, until nothing further off could be among the best."""
_CANDIDATES: Final = 500
_BENT: Final = 0.5
"""What a tempo at the edge of `_NEAR` costs."""
_MOST_ENERGY: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class FindWish:
    """What a device looks for; what is not set asks nothing."""

    text: str = ""
    tempo_bpm: tuple[float, float] | None = None
    key: str = ""
    with_neighbours: bool = False
    """Whether the keys beside it on the Camelot wheel will do."""
    energy_from: int = 1


class LiveSession:
    """Answers what a Live device asks beyond the questions of all clients.

    Args:
        catalogue: The collection.
        text_search: Finds words.
        stems: Folder for stems that a set refers to: they stay there.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        text_search: TextSearch,
        stems: Path,
    ) -> None:
        self._catalogue = catalogue
        self._text_search = text_search
        self._stems = stems

    def find(self, wish: FindWish, *, limit: int) -> list[Match]:
        """Return tracks that hold the words and fit, best first; raises `InvalidInputError` for a key that is none."""
        key = _key(wish.key)
        energy = (wish.energy_from, _MOST_ENERGY) if wish.energy_from > 1 else None
        wanted = TrackFilter(
            tempo_bpm=wish.tempo_bpm,
            camelot=_camelot(key, with_neighbours=wish.with_neighbours) if key else frozenset(),
            energy=energy,
        )
        return self._text_search.search(wish.text, limit=limit, track_filter=wanted)

    def matching(self, tempo_bpm: float | None, key_text: str, *, limit: int) -> list[Match]:
        """Return tracks that mix with a tempo, also at half or double time, and with a key; best first.

        Raises:
            InvalidInputError: Neither is given, or the key is none.
        """
        key = _key(key_text)
        if tempo_bpm is None and key is None:
            raise InvalidInputError("neither the tempo nor the key of the set is known: choose a scale in Live")
        scores: dict[TrackId, float] = {}
        found: dict[TrackId, TrackSummary] = {}
        best: list[TrackId] = []
        with self._catalogue.reading() as stores:
            for width in _WIDTHS if tempo_bpm else (_NEAR,):
                for track in _candidates(stores, tempo_bpm, key, width):
                    found[track.id], scores[track.id] = track, _fit(track, tempo_bpm, key)
                best = heapq.nsmallest(limit, scores, key=lambda track_id: (-scores[track_id], track_id))
                # A tempo further off can't score better than this.
                if len(best) == limit and scores[best[-1]] >= 1 - _BENT * width / _NEAR:
                    break
        of_set = TrackSummary(
            id=TrackId(""), path=None, presence=Presence.MISSING, tempo_bpm=tempo_bpm, key=str(key) if key else None
        )
        return [Match(track=found[each], score=scores[each], reasons=reasons(of_set, found[each])) for each in best]

    def stems_wish(self, reference: str) -> StemOrder:
        """Return the separation that loads into a set: WAVs in a folder of the track's own, which is made.

        Args:
            reference: Id or path of the track.

        Raises:
            NotFoundError: No such track, or its file is not on this computer.
            UnavailableError: The folder can't be made.
        """
        with self._catalogue.reading() as stores:
            track_id = resolve(stores, reference)
            named_file(stores, track_id)
        target = self._stems / track_id
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnavailableError(f"{target} can not be made: {error.strerror or error}") from error
        return StemOrder(path="", out=str(target), format=StemFormat.WAV)


def _key(text: str) -> MusicalKey | None:
    if not text.strip():
        return None
    key = parse_key(text)
    if key is None:
        raise InvalidInputError(f"{text!r} is no key: write it like A minor or 8A")
    return key


def _camelot(key: MusicalKey, *, with_neighbours: bool) -> frozenset[str]:
    if not with_neighbours:
        return frozenset({key.camelot})
    every = (MusicalKey(tonic=tonic, mode=mode) for tonic in range(len(TONICS)) for mode in Mode)
    return frozenset(other.camelot for other in every if key.camelot_steps(other) <= 1)


def _candidates(
    stores: Stores, tempo_bpm: float | None, key: MusicalKey | None, width: float
) -> Iterator[TrackSummary]:
    """Yield tracks in a band around the tempo, its half and its double, in the key, then in its neighbours."""
    keys: list[frozenset[str]] = [frozenset()]
    if key is not None:
        same = _camelot(key, with_neighbours=False)
        keys = [same, _camelot(key, with_neighbours=True) - same]
    for factor in (1.0, 0.5, 2.0) if tempo_bpm else (1.0,):
        bounds = (tempo_bpm * factor * (1 - width), tempo_bpm * factor * (1 + width)) if tempo_bpm else None
        for camelot in keys:
            wanted = TrackFilter(tempo_bpm=bounds, camelot=camelot)
            yield from stores.tracks.query(TrackQuery(filter=wanted, order=SortOrder.TEMPO, limit=_CANDIDATES)).items


def _fit(track: TrackSummary, tempo_bpm: float | None, key: MusicalKey | None) -> float:
    """Return 1 for the very tempo and key, less for a bent tempo, half or double time, or a neighbouring key."""
    score = 1.0
    if tempo_bpm and track.tempo_bpm:
        bent = [(abs(track.tempo_bpm * factor / tempo_bpm - 1), factor) for factor in (1.0, 2.0, 0.5)]
        off, factor = min(bent)
        score -= _BENT * min(off / _NEAR, 1.0) + (0.1 if factor != 1.0 else 0.0)
    if key and track.key is not None and track.key != str(key):
        # What was found is the same key or a neighbour.
        score -= 0.2
    return score
