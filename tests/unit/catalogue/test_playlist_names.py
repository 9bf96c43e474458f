"""The names of the playlists that a track is on."""

import random

from cratehand.catalogue import SqliteCatalogue
from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.ids import PlaylistId
from tests.unit.catalogue.building import a_track, track_id


def _list(number: int, parent: int | None, *tracks: int) -> Playlist:
    return Playlist(
        id=PlaylistId(f"list {number}"),
        name=f"N{number % 5}",
        kind=PlaylistKind.PLAYLIST if tracks else PlaylistKind.FOLDER,
        parent_id=None if parent is None else PlaylistId(f"list {parent}"),
        position=number % 3,
        entries=tuple(map(track_id, tracks)),
    )


def test_they_are_those_that_the_whole_tree_gives_in_its_order(catalogue: SqliteCatalogue) -> None:
    luck = random.Random(3)
    with catalogue.writing() as stores:
        stores.tracks.add([a_track(number) for number in range(6)])
        for number in range(60):
            parent = luck.choice([None, *range(number)])
            stores.playlists.save(_list(number, parent, *luck.sample(range(5), number % 4)))
    with catalogue.reading() as stores:
        everything = stores.playlists.all()
        by_id = {playlist.id: playlist for playlist in everything}

        def full_name(playlist: Playlist) -> str:
            above = by_id.get(playlist.parent_id) if playlist.parent_id else None
            return playlist.name if above is None else f"{full_name(above)}/{playlist.name}"

        for number in range(6):
            expected = [full_name(playlist) for playlist in everything if track_id(number) in playlist.entries]
            assert stores.playlists.names_of(track_id(number)) == expected
        assert stores.playlists.names_of(track_id(5)) == []
