"""Changed cues → ``djmdCue``, its second copy ``contentCue``, and ``djmdContent.CueUpdated``.

``InFrame`` is ``floor(InMsec · 150 / 1000)``, a loop has ``OutMsec`` above 0 and ``BeatLoopSize`` of 65536 · beats + 1,
a point has -1; the copy is a JSON list of the rows without what is NULL and without their status. All as in real rows
of a Rekordbox 6 database. ``djmdCue`` rows carry no ``rb_local_usn`` there.
"""

import json
from collections.abc import Mapping
from typing import Final

from cratehand.domain.collection_edit import BitRateMode, CuesSet, ObstacleKind
from cratehand.domain.cue import Cue, CueKind
from cratehand_bridges.rekordbox.cues import KINDS, MEMORY_COLOURS, PAD_COLOURS, parse_cues
from cratehand_bridges.rekordbox.draft import Cell, Draft, moved_on
from cratehand_bridges.rekordbox.edit_content import CONTENT, live_track, name_of
from cratehand_bridges.rekordbox.parse import as_real, as_whole
from cratehand_bridges.rekordbox.rows import CUE as CUE_TABLE

CUE: Final = "djmdCue"
CONTENT_CUE: Final = "contentCue"

_SEEK: Final = ("InMpegFrame", "InMpegAbs", "OutMpegFrame", "OutMpegAbs", "InPointSeekInfo", "OutPointSeekInfo")
"""Places in the stream of a file of variable bit rate; only Rekordbox can compute them."""

_NOT_IN_COPY: Final = frozenset(
    {"rb_data_status", "rb_local_data_status", "rb_local_deleted", "rb_local_synced", "usn", "rb_local_usn"}
)
_MEMORY_LOOP: Final = 4
_PAD_COLOUR: Final = 255
"""``Color`` of a cue on a pad, whose colour stands in ``ColorTableIndex``."""


def draft_cues(draft: Draft, edit: CuesSet) -> None:
    """Bring moved and new cues of one track into the draft."""
    track = live_track(draft, edit.track_id)
    if track is None:
        return
    who = name_of(track)
    if edit.bit_rate_mode is BitRateMode.VARIABLE:
        what = (
            f"{who}: cues of a file with a variable bit rate are found by places in its stream, which only Rekordbox "
            "computes; set them there"
        )
        draft.refuse(ObstacleKind.UNSUPPORTED, what, track_id=edit.track_id)
        return
    rows = {str(row["ID"]): row for row in draft.rows(CUE, "ContentID", edit.track_id) if not row["rb_local_deleted"]}
    if not _is_as_planned(draft, who, edit, rows) or not _can_be_written(draft, who, edit, rows):
        return
    before = {cue.foreign_id: cue for cue in edit.before}
    changed = False
    for cue in edit.after:
        if cue.foreign_id is None:
            _add_cue(draft, track, cue)
        elif columns := _moved_columns(rows[cue.foreign_id], before[cue.foreign_id], cue):
            # The copy of the cues holds this time too, so it can't wait until the rows are stamped.
            stamp = moved_on(draft.at_s, rows[cue.foreign_id]["updated_at"])
            draft.set(CUE, cue.foreign_id, **columns, updated_at=stamp)
        else:
            continue
        changed = True
    if changed:
        _renew_copy(draft, track)
        draft.set(CONTENT, edit.track_id, CueUpdated=str((as_whole(track["CueUpdated"]) or 0) + 1))


def _is_as_planned(draft: Draft, who: str, edit: CuesSet, rows: Mapping[str, Cell]) -> bool:
    """Compare what is there with what the plan says was there."""
    found = {cue.foreign_id: cue for cue in parse_cues(_as_tuple(row) for row in rows.values()).get(edit.track_id, ())}
    expected = {cue.foreign_id: cue for cue in edit.before}
    same = True
    for cue_id in sorted({*found, *expected}, key=str):
        here, planned = found.get(cue_id), expected.get(cue_id)
        if here is None or planned is None or _looks(here) != _looks(planned):
            draft.conflict(f"{who}, cue {cue_id}", edit.track_id, CUE, _words(planned), _words(here))
            same = False
    return same


