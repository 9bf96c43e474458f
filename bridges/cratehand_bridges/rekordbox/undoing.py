"""A record → the draft that puts its rows back.

Only what the record changed is put back, so that a play count or a rating that changed since stays. Three columns never
go back, since they tell others that something happened: ``rb_local_usn`` and ``updated_at`` get new stamps, and
``CueUpdated`` counts one further. All other columns are afterwards what they were, status columns included.
"""

from typing import Final

from cratehand.domain.collection_edit import EditRecord, RowChange
from cratehand.domain.ids import ForeignId
from cratehand_bridges.rekordbox.draft import MOVING, Draft, moved_on
from cratehand_bridges.rekordbox.edit_content import CONTENT, KEY
from cratehand_bridges.rekordbox.edit_playlists import PLAYLIST, SONG
from cratehand_bridges.rekordbox.parse import as_whole

_USED_BY: Final = {PLAYLIST: (SONG, "PlaylistID", "entries of yours"), KEY: (CONTENT, "KeyID", "other tracks")}
"""Rows that others may have come to lean on."""


def draft_undo(draft: Draft, record: EditRecord) -> None:
    """Bring the rows of a record as they were into the draft; notes what was changed by others since."""
    if record.database_id != draft.database_id:
        draft.conflict("master.db", None, "djmdProperty.DBID", record.database_id, draft.database_id)
        return
    made = [change for change in record.rows if change.before is None]
    for change in record.rows:
        if change.before is None:
            continue
        if change.after is None:
            _bring_back(draft, change)
        else:
            _put_back(draft, change)
    # What leaned on a new row no longer does by now; entries of a new list come before the list.
    for change in reversed(made):
        _take_out(draft, change)


def _put_back(draft: Draft, change: RowChange) -> None:
    assert change.before is not None
    assert change.after is not None
    row = draft.row(change.table, change.row_id)
    if row is None:
        draft.conflict(_who(change), _track_of(change), change.table, "there", "gone")
        return
    ours = [name for name in change.after if change.before[name] != change.after[name]]
    fixed = [name for name in ours if name not in MOVING]
    for name in fixed:
        if row[name] != change.after[name]:
            column = f"{change.table}.{name}"
            draft.conflict(_who(change), _track_of(change), column, _short(change.after[name]), _short(row[name]))
    columns = {name: change.before[name] for name in fixed}
    if "CueUpdated" in ours:
        columns["CueUpdated"] = str((as_whole(row["CueUpdated"]) or 0) + 1)
    draft.set(change.table, change.row_id, **columns, updated_at=moved_on(draft.at_s, row["updated_at"]))


def _bring_back(draft: Draft, change: RowChange) -> None:
    assert change.before is not None
    if draft.row(change.table, change.row_id) is not None:
        draft.conflict(_who(change), _track_of(change), change.table, "gone", "there again")
        return
    stamp = moved_on(draft.at_s, change.before["updated_at"])
    draft.put_back(change.table, change.row_id, {**change.before, "updated_at": stamp})


def _take_out(draft: Draft, change: RowChange) -> None:
    assert change.after is not None
    row = draft.row(change.table, change.row_id)
    if row is None:
        return
    if change.table in _USED_BY:
        table, column, whose = _USED_BY[change.table]
        if any(not user["rb_local_deleted"] for user in draft.rows(table, column, change.row_id)):
            draft.notes.append(f"{row.get('Name') or row.get('ScaleName')} stays in Rekordbox: it has {whose}")
            return
    for name, value in change.after.items():
        if name not in MOVING and row[name] != value:
            column = f"{change.table}.{name}"
            draft.conflict(_who(change), _track_of(change), column, _short(value), _short(row[name]))
    draft.drop(change.table, change.row_id)


def _who(change: RowChange) -> str:
    track = _track_of(change)
    return f"track {track}" if track else f"row {change.row_id} of {change.table}"


def _track_of(change: RowChange) -> ForeignId | None:
    row = change.after or change.before or {}
    track = change.row_id if change.table == CONTENT else row.get("ContentID")
    return ForeignId(track) if isinstance(track, str) else None


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:57] + "..."
