"""Nearest tracks, and why they are near."""

from cratehand.domain.embedding import DSP_SPACE, EmbeddingSpace
from cratehand.domain.errors import NotFoundError
from cratehand.domain.key import parse_key
from cratehand.domain.search import Match, TrackFilter
from cratehand.domain.stores import Catalogue
from cratehand.domain.track import TrackSummary
from cratehand.usecases.library import resolve


class Similarity:
    """Finds tracks that sound alike."""

    def __init__(self, catalogue: Catalogue, *, space: EmbeddingSpace = DSP_SPACE) -> None:
        self._catalogue = catalogue
        self._space = space

    def similar(self, reference: str, *, limit: int = 20, track_filter: TrackFilter | None = None) -> list[Match]:
        """Return the tracks nearest to one, nearest first, without itself.

        Raises:
            NotFoundError: No such track, or it has not been analysed yet.
        """
        with self._catalogue.reading() as stores:
            track_id = resolve(stores, reference)
            vector = stores.vectors.get(self._space, track_id)
            if vector is None:
                raise NotFoundError(f"track {track_id} has not been analysed yet: `cratehand jobs` shows the queue")
            among = None if track_filter is None else stores.tracks.matching_ids(track_filter)
            near = [
                neighbour
                for neighbour in stores.vectors.nearest(self._space, vector, limit=limit + 1, among=among)
                if neighbour.track_id != track_id
            ][:limit]
            origin = stores.tracks.summary(track_id)
            found = {summary.id: summary for summary in stores.tracks.summaries([n.track_id for n in near])}
        assert origin is not None
        return [
            Match(
                track=found[neighbour.track_id],
                score=max(0.0, 1.0 - neighbour.distance / 2),
                reasons=reasons(origin, found[neighbour.track_id]),
            )
            for neighbour in near
            if neighbour.track_id in found
        ]


def reasons(origin: TrackSummary, other: TrackSummary) -> tuple[str, ...]:
    """Say in words what two tracks share that matters in a mix."""
    found = []
    if origin.tempo_bpm and other.tempo_bpm:
        found.extend(_tempo_reason(origin.tempo_bpm, other.tempo_bpm))
    first, second = parse_key(origin.key or ""), parse_key(other.key or "")
    if first and second and first.camelot_steps(second) <= 1:
        found.append("same key" if first == second else f"keys mix: {first.camelot} and {second.camelot}")
    if origin.energy and other.energy and abs(origin.energy - other.energy) <= 1:
        found.append(f"energy {other.energy}")
    if origin.genre and origin.genre == other.genre:
        found.append(origin.genre)
    return tuple(found)


def _tempo_reason(origin_bpm: float, other_bpm: float) -> list[str]:
    for factor, words in ((1.0, ""), (2.0, " at half time"), (0.5, " at double time")):
        percent = (other_bpm * factor / origin_bpm - 1) * 100
        if abs(percent) <= 6:
            return [f"tempo {percent:+.1f} %{words}"]
    return []