def _can_be_written(draft: Draft, who: str, edit: CuesSet, rows: Mapping[str, Cell]) -> bool:
    count = len(draft.obstacles)

    def refuse(what: str) -> None:
        draft.refuse(ObstacleKind.UNSUPPORTED, f"{who}: {what}", track_id=edit.track_id)

    known = {cue.foreign_id for cue in edit.before}
    for cue_id, row in rows.items():
        in_ms = as_whole(row["InMsec"])
        if cue_id not in known and in_ms is not None and in_ms >= 0:
            refuse(f"cue {cue_id} is of a kind that is not known (Kind {row['Kind']}); change it in Rekordbox")
        if any(row[column] not in (None, 0, "", "0") for column in _SEEK):
            refuse(f"cue {cue_id} holds places in a stream of variable bit rate; change it in Rekordbox")
        if row["CueMicrosec"]:
            refuse(f"cue {cue_id} holds microseconds in a way that is not known; change it in Rekordbox")
    pads = [cue.pad for cue in edit.after if cue.pad is not None]
    for pad in sorted({pad for pad in pads if pads.count(pad) > 1}):
        refuse(f"pad {chr(65 + pad)} is taken by another cue; choose a free one")
    for cue in edit.after:
        if cue.kind not in {CueKind.HOT, CueKind.MEMORY} or (cue.kind is CueKind.HOT) != (cue.pad in KINDS):
            refuse(f"a cue is on a pad A..P or a memory cue, not {cue.kind} on {cue.pad}")
        if cue.start_s < 0.0 or (cue.end_s is not None and _ms(cue.end_s) <= _ms(cue.start_s)):
            refuse(f"a cue can not be at {cue.start_s:.3f} s; it lies outside of the new file")
    return len(draft.obstacles) == count


def _moved_columns(row: Cell, before: Cue, after: Cue) -> Cell:
    """Return the columns that differ; what did not change stays as it was, to the last bit."""
    columns: Cell = {}
    if _ms(before.start_s) != _ms(after.start_s):
        columns |= {"InMsec": _ms(after.start_s), "InFrame": frames_150(_ms(after.start_s))}
    columns |= _end_columns(after) if _end_columns(before) != _end_columns(after) else {}
    # A shift by parts of a millisecond rounds the two ends of a loop apart; it is as many beats as before.
    if abs(_length_ms(before) - _length_ms(after)) > 1:
        columns |= {"BeatLoopSize": None}
    if before.pad != after.pad:
        columns |= {"Kind": _kind(after, as_whole(row["Kind"]))}
    if before.label != after.label:
        columns |= {"Comment": after.label or None}
    if before.colour != after.colour:
        columns |= _colour_columns(after)
    if before.active_loop != after.active_loop:
        columns |= {"ActiveLoop": int(after.active_loop)}
    return {name: value for name, value in columns.items() if row[name] != value}


def _add_cue(draft: Draft, track: Cell, cue: Cue) -> None:
    row_id = draft.new_id(CUE, bits=32)
    columns: Cell = {
        "ContentID": track["ID"], "InMsec": _ms(cue.start_s), "InFrame": frames_150(_ms(cue.start_s)),
        "InMpegFrame": 0, "InMpegAbs": 0, "OutMpegFrame": 0, "OutMpegAbs": 0, "Kind": _kind(cue, None),
        "Comment": cue.label or None, "ContentUUID": track["UUID"], **_end_columns(cue), **_colour_columns(cue),
    }  # fmt: skip
    if cue.is_loop:
        columns |= {"ActiveLoop": int(cue.active_loop), "BeatLoopSize": beat_loop_size(cue, as_real(track["BPM"]))}
    draft.add(CUE, row_id, **columns)


