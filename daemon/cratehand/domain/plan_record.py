"""Plans that last: proposed, shown, applied once, undone from their record.

::

    open → applying → applied → undoing → undone
      │        └→ open (it could not be done now; `error` says why)
      ├→ stale      a file is no longer what the plan was made for
      └→ refused    a person does not want it

A crash leaves `applying` or `undoing`; the next start brings them to one of their ends (`cratehand.usecases.history`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.ids import ContentDigest, PlanId, PlaylistId, TrackId
from cratehand.domain.plan import Change, Plan
from cratehand.domain.track import FileStamp

REKORDBOX_KEY: Final = "rekordbox"
"""Where in a record stands what Rekordbox's own database was, or is to be, told: `cratehand.usecases.plan_writes`."""


class PlanKind(StrEnum):
    """What a plan is about."""

    UPGRADE = "upgrade"
    """A better file of the same recording takes the place of a track's file."""
    TAGS = "tags"
    """Tags written into a file."""
    RELOCATE = "relocate"
    """A track whose file was lost points at where the file is now."""
    REPAIR = "repair"
    """Tempo, grid, key or cues of a track that Rekordbox has are set right there."""
    REKORDBOX = "rekordbox"
    """Rekordbox is told of what happened to a file."""
    PLAYLIST = "playlist"
    """Playlists and folders of the catalogue were made, renamed, filled anew or removed."""
    CORRECTION = "correction"
    """A person's word on a track."""


class PlanState(StrEnum):
    """Where in its life a plan is."""

    OPEN = "open"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"
    REFUSED = "refused"
    FAILED = "failed"
    STALE = "stale"

    @property
    def is_busy(self) -> bool:
        """Whether somebody works on it, or died of that."""
        return self in {PlanState.APPLYING, PlanState.UNDOING}


