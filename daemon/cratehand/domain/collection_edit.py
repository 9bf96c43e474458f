"""What may be changed in a DJ program's own collection, and the record of what was changed.

An edit names a track by the collection's own id and says what stood there when the plan was made: where something else
stands there by now, nothing is written. A record holds the rows before and after, enough to undo them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cratehand.domain.cue import Cue
from cratehand.domain.errors import InvalidInputError
from cratehand.domain.fields import Field
from cratehand.domain.ids import ForeignId

UPGRADED_PLAYLIST: Final = "cratehand upgraded"
"""The playlist that upgraded tracks are put on."""

EDITABLE_FIELDS: Final = frozenset(
    {Field.TEMPO_BPM, Field.KEY, Field.COMMENT, Field.RATING, Field.TITLE, Field.MIX, Field.YEAR, Field.ISRC}
)
"""What `ValueSet` can set."""


class BitRateMode(StrEnum):
    """How a file is coded over time; decides whether a cue can be found by its time alone."""

    LOSSLESS = "lossless"
    CONSTANT = "constant"
    VARIABLE = "variable"
    """VBR or ABR, AAC, or not known: Rekordbox then finds a cue by a place in the stream that only it computes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionFile:
    """An audio file as a collection describes it; None is not known, and in a `before` not compared."""

    location: str
    """Absolute path in the notation of the machine that the collection lives on."""
    codec: str | None = None
    """As `cratehand.domain.audio.AudioFormat.codec`: ``mp3 flac pcm aac alac``."""
    container: str | None = None
    """As `AudioFormat.container`: ``mp3 flac wav aiff m4a``."""
    size_bytes: int | None = None
    duration_s: float | None = None
    sample_rate_hz: int | None = None
    bit_depth: int | None = None
    bit_rate_kbps: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReplaced:
    """The track is another file from now on, with the same id, lists, rating and history."""

    track_id: ForeignId
    before: CollectionFile
    after: CollectionFile


@dataclass(frozen=True, slots=True, kw_only=True)
class CuesSet:
    """The cues of a track change. Cues are the same where `Cue.foreign_id` is.

    Every cue of `before` is in `after`: none of the DJ's cues is ever removed. A cue of `after` without a
    `foreign_id` is new; the pad it goes to has to be free.
    """

    track_id: ForeignId
    before: tuple[Cue, ...]
    """All cues of the track, as the collection stated them."""
    after: tuple[Cue, ...]
    bit_rate_mode: BitRateMode
    """Of the file that the cues are in after all edits of this change."""

    def __post_init__(self) -> None:
        known = [cue.foreign_id for cue in self.before]
        if None in known or len(set(known)) != len(known):
            raise InvalidInputError(f"track {self.track_id}: each cue that is there has an id of its own")
        kept = [cue.foreign_id for cue in self.after if cue.foreign_id is not None]
        if len(set(kept)) != len(kept):
            raise InvalidInputError(f"track {self.track_id}: a cue stands twice: {sorted(kept)}")
        if strange := set(kept) - set(known):
            raise InvalidInputError(f"track {self.track_id}: a cue was not there before: {sorted(strange)}")
        if lost := set(known) - set(kept):
            raise InvalidInputError(
                f"track {self.track_id}: cues of the DJ are never removed: {sorted(map(str, lost))}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSet:
    """One value of a track is corrected; both as in `cratehand.domain.fact_values`, None where it is absent."""

    track_id: ForeignId
    field: Field
    before: object
    after: object

    def __post_init__(self) -> None:
        if self.field not in EDITABLE_FIELDS:
            raise InvalidInputError(
                f"{self.field} is not written into a collection; {', '.join(sorted(EDITABLE_FIELDS))}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaylistExtended:
    """Tracks are appended to a playlist of the top level, those that are on it already excepted; made where missing."""

    name: str
    tracks: tuple[ForeignId, ...]


CollectionEdit = FileReplaced | CuesSet | ValueSet | PlaylistExtended


class ObstacleKind(StrEnum):
    """What can be done about an obstacle."""

    RUNNING = "running"
    """The program (or its agent) runs: wait until it has been closed."""
    LOCKED = "locked"
    """Another program holds the database: try again."""
    CONFLICT = "conflict"
    """Something else stands there by now: make the plan anew."""
    UNSUPPORTED = "unsupported"
    """This build does not know the schema, or can not write this kind of edit."""
    UNREADABLE = "unreadable"
    """The database is not there, not readable, not writable, or damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditObstacle:
    """One reason why edits can't be applied now."""

    kind: ObstacleKind
    what: str
    """One line: what, where, what to do."""
    track_id: ForeignId | None = None
    column: str = ""
    """``table.column`` where something else is found, empty otherwise."""
    expected: str = ""
    found: str = ""


CellValue = None | int | float | str | Mapping[str, str]
"""A value of a row; bytes are ``{"hex": "..."}``, so that all of it is JSON."""

Cells = Mapping[str, CellValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One row of the database, all its columns; None where there was no such row."""

    table: str
    row_id: str
    before: Cells | None
    after: Cells | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRecord:
    """What one `CollectionEditor.apply` or `undo` wrote."""

    at_s: float
    """Wall time, seconds since 1970 UTC."""
    database: str
    """Path of the database."""
    database_id: str
    schema: str
    """Fingerprint of the schema it was written with."""
    rows: tuple[RowChange, ...]
    """In the order they were written."""
    playlist_ids: tuple[str, ...] = ()
    """Playlists that were added to (or, by an undo, taken from) the file of playlists beside the database."""
    change_id: str = ""
    """The caller's name for the change, else one of ours."""
    backup: str = ""
    """Path of the database as it was before."""
    restore_command: str = ""
    """What to run, with the DJ program closed, to put that back."""
    notes: tuple[str, ...] = field(default=())
    """What the DJ still has to do in the program, e.g. to analyse a track anew; one line each."""
