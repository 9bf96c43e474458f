"""A list of wishes becomes a playlist of the catalogue, with a word on each that was not found."""

from collections.abc import Sequence
from dataclasses import dataclass

from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.ids import PlaylistId, TrackId
from cratehand.domain.matching import CandidateIndex, WantedTrack, candidate_from, match_all
from cratehand.domain.search import TrackFilter
from cratehand.domain.stores import Catalogue, IdSource


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

    def __init__(self, catalogue: Catalogue, *, new_id: IdSource) -> None:
        self._catalogue = catalogue
        self._new_id = new_id

    def import_list(self, name: str, wanted: Sequence[WantedTrack], *, dry_run: bool = False) -> PlaylistImportReport:
        """Make or replace the imported playlist `name` from the tracks that match, in the order of the list.

        Nothing is written where nothing matches, or in a dry run.
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
                stores.playlists.save(playlist)
        return PlaylistImportReport(playlist_name=name, matched=tuple(matched), missing=tuple(missing))
