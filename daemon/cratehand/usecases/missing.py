"""Lost files: tracks whose file is gone, and where it is now, by its sound."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cratehand.domain.fields import Field
from cratehand.domain.file_ports import FileSwapper
from cratehand.domain.ids import PlanId
from cratehand.domain.plan_record import PlanKind, PlanRecord, PlanState, Relocate
from cratehand.domain.ports import Clock
from cratehand.domain.stores import Catalogue, IdSource, Stores
from cratehand.domain.track import Presence, Track
from cratehand.usecases.copy_search import LikelyTrack

_COPY_BER: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingTrack:
    """One lost file."""

    track: Track
    title: str | None
    artist: str | None
    found: Track | None = None
    """The track that lies there now."""
    found_by: str | None = None
    """``digest``: the very same sound; ``fingerprint``: a copy of it."""


class Missing:
    """Finds lost files among the tracks that nobody refers to, and points the lost tracks there."""

    def __init__(
        self,
        catalogue: Catalogue,
        likely: Callable[[str], Sequence[LikelyTrack]],
        *,
        files: FileSwapper,
        clock: Clock,
        new_id: IdSource,
        apply: Callable[[str, str], PlanRecord],
    ) -> None:
        self._catalogue = catalogue
        self._likely = likely
        self._files = files
        self._clock = clock
        self._new_id = new_id
        self._apply = apply

    def list(self) -> "list[MissingTrack]":
        """Return every track whose drive is there and whose file is not."""
        with self._catalogue.reading() as stores:
            ids = [file.track_id for file in stores.tracks.known_files() if file.presence is Presence.MISSING]
            tracks = stores.tracks.many(ids)
            return [self._look(stores, tracks[track_id]) for track_id in ids if track_id in tracks]

    def relocate(self, lost: MissingTrack, *, who: str) -> PlanRecord:
        """Point a lost track at what was found; the track that lay there until now becomes one with it."""
        assert lost.found is not None
        assert lost.found.path is not None
        found = self._files.state(lost.found.path)
        plan = PlanRecord(
            id=PlanId(self._new_id()),
            kind=PlanKind.RELOCATE,
            state=PlanState.OPEN,
            who=who,
            why=f"the file was found again by its {lost.found_by}",
            track_id=lost.track.id,
            created_at_s=self._clock.now_s(),
            steps=(Relocate(track_id=lost.track.id, before=lost.track.path, found=found, absorbs=lost.found.id),),
        )
        with self._catalogue.writing() as stores:
            stores.plans.add(plan)
        return self._apply(plan.id, who)

    def _look(self, stores: Stores, track: Track) -> MissingTrack:
        summary = stores.tracks.summary(track.id)
        title, artist = (summary.title, summary.artist) if summary else (None, None)
        if track.digest is not None:
            same = [other for other in stores.tracks.by_digest(track.digest) if _is_free(stores, other, track)]
            if same:
                return MissingTrack(track=track, found=same[0], found_by="digest", title=title, artist=artist)
        fact = stores.facts.believed([track.id], Field.FINGERPRINT).get(track.id)
        for likely in self._likely(str(fact.value)) if fact else ():
            other = stores.tracks.get(likely.track)
            if likely.ber <= _COPY_BER and other is not None and _is_free(stores, other, track):
                return MissingTrack(track=track, found=other, found_by="fingerprint", title=title, artist=artist)
        return MissingTrack(track=track, title=title, artist=artist)


def _is_free(stores: Stores, other: Track, lost: Track) -> bool:
    """Whether a track is on this device and nobody needs it as a track of its own."""
    return (
        other.id != lost.id
        and other.presence is Presence.PRESENT
        and other.path is not None
        and other.collection_id is None
        and not stores.playlists.names_of(other.id)
    )
