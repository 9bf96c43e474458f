"""A replaced file and corrected values → columns of ``djmdContent``."""

import re
import unicodedata
from collections import Counter
from math import floor
from typing import Final

from cratehand.domain.collection_edit import CollectionFile, FileReplaced, ObstacleKind, ValueSet
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId
from cratehand.domain.key import MusicalKey, parse_key
from cratehand_bridges.rekordbox.draft import Cell, Draft
from cratehand_bridges.rekordbox.parse import ANALYSIS_LOCKED, as_real, as_stars, as_whole

CONTENT: Final = "djmdContent"
KEY: Final = "djmdKey"

_TEXTS: Final = {Field.COMMENT: "Commnt", Field.TITLE: "Title", Field.MIX: "Subtitle", Field.ISRC: "ISRC"}
_BY_ANALYSIS: Final = frozenset({Field.TEMPO_BPM, Field.KEY})
"""What Rekordbox finds itself, and a DJ may lock."""

_FILE_TYPES: Final = {
    ("mp3", "mp3"): 1, ("aac", "m4a"): 4, ("flac", "flac"): 5, ("alac", "m4a"): 6, ("pcm", "wav"): 11,
    ("pcm", "aiff"): 12,
}  # fmt: skip
"""``FileType`` by codec and container, after pyrekordbox's ``FileType``."""

_LOSSY_BIT_DEPTH: Final = 16
"""What Rekordbox notes for files that have no depth of their own."""


def live_track(draft: Draft, track_id: ForeignId) -> Cell | None:
    """Return the row of a track that is in the collection; notes an obstacle where it is not."""
    row = draft.row(CONTENT, track_id)
    if row is not None and not row["rb_local_deleted"]:
        return row
    draft.refuse(
        ObstacleKind.CONFLICT,
        f"track {track_id} is not in Rekordbox's collection any more; make the plan anew",
        track_id=track_id,
    )
    return None


def name_of(row: Cell) -> str:
    """Return what a message calls a track."""
    return f"track {row['ID']} ({row['Title'] or row['FileNameL'] or 'untitled'})"


def draft_file(draft: Draft, edit: FileReplaced) -> None:
    """Bring a replaced file into the draft. Only what is known of the new file is written."""
    row = live_track(draft, edit.track_id)
    if row is None:
        return
    who, after = name_of(row), edit.after
    if row["ServiceID"]:
        draft.refuse(ObstacleKind.UNSUPPORTED, f"{who} is streamed; it has no file to replace", track_id=edit.track_id)
        return
    file_type = _FILE_TYPES.get((after.codec or "", after.container or ""))
    if file_type is None:
        what = f"{who}: Rekordbox plays no {after.codec} in {after.container}; choose MP3, M4A, FLAC, WAV or AIFF"
        draft.refuse(ObstacleKind.UNSUPPORTED, what, track_id=edit.track_id)
        return
    _compare_file(draft, who, row, edit)
    for other in draft.rows(CONTENT, "FolderPath", after.location):
        if other["ID"] != row["ID"] and not other["rb_local_deleted"]:
            what = f"{who}: {after.location} is {name_of(other)} in Rekordbox already; remove one of them there"
            draft.refuse(ObstacleKind.CONFLICT, what, track_id=edit.track_id, column=f"{CONTENT}.FolderPath")
    columns = _file_columns(after, file_type)
    for copy in ("OrgFolderPath", "rb_LocalFolderPath"):
        # Where Rekordbox keeps the path a second time it goes along; else it means something else.
        if row[copy] and row[copy] == row["FolderPath"]:
            columns[copy] = after.location
    draft.set(CONTENT, edit.track_id, **columns)
    draft.notes.append(
        f"{who}: beat grid and waveform in Rekordbox are still those of the old file; select the track and choose "
        "Analyze Track there"
    )


def _file_columns(file: CollectionFile, file_type: int) -> Cell:
    numbers = {
        "FileSize": file.size_bytes,
        # Rekordbox cuts: 412.5 s are 412 in the real rows we have seen.
        "Length": None if file.duration_s is None else floor(file.duration_s),
        "SampleRate": file.sample_rate_hz,
        "BitRate": None if file.bit_rate_kbps is None else round(file.bit_rate_kbps),
        "BitDepth": file.bit_depth or _LOSSY_BIT_DEPTH,
    }
    known: Cell = {column: value for column, value in numbers.items() if value is not None}
    return {"FolderPath": file.location, "FileNameL": _file_name(file.location), "FileType": file_type, **known}


