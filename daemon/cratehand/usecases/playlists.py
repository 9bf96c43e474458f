"""Playlists: look at them, and bring lists of other programs in."""

from collections.abc import Mapping, Sequence

from cratehand.domain.collection import Playlist
from cratehand.domain.ids import PlaylistId
from cratehand.domain.stores import Catalogue
from cratehand.usecases.collection_export import full_name


class Playlists:
    """The playlists of the catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def all(self) -> Sequence[Playlist]:
        """Return every playlist and folder, parents before children."""
        with self._catalogue.reading() as stores:
            return stores.playlists.all()

    def full_names(self) -> Mapping[PlaylistId, str]:
        """Return the name of each playlist with its folders."""
        playlists = self.all()
        by_id = {playlist.id: playlist for playlist in playlists}
        return {playlist.id: full_name(playlist, by_id) for playlist in playlists}
