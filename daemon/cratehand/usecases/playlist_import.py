"""A list of wishes becomes a playlist of the catalogue, with a word on each that was not found."""

from collections.abc import Sequence
from dataclasses import dataclass

from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.ids import PlaylistId, TrackId
from cratehand.domain.matching import CandidateIndex, WantedTrack, candidate_from, match_all
from cratehand.domain.ports import Clock
from cratehand.domain.search import TrackFilter
from cratehand.domain.stores import Catalogue, IdSource
from cratehand.usecases.plan_playlists import change_playlists


@dataclass(frozen=True, slots=True, kw_only=True)
class NotFound:
    """A wish that no track of the catalogue fulfils."""

    wanted: WantedTrack
    nearest: str | None
    """``Artist - Title`` of the track that came nearest, and why it was not taken; None where none came near."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaylistImportReport:
    """What an import of a list found."""

    playlist_name: str
    matched: tuple[TrackId, ...]
    missing: tuple[NotFound, ...]


class PlaylistImport:
    """Matches lists of other programs against the catalogue."""

    def __init__(self, catalogue: Catalogue, *, clock: Clock, new_id: IdSource) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._new_id = new_id

    def import_list(
        self, name: str, wanted: Sequence[WantedTrack], *, who: str = "somebody", dry_run: bool = False
    ) -> PlaylistImportReport:
        """Make or replace the imported playlist `name` from the tracks that match, in the order of the list.

        Nothing is written where nothing matches, or in a dry run. `History` can undo it.
        """
        with self._catalogue.reading() as stores:
            summaries = stores.tracks.summaries(stores.tracks.matching_ids(TrackFilter()))
            known = {playlist.name: playlist for playlist in stores.playlists.all() if playlist.origin == "import"}
        matched: list[TrackId] = []
        missing: list[NotFound] = []
        index = CandidateIndex(candidate_from(summary) for summary in summaries)
        for result in match_all(wanted, index):
            if result.best is not None:
                matched.append(result.best.id)
            else:
                nearest = f"{result.nearest} ({result.reason})" if result.nearest else None
                missing.append(NotFound(wanted=result.wanted, nearest=nearest))
        if matched and not dry_run:
            playlist = Playlist(
                id=known[name].id if name in known else PlaylistId(self._new_id()),
                name=name,
                kind=PlaylistKind.PLAYLIST,
                entries=tuple(matched),
                origin="import",
            )
            with self._catalogue.writing() as stores:
                why = f"import the list {name}"
                now_s = self._clock.now_s()
                change_playlists(stores, [playlist], plan_id=self._new_id(), who=who, why=why, at_s=now_s)
        return PlaylistImportReport(playlist_name=name, matched=tuple(matched), missing=tuple(missing))
