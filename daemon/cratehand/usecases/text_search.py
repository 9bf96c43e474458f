"""Find tracks by words, by what the words say about sound, and by filters that stand among them."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np

from cratehand.domain.embedding import TAG_SPACE, Vector
from cratehand.domain.errors import CratehandError
from cratehand.domain.ids import TrackId
from cratehand.domain.model_ports import TextListener
from cratehand.domain.search import Match, TrackFilter, TrackQuery
from cratehand.domain.search_text import ParsedSearch, parse_search
from cratehand.domain.sound_tags import TAG_NAMES
from cratehand.domain.stores import Catalogue, Stores
from cratehand.domain.track import TrackSummary
from cratehand.usecases.heard_tags import HeardTags
from cratehand.usecases.sound_words import TagWords, together

logger = logging.getLogger(__name__)

WORDS: Final = "words"
FILTERS: Final = "filters"
_BEST_BY_SOUND: Final = 0.6
"""What is only heard ranks behind a title that says it."""
_HEARD: Final = 0.1
_WINDOW: Final = 200
_COVERED: Final = 0.5
_RIGHT: Final = 1.0
"""Cosine distance at a right angle: what points away is no answer."""

Ranked = tuple[TrackId, float, tuple[str, ...]]


class TextSearch:
    """Finds tracks whose texts hold all words, best first, then those that sound like the words.

    Args:
        catalogue: Where to look.
        find_listeners: Finds what knows which sound words mean, the best first, when it is first needed.
    """

    def __init__(
        self, catalogue: Catalogue, *, find_listeners: Callable[[], Sequence[TextListener]] = lambda: (TagWords(),)
    ) -> None:
        self._catalogue = catalogue
        self._find_listeners = find_listeners
        self._heard = HeardTags(TAG_SPACE)
        self._listeners: Sequence[TextListener] | None = None
        self._was_asked = False

    def search(self, text: str, *, limit: int = 20, track_filter: TrackFilter | None = None) -> list[Match]:
        """Return the tracks that fit, each with the ranking that found it.

        First those that hold every word of the text as it stands, the more in title and artist the better. Then, with
        the filters read out of the text (see `parse_search`), those that hold the words that are left; then those that
        sound like them. A filter that is given wins over one that is read.
        """
        given = track_filter or TrackFilter()
        with self._catalogue.reading() as stores:
            matches = _by_words(stores, given, text.split(), limit)
            asked = parse_search(text, genres=stores.tracks.genres())
            wanted = _joined(given, asked.filter)
            if asked.has_filter:
                matches += _by_words(stores, wanted, asked.words, limit)
            if asked.words or asked.unwanted:
                for listener in self._fit_listeners(stores):
                    if len(_first_of_each(matches)) >= limit:
                        break
                    matches += self._by_sound(stores, listener, wanted, asked, limit)
        return _first_of_each(matches)[:limit]

    def rest(self) -> None:
        """Let go of the models where nobody searched by sound since the last call; they are found anew when needed."""
        if not self._was_asked:
            self._listeners = None
        self._was_asked = False

    def _fit_listeners(self, stores: Stores) -> Sequence[TextListener]:
        """Return who is asked, in turn: the best, and others as long as there are tracks that it can not know.

        One in whose space lies less than half of the collection is left out: it would hide the rest.
        """
        self._was_asked = True
        listeners = self._listeners = self._listeners or self._find_listeners()
        counts = [stores.vectors.count(listener.space) for listener in listeners]
        fit = []
        for listener, count in zip(listeners, counts, strict=True):
            if count < _COVERED * max(counts):
                continue
            fit.append(listener)
            if count == max(counts):
                break
        return fit

    def _by_sound(
        self, stores: Stores, listener: TextListener, wanted: TrackFilter, asked: ParsedSearch, limit: int
    ) -> list[Match]:
        listener, place = _heard_as(listener, asked)
        if place is None:
            return []
        among = None if wanted == TrackFilter() else stores.tracks.matching_ids(wanted)
        if listener.space == TAG_SPACE:
            # What points away is no answer.
            heard = self._heard.nearest(stores.vectors, place, among=among, limit=limit)
            ranked: list[Ranked] = [
                (each.track_id, each.cosine, _heard_reasons(each.probabilities, place)) for each in heard
            ]
        else:
            near = stores.vectors.nearest(listener.space, place, limit=limit, among=among)
            ranked = [
                (each.track_id, 1.0 - each.distance / 2, ("sounds like it",)) for each in near if each.distance < _RIGHT
            ]
        summaries = {each.id: each for each in stores.tracks.summaries([track_id for track_id, _, _ in ranked])}
        return [
            Match(track=summaries[track_id], score=_BEST_BY_SOUND * max(0.0, score), reasons=why, ranking=listener.name)
            for track_id, score, why in ranked
            if track_id in summaries
        ]


def _heard_as(listener: TextListener, asked: ParsedSearch) -> tuple[TextListener, Vector | None]:
    try:
        place = listener.place(asked.words, asked.unwanted)
        if place is not None and listener.space == TAG_SPACE and listener.name != TagWords.name:
            # A model of language knows "melancholic" but not what a Rhodes is to a DJ; the table does.
            place = together(place, TagWords().place(asked.words, asked.unwanted))
        return listener, place
    except CratehandError as error:
        # A model that is damaged must not take the search along.
        logger.warning("search goes on without a model of words: %s", error)
        plain = TagWords()
        return plain, plain.place(asked.words, asked.unwanted)


def _by_words(stores: Stores, wanted: TrackFilter, words: Sequence[str], limit: int) -> list[Match]:
    text = " ".join([wanted.text, *words]).strip()
    page = stores.tracks.query(TrackQuery(filter=replace(wanted, text=text), limit=max(limit, _WINDOW)))
    folded = [word.casefold() for word in words]
    matches = [_match(track, folded) for track in page.items]
    return sorted(matches, key=lambda match: -match.score)


def _heard_reasons(probabilities: Vector, asked: Any) -> tuple[str, ...]:
    shares = np.where(asked > 0.0, probabilities, 0.0)
    best = [index for index in np.argsort(-shares)[:3].tolist() if shares[index] >= _HEARD]
    told = ", ".join(f"{TAG_NAMES[index]} {probabilities[index]:.0%}" for index in best)
    return (f"sounds {told}",) if told else ("sounds more like it than the rest",)


def _joined(given: TrackFilter, read: TrackFilter) -> TrackFilter:
    """Return what is given, and of what was read out of the text those conditions that are not."""
    nothing = TrackFilter()
    names = [each.name for each in fields(TrackFilter)]
    unset = {name for name in names if getattr(given, name) == getattr(nothing, name)}
    return replace(given, **{name: getattr(read, name) for name in names if name in unset})


def _first_of_each(matches: Iterable[Match]) -> list[Match]:
    found: dict[TrackId, Match] = {}
    for match in matches:
        found.setdefault(match.track.id, match)
    return list(found.values())


def _match(track: TrackSummary, words: list[str]) -> Match:
    places = {"title": track.title, "artist": track.artist, "album": track.album, "label": track.label}
    places |= {"genre": track.genre, "comment": track.comment}
    hits = {name: sum(word in (text or "").casefold() for word in words) for name, text in places.items()}
    total = max(len(words), 1)
    score = 0.2 + 0.8 * min(1.0, (hits["title"] + hits["artist"]) / total) if words else 1.0
    told = tuple(f"in {name}" for name, count in hits.items() if count)
    otherwise = "in file name" if words else "fits the filters"
    return Match(track=track, score=score, reasons=told or (otherwise,), ranking=WORDS if words else FILTERS)
