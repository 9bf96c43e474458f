"""A playlist and its entries → ``djmdPlaylist`` and ``djmdSongPlaylist``, as pyrekordbox makes them."""

from typing import Final

from cratehand.domain.collection_edit import ObstacleKind, PlaylistExtended
from cratehand_bridges.rekordbox.draft import Cell, Draft, moved_on
from cratehand_bridges.rekordbox.edit_content import live_track
from cratehand_bridges.rekordbox.parse import as_whole

PLAYLIST: Final = "djmdPlaylist"
SONG: Final = "djmdSongPlaylist"

_ROOT: Final = "root"
_PLAIN: Final = 0
"""``Attribute`` of a list that is neither a folder nor smart."""


def draft_playlist(draft: Draft, edit: PlaylistExtended) -> None:
    """Bring entries at the end of a playlist of the top level into the draft; a missing one becomes the last there."""
    if not edit.name.strip():
        draft.refuse(ObstacleKind.UNSUPPORTED, "a playlist has a name")
        return
    wanted = [track for track in dict.fromkeys(edit.tracks) if live_track(draft, track) is not None]
    if len(wanted) < len(set(edit.tracks)):
        return
    level = [row for row in draft.rows(PLAYLIST, "ParentID", _ROOT) if not row["rb_local_deleted"]]
    same = [row for row in level if row["Name"] == edit.name and row["Attribute"] == _PLAIN and not row["SmartList"]]
    if same:
        playlist = str(min(same, key=_place)["ID"])
    else:
        playlist = draft.new_id(PLAYLIST, bits=28)
        place = max((_place(row) for row in level), default=0) + 1
        draft.add(PLAYLIST, playlist, Name=edit.name, Seq=place, Attribute=_PLAIN, ParentID=_ROOT)
    entries = [row for row in draft.rows(SONG, "PlaylistID", playlist) if not row["rb_local_deleted"]]
    on_it = {row["ContentID"] for row in entries}
    last = max((as_whole(row["TrackNo"]) or 0 for row in entries), default=0)
    new = [track for track in wanted if track not in on_it]
    for number, track in enumerate(new, last + 1):
        draft.add(SONG, draft.new_uuid(), PlaylistID=playlist, ContentID=track, TrackNo=number)
    if new and same:
        # Rekordbox notes the time of the last change beside the database too, where it is compared.
        found = draft.row(PLAYLIST, playlist)
        assert found is not None
        draft.set(PLAYLIST, playlist, updated_at=moved_on(draft.at_s, found["updated_at"]))


def _place(row: Cell) -> int:
    return as_whole(row["Seq"]) or 0
