"""Nearest tracks, and why they are near."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from cratehand.domain.embedding import CLAP_SPACE, DNA_SPACE, DSP_SPACE, SOUND_SPACE, EmbeddingSpace, Vector
from cratehand.domain.errors import InvalidInputError, NotFoundError
from cratehand.domain.ids import TrackId
from cratehand.domain.search import Match, TrackFilter
from cratehand.domain.stores import Catalogue, Stores
from cratehand.domain.track import TrackSummary
from cratehand.usecases.library import resolve
from cratehand.usecases.likeness import Likeness, reasons

SPACES: Final[Mapping[str, EmbeddingSpace]] = {
    space.model: space for space in (DNA_SPACE, SOUND_SPACE, DSP_SPACE, CLAP_SPACE)
}
"""What tracks can be compared in, by the model's name, the best first; CLAP is last, since nobody measured it here."""
OWN_KEY: Final = "track"
"""As `TrackFilter.mixes_with`: the key of the track that others are compared with."""
_COVERED: Final = 0.5
"""A space that holds a smaller share of the collection than this is not chosen by itself: it would hide the rest."""


class Similarity:
    """Finds tracks that sound alike."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def similar(
        self, reference: str, *, limit: int = 20, track_filter: TrackFilter | None = None, space: str | None = None
    ) -> list[Match]:
        """Return the tracks nearest to one, nearest first, without itself.

        Args:
            reference: Id, beginning of one, or path of the track.
            limit: At most so many.
            track_filter: Which tracks; `mixes_with` may be `OWN_KEY`.
            space: A name of `SPACES`; None is the best that the track is in and most of the collection too.

        Raises:
            NotFoundError: No such track, or it has not been analysed yet, or not in this space.
            InvalidInputError: No such space, or the track's own key is asked for and not known.
        """
        with self._catalogue.reading() as stores:
            track_id = resolve(stores, reference)
            chosen, vector = _placed(stores, track_id, space)
            origin = stores.tracks.summary(track_id)
            assert origin is not None
            among = None if track_filter is None else stores.tracks.matching_ids(_settled(track_filter, origin))
            near = [
                neighbour
                for neighbour in stores.vectors.nearest(chosen, vector, limit=limit + 1, among=among)
                if neighbour.track_id != track_id
            ][:limit]
            ids = [neighbour.track_id for neighbour in near]
            found = {summary.id: summary for summary in stores.tracks.summaries(ids)}
            likeness = Likeness.between(stores.vectors, track_id, ids)
        return [
            Match(
                track=found[neighbour.track_id],
                score=max(0.0, 1.0 - neighbour.distance / 2),
                reasons=(*reasons(origin, found[neighbour.track_id]), *likeness.reasons(neighbour.track_id)),
                ranking=chosen.model,
            )
            for neighbour in near
            if neighbour.track_id in found
        ]


def _placed(stores: Stores, track_id: TrackId, wanted: str | None) -> tuple[EmbeddingSpace, Vector]:
    if wanted is not None and wanted not in SPACES:
        raise InvalidInputError(f"there is no space {wanted!r}: {', '.join(SPACES)} are there")
    spaces = [SPACES[wanted]] if wanted is not None else list(SPACES.values())
    places = [(space, place) for space in spaces if (place := stores.vectors.get(space, track_id)) is not None]
    if not places:
        where = "" if wanted is None else f" in {wanted}"
        first = "set `[analysis] clap = true`; " if wanted == CLAP_SPACE.model else ""
        raise NotFoundError(
            f"track {track_id} has not been analysed yet{where}: {first}`cratehand jobs` shows the queue"
        )
    if len(places) == 1:
        return places[0]
    counts = [stores.vectors.count(space) for space, _ in places]
    covering = (place for place, count in zip(places, counts, strict=True) if count >= _COVERED * max(counts))
    return next(covering)


def _settled(track_filter: TrackFilter, origin: TrackSummary) -> TrackFilter:
    if track_filter.mixes_with != OWN_KEY:
        return track_filter
    if origin.key is None:
        raise InvalidInputError(f"the key of track {origin.id} is not known: name one, like 8A")
    return replace(track_filter, mixes_with=origin.key)
