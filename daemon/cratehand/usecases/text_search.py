"""Find tracks by words and filters."""

from dataclasses import replace

from cratehand.domain.search import Match, TrackFilter, TrackQuery
from cratehand.domain.stores import Catalogue
from cratehand.domain.track import TrackSummary


class TextSearch:
    """Finds tracks whose texts hold all words, best first."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def search(self, text: str, *, limit: int = 20, track_filter: TrackFilter | None = None) -> list[Match]:
        """Return the tracks that hold every word of `text` and fit the filter.

        The score tells where the words stand: in title and artist more than elsewhere.
        """
        wanted = replace(track_filter or TrackFilter(), text=text)
        with self._catalogue.reading() as stores:
            page = stores.tracks.query(TrackQuery(filter=wanted, limit=max(limit, 200)))
        matches = [_match(track, text.casefold().split()) for track in page.items]
        return sorted(matches, key=lambda match: -match.score)[:limit]


def _match(track: TrackSummary, words: list[str]) -> Match:
    places = {"title": track.title, "artist": track.artist, "album": track.album, "label": track.label}
    places |= {"genre": track.genre, "comment": track.comment}
    hits = {name: sum(word in (text or "").casefold() for word in words) for name, text in places.items()}
    total = max(len(words), 1)
    score = 0.2 + 0.8 * min(1.0, (hits["title"] + hits["artist"]) / total) if words else 1.0
    return Match(
        track=track, score=score, reasons=tuple(f"in {name}" for name, count in hits.items() if count), ranking="words"
    )