class Phase(StrEnum):
    """How far the work on a plan came: the write-ahead line of the journal."""

    NOTHING = "nothing"
    PREPARING = "preparing"
    """Copies are being made beside what is there; nothing that was there has changed."""
    PREPARED = "prepared"
    """All copies are on the disk; the next rename is the point of no return."""
    SWITCHED = "switched"
    """Files and catalogue are the new ones; what is left is to clear away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A file as a plan knows it: any difference means that the plan is no longer about this file."""

    path: Path
    stamp: FileStamp
    digest: ContentDigest
    """Of its sound."""

    def is_same(self, stamp: FileStamp) -> bool:
        """Whether a stamp is that of this file untouched; change time and inode may differ after a copy back."""
        return (stamp.size_bytes, stamp.mtime_ns) == (self.stamp.size_bytes, self.stamp.mtime_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapFile:
    """A file takes the place of another; the one that was there goes to the trash.

    Without `landed` the new file is a copy of the current one with other tags.
    """

    current: FileState
    target: Path
    """Where the new file will be: the name of the current one, with the ending of the landed one."""
    landed: FileState | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags to be written, field to text; an empty text takes the tag out."""
    merges_tags: bool = False
    """Whether the tags and the cover of the current file go into the new one."""
    cover: Path | None = None
    """A picture to be put in as the cover."""

    @property
    def paths(self) -> frozenset[Path]:
        """All places that the step touches."""
        return frozenset({self.current.path, self.target, *([self.landed.path] if self.landed else [])})

    def changes(self) -> list[Change]:
        """Say it in words."""
        said = []
        if self.landed is not None:
            said.append(Change(what="replace file", where=str(self.target), before=str(self.current.path),
                               after=str(self.landed.path)))  # fmt: skip
            said.append(Change(what="move to trash", where=str(self.current.path)))
            if self.merges_tags:
                said.append(Change(what="merge tags and cover", where=str(self.target), before=str(self.current.path)))
        said += [
            Change(what=f"write tag {name}", where=str(self.target), after=text) for name, text in self.tags.items()
        ]
        if self.cover is not None:
            said.append(Change(what="write cover", where=str(self.target), after=str(self.cover)))
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class CarryOver:
    """The catalogue points at the new file; everything that has a place in time moves along."""

    track_id: TrackId
    path: Path
    offset_s: float = 0.0
    """Added to every cue, loop, anchor and section."""
    same_sound: bool = False
    """Only tags differ: nothing moves, nothing is measured anew."""
    absorbs: TrackId | None = None
    """The track that the landed file was until now."""

    def changes(self) -> list[Change]:
        """Say it in words."""
        if self.same_sound:
            return [Change(what="read tags anew", where=str(self.path))]
        said = [
            Change(what="point track at new file", where=self.track_id, after=str(self.path)),
            Change(
                what="shift cues, loops, grid and sections", where=self.track_id, after=f"{self.offset_s * 1e3:+.2f} ms"
            ),
            Change(what="analyse anew", where=str(self.path)),
        ]
        if self.absorbs:
            said.append(Change(what="merge track", where=self.absorbs, after=self.track_id))
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocate:
    """A lost track points at where its file is now."""

    track_id: TrackId
    before: Path | None
    found: FileState
    absorbs: TrackId | None = None

    def changes(self) -> list[Change]:
        """Say it in words."""
        said = [
            Change(
                what="point track at", where=self.track_id, before=str(self.before or ""), after=str(self.found.path)
            )
        ]
        if self.absorbs:
            said.append(Change(what="merge track", where=self.absorbs, after=self.track_id))
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class TellRekordbox:
    """Rekordbox gets to know: by a playlist for its XML always, in its database where that is asked for."""

    track_id: TrackId
    playlist: str
    edits: tuple[Mapping[str, Any], ...] = ()
    """Corrections of single values: ``field``, ``before`` and ``after`` as JSON-able values of facts."""

    def changes(self) -> list[Change]:
        """Say it in words."""
        said = [
            Change(
                what=f"set {edit['field']} in Rekordbox",
                where=self.track_id,
                before=str(edit["before"]),
                after=str(edit["after"]),
            )
            for edit in self.edits
        ]
        return [*said, Change(what="add to playlist", where=self.playlist, after=self.track_id)]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectTrack:
    """A person's word on fields of a track."""

    track_id: TrackId
    where: str
    """The file, or the id where there is none."""
    edits: tuple[Mapping[str, Any], ...]
    """``field``; ``before`` (what was believed) and ``after`` (the word, None takes back what persons said) as
    JSON-able values of facts; ``said_before``, the last word of a person until then, None for none."""

    def changes(self) -> list[Change]:
        """Say it in words."""
        return [
            Change(what=f"set {edit['field']}", where=self.where, before=_said(edit["before"]),
                   after=_said(edit["after"]))
            for edit in self.edits
        ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePlaylist:
    """A playlist or folder of the catalogue before and after; None where there was, or is, none."""

    before: Playlist | None
    after: Playlist | None

    @property
    def playlist_id(self) -> PlaylistId | None:
        """Which one."""
        known = self.after or self.before
        return None if known is None else known.id

    def changes(self) -> list[Change]:
        """Say it in words."""
        before, after = self.before, self.after
        if after is None:
            return [] if before is None else [Change(what=f"remove {before.kind}", where=before.name,
                                                     before=_tracks(before))]  # fmt: skip
        if before is None:
            return [Change(what=f"make {after.kind}", where=after.name, after=_tracks(after))]
        said = []
        if before.name != after.name:
            said.append(Change(what=f"rename {after.kind}", where=after.name, before=before.name, after=after.name))
        if before.entries != after.entries:
            said.append(Change(what="change tracks", where=after.name, before=_tracks(before), after=_tracks(after)))
        return said or [Change(what=f"move or change {after.kind}", where=after.name)]


def _said(value: object) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tracks(playlist: Playlist) -> str:
    return f"{len(playlist.entries)} tracks" if playlist.kind is not PlaylistKind.FOLDER else ""


Step = SwapFile | CarryOver | Relocate | TellRekordbox | CorrectTrack | ChangePlaylist


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRecord:
    """One plan and what became of it."""

    id: PlanId
    kind: PlanKind
    state: PlanState
    who: str
    """Who wanted it: a login name, or ``cratehand`` for what the policy ``automatic`` did."""
    why: str
    track_id: TrackId | None
    created_at_s: float
    steps: tuple[Step, ...]
    applied_at_s: float | None = None
    undone_at_s: float | None = None
    error: str | None = None
    """Why it could not be done, in one line."""
    phase: Phase = Phase.NOTHING
    record: Mapping[str, Any] = field(default_factory=dict)
    """What was there before, JSON-able; from it the plan is undone."""

    @property
    def plan(self) -> Plan:
        """What a person is shown."""
        return Plan(why=self.why, changes=tuple(change for step in self.steps for change in step.changes()))

    @property
    def swap(self) -> SwapFile | None:
        """The step that touches files."""
        return next((step for step in self.steps if isinstance(step, SwapFile)), None)

    @property
    def carry(self) -> CarryOver | None:
        """The step that touches the track."""
        return next((step for step in self.steps if isinstance(step, CarryOver)), None)

    @property
    def relocate(self) -> Relocate | None:
        """The step that finds a lost file again."""
        return next((step for step in self.steps if isinstance(step, Relocate)), None)

    @property
    def tell(self) -> TellRekordbox | None:
        """The step that tells Rekordbox."""
        return next((step for step in self.steps if isinstance(step, TellRekordbox)), None)

    @property
    def correction(self) -> CorrectTrack | None:
        """The step that is a person's word."""
        return next((step for step in self.steps if isinstance(step, CorrectTrack)), None)

    @property
    def playlists(self) -> tuple[ChangePlaylist, ...]:
        """The steps that change playlists, in the order of doing."""
        return tuple(step for step in self.steps if isinstance(step, ChangePlaylist))

    @property
    def paths(self) -> frozenset[Path]:
        """All files that it touches."""
        return self.swap.paths if self.swap else frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpgradePair:
    """Two files that were judged, also where the answer was no."""

    id: PlanId
    """Of the plan where one came of it; a name of its own for a refusal."""
    track_id: TrackId
    current: Path
    candidate: Path
    candidate_stamp: FileStamp
    verdict: str
    """The candidate's codec history."""
    relation: str
    accepted: bool
    reason: str
    offset_s: float | None
    judged_at_s: float
    numbers: Mapping[str, float] = field(default_factory=dict)