def _renew_copy(draft: Draft, track: Cell) -> None:
    """Write ``contentCue`` anew: one row a track, named by the track's UUID."""
    track_id = str(track["ID"])
    cues = [row for row in draft.rows(CUE, "ContentID", track_id) if not row["rb_local_deleted"]]
    columns: Cell = {"Cues": cues_copy(cues)}
    copies = [row for row in draft.rows(CONTENT_CUE, "ContentID", track_id) if not row["rb_local_deleted"]]
    if copies:
        if copies[0]["rb_cue_count"] is not None:
            columns["rb_cue_count"] = len(cues)
        draft.set(CONTENT_CUE, str(copies[0]["ID"]), **columns)
        return
    row_id = str(track["UUID"] or draft.new_uuid())
    draft.add(CONTENT_CUE, row_id, ContentID=track_id, **columns)


def cues_copy(rows: list[Cell]) -> str:
    """Return the text of ``contentCue.Cues`` for the rows of a track."""
    copies = []
    for row in rows:
        copy = {name: value for name, value in row.items() if value is not None and name not in _NOT_IN_COPY}
        for name in ("created_at", "updated_at"):
            # 2021-01-27 11:51:21.205 +00:00 is written 2021-01-27T11:51:21.205+00:00 here.
            copy[name] = str(copy[name]).replace(" ", "T", 1).replace(" ", "")
        copies.append(copy)
    return json.dumps(copies, ensure_ascii=False, separators=(",", ":"))


def frames_150(ms: int) -> int:
    """Return a time in frames of 1/150 s, as ``InFrame`` and ``OutFrame`` hold it."""
    return ms * 150 // 1000


def beat_loop_size(cue: Cue, bpm_hundredths: float | None) -> int | None:
    """Return ``BeatLoopSize`` of a loop over whole beats; None for any other."""
    if cue.end_s is None or not bpm_hundredths:
        return None
    beats = (cue.end_s - cue.start_s) * bpm_hundredths / 6000.0
    return 65536 * round(beats) + 1 if round(beats) >= 1 and abs(beats - round(beats)) < 0.02 else None


def _end_columns(cue: Cue) -> Cell:
    if cue.end_s is None:
        return {"OutMsec": -1, "OutFrame": 0}
    return {"OutMsec": _ms(cue.end_s), "OutFrame": frames_150(_ms(cue.end_s))}


def _kind(cue: Cue, old: int | None) -> int:
    if cue.pad is not None:
        return int(KINDS[cue.pad])
    return _MEMORY_LOOP if old == _MEMORY_LOOP else 0


def _colour_columns(cue: Cue) -> Cell:
    if cue.pad is None:
        return {"Color": MEMORY_COLOURS.index(cue.colour) + 1 if cue.colour in MEMORY_COLOURS else -1}
    index = PAD_COLOURS.index(cue.colour) + 1 if cue.colour in PAD_COLOURS else None
    return {"Color": _PAD_COLOUR, "ColorTableIndex": index}


def _as_tuple(row: Cell) -> tuple[object, ...]:
    """Return a row as the reader takes it, see `cratehand_bridges.rekordbox.rows`."""
    names = ("ID", "rb_local_usn", "rb_local_deleted", "ContentID", *CUE_TABLE.values)
    return tuple(row[name] for name in names)


def _ms(time_s: float) -> int:
    return round(time_s * 1000.0)


def _length_ms(cue: Cue) -> int:
    return 0 if cue.end_s is None else _ms(cue.end_s) - _ms(cue.start_s)


def _looks(cue: Cue) -> tuple[object, ...]:
    end_ms = None if cue.end_s is None else _ms(cue.end_s)
    return cue.kind, cue.pad, _ms(cue.start_s), end_ms, cue.label, cue.colour, cue.active_loop


def _words(cue: Cue | None) -> str:
    if cue is None:
        return "no cue"
    place = "memory cue" if cue.pad is None else f"pad {chr(65 + cue.pad)}"
    until = "" if cue.end_s is None else f" to {cue.end_s:.3f} s"
    return f"{place} at {cue.start_s:.3f} s{until}" + (f" '{cue.label}'" if cue.label else "")