def _compare_file(draft: Draft, who: str, row: Cell, edit: FileReplaced) -> None:
    before = edit.before
    if not _same_text(row["FolderPath"], before.location):
        draft.conflict(who, edit.track_id, f"{CONTENT}.FolderPath", before.location, row["FolderPath"])
    numbers = (
        ("FileSize", before.size_bytes),
        ("Length", None if before.duration_s is None else floor(before.duration_s)),
        ("SampleRate", before.sample_rate_hz),
    )
    for column, expected in numbers:
        found = as_whole(row[column])
        if expected is not None and found and found != expected:
            draft.conflict(who, edit.track_id, f"{CONTENT}.{column}", expected, found)


def draft_value(draft: Draft, edit: ValueSet) -> None:
    """Bring a corrected value into the draft."""
    row = live_track(draft, edit.track_id)
    if row is None:
        return
    who = name_of(row)
    if edit.field in _BY_ANALYSIS and row["Analysed"] == ANALYSIS_LOCKED:
        what = f"{who}: its analysis is locked in Rekordbox; unlock it there first"
        draft.refuse(ObstacleKind.UNSUPPORTED, what, track_id=edit.track_id, column=f"{CONTENT}.Analysed")
        return
    column = _column_of(edit.field)
    found = _value_of(draft, row, edit.field)
    if found != _comparable(edit.field, edit.before):
        shown = (edit.before, found) if edit.field is not Field.TEMPO_BPM else (_hundredths(edit.before), found)
        draft.conflict(who, edit.track_id, f"{CONTENT}.{column}", *shown)
        return
    if edit.field is Field.KEY:
        draft.set(CONTENT, edit.track_id, KeyID=_key_id(draft, edit.after))
        return
    draft.set(CONTENT, edit.track_id, **{column: _cell_of(edit.field, edit.after)})
    if edit.field is Field.TEMPO_BPM:
        draft.notes.append(f"{who}: the tempo is written, the beat grid is not; set it in Rekordbox's Grid panel")


def _column_of(field: Field) -> str:
    others = {Field.TEMPO_BPM: "BPM", Field.KEY: "KeyID", Field.RATING: "Rating", Field.YEAR: "ReleaseYear"}
    return others.get(field) or _TEXTS[field]


def _value_of(draft: Draft, row: Cell, field: Field) -> object:
    """Return what stands there, as `_comparable` returns what should."""
    cell = row[_column_of(field)]
    if field is Field.KEY:
        key = draft.row(KEY, cell) if isinstance(cell, str) and cell else None
        name = key["ScaleName"] if key else None
        return parse_key(name) if isinstance(name, str) else None
    if field is Field.TEMPO_BPM:
        return round(as_real(cell) or 0.0)
    if field is Field.RATING:
        return as_stars(cell) or 0
    if field is Field.YEAR:
        return as_whole(cell) or 0
    return cell or ""


def _comparable(field: Field, value: object) -> object:
    if field is Field.KEY:
        return value
    if field is Field.TEMPO_BPM:
        return _hundredths(value)
    return value or (0 if field in {Field.RATING, Field.YEAR} else "")


def _cell_of(field: Field, value: object) -> int | str:
    if field is Field.TEMPO_BPM:
        return _hundredths(value)
    if field in {Field.RATING, Field.YEAR}:
        return as_whole(value) or 0
    return str(value or "")


def _hundredths(value: object) -> int:
    return round((as_real(value) or 0.0) * 100)


def _key_id(draft: Draft, key: object) -> str | None:
    """Return the row of a key's name; where no spelling of it is there one is added, in the notation of the others."""
    if not isinstance(key, MusicalKey):
        return None
    rows = [row for row in draft.rows(KEY, "rb_local_deleted", 0) if isinstance(row["ScaleName"], str)]
    for row in rows:
        if parse_key(str(row["ScaleName"])) == key:
            return str(row["ID"])
    notations = Counter(_notation(str(row["ScaleName"])) for row in rows)
    notation = notations.most_common(1)[0][0] if notations else "short"
    row_id = draft.new_id(KEY, bits=32)
    places = [as_whole(row["Seq"]) or 0 for row in rows]
    draft.add(KEY, row_id, ScaleName=str(getattr(key, notation)), Seq=max(places, default=0) + 1)
    return row_id


def _notation(name: str) -> str:
    if re.fullmatch(r"\s*\d+\s*[ABab]\s*", name):
        return "camelot"
    return "open_key" if re.fullmatch(r"\s*\d+\s*[dmDM]\s*", name) else "short"


def _file_name(location: str) -> str:
    # Of either system, whichever this runs on; a POSIX name may hold a backslash.
    return location.rsplit("/", maxsplit=1)[-1] if "/" in location else location.rsplit("\\", maxsplit=1)[-1]


def _same_text(found: object, expected: str) -> bool:
    return isinstance(found, str) and unicodedata.normalize("NFC", found) == unicodedata.normalize("NFC", expected)
