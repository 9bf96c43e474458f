"""Edits a collection at random, as Rekordbox and as a tool without stamps would, and follows the changes."""

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from cratehand.domain.collection import CollectionChange, CollectionPlaylist, CollectionTrack
from cratehand.domain.ids import ForeignId
from tests.fakes.rekordbox_database import MasterDb


@dataclass
class Follower:
    """What somebody knows who applied every change."""

    tracks: dict[ForeignId, CollectionTrack] = field(default_factory=dict)
    playlists: Sequence[CollectionPlaylist] = ()
    mark: Mapping[str, object] | None = None

    def apply(self, change: CollectionChange) -> None:
        if change.full:
            self.tracks = {}
        self.tracks |= {track.id: track for track in change.tracks}
        for gone in change.deleted_tracks:
            self.tracks.pop(gone, None)
        self.playlists = self.playlists if change.playlists is None else change.playlists
        self.mark = change.mark


def edit(master: MasterDb, luck: random.Random) -> None:
    """Make one random change; one in four is foreign."""
    if luck.random() < 0.25:
        with master.foreign():
            _edit(master, luck)
    else:
        _edit(master, luck)


def _edit(master: MasterDb, luck: random.Random) -> None:
    name = f"n{luck.randrange(6)}"

    def one(table: str) -> str:
        return str(luck.choice(master.connection.execute(f"SELECT ID FROM {table}").fetchall() or [("0",)])[0])

    def some() -> list[str]:
        return [one("djmdContent") for _ in range(luck.randrange(4))]

    at = dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(minutes=luck.randrange(10**5))
    kinds: list[Callable[[], object]] = [
        lambda: master.add_track(name, artist=name, album=name, album_artist=name, genre=name, key="Am", tags=(name,)),
        lambda: master.change_track(one("djmdContent"), Rating=luck.randrange(6)),
        lambda: master.change_track(one("djmdContent"), ArtistID=one("djmdArtist"), AlbumID=one("djmdAlbum")),
        lambda: master.delete_track(one("djmdContent"), soft=luck.random() < 0.5),
        lambda: master.add_cue(one("djmdContent"), luck.random() * 100, pad=luck.choice((None, 0, 5))),
        lambda: master.delete("djmdCue", one("djmdCue")),
        lambda: master.update("djmdArtist", one("djmdArtist"), Name=f"new {luck.random()}"),
        lambda: master.delete("djmdAlbum", one("djmdAlbum")),
        lambda: master.update("djmdMyTag", one("djmdMyTag"), Name=f"new {luck.random()}"),
        lambda: master.delete("djmdSongMyTag", one("djmdSongMyTag")),
        lambda: master.add_playlist(name, some()),
        lambda: master.set_entries(one("djmdPlaylist"), some()),
        lambda: master.delete("djmdPlaylist", one("djmdPlaylist")),
        lambda: master.add_history(name, [(one("djmdContent"), at)]),
    ]
    luck.choice(kinds)()
