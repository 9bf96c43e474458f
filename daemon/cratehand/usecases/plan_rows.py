"""What plans do to the catalogue, and how it is undone; each inside the transaction of its caller."""

from typing import Any, Final

from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.errors import ConflictError, InternalError, NotFoundError
from cratehand.domain.events import Event, JobProgressed, TrackChanged
from cratehand.domain.ids import PlaylistId, TrackId
from cratehand.domain.job import JobKind, Priority
from cratehand.domain.plan_record import CarryOver, PlanRecord, PlanState, Relocate, TellRekordbox
from cratehand.domain.ports import Clock
from cratehand.domain.stores import IdSource, Stores
from cratehand.domain.track import FileStamp, Presence
from cratehand.usecases.plan_corrections import require_takeable_back, take_back
from cratehand.usecases.plan_files import StaleError
from cratehand.usecases.plan_playlists import put_back_playlists, require_playlists

_MANY: Final = 100_000


class PlanRows:
    """Does the steps of plans that are about the catalogue."""

    def __init__(self, *, clock: Clock, new_id: IdSource) -> None:
        self._clock = clock
        self._new_id = new_id

    def require_applicable(self, stores: Stores, plan: PlanRecord) -> None:
        """See that the tracks are what the plan was made for; raises `StaleError` or `ConflictError`."""
        if (carry := plan.carry) is not None:
            track = stores.tracks.get(carry.track_id)
            if track is None:
                raise StaleError(f"track {carry.track_id} is not in the catalogue any more: this plan is void")
            swap = plan.swap
            if swap is not None and track.path != swap.current.path:
                raise StaleError(f"track {track.id} is at {track.path} by now, not at {swap.current.path}")
            holder = stores.tracks.by_path(carry.path)
            if holder is not None and holder.id not in {carry.track_id, carry.absorbs}:
                raise ConflictError(f"{carry.path} belongs to track {holder.id}: nothing is overwritten")
        if (relocate := plan.relocate) is not None:
            track = stores.tracks.get(relocate.track_id)
            if track is None or track.path != relocate.before or track.presence is Presence.PRESENT:
                raise StaleError(f"track {relocate.track_id} is not lost any more: this plan is void")

    def switch(self, stores: Stores, plan: PlanRecord, stamp: FileStamp | None, events: list[Event]) -> dict[str, Any]:
        """Do it; return what undoes it."""
        record: dict[str, Any] = {}
        if plan.carry is not None:
            if stamp is None or plan.swap is None:
                raise InternalError(f"plan {plan.id} carries a track to no file")
            record |= self._carry(stores, plan, plan.carry, stamp, events)
        if plan.relocate is not None:
            record |= self._relocate(stores, plan.relocate, events)
        if plan.tell is not None:
            record["playlist"] = self._extend_playlist(stores, plan.tell)
        return record

    def require_undoable(self, stores: Stores, plan: PlanRecord) -> None:
        """See that the rows can be brought back; raises `ConflictError` saying what stands in the way."""
        for later in stores.plans.history(limit=_MANY):
            if later.id == plan.id:
                break
            if later.state is PlanState.APPLIED and _meet(later, plan):
                raise ConflictError(
                    f"plan {later.id} ({later.kind}: {later.why}) came later and touches the same: undo that first"
                )
        if plan.correction is not None:
            require_takeable_back(stores, plan.correction)
        require_playlists(stores, plan.playlists)
        for track_id, path in _tracks_before(plan):
            if stores.tracks.get(track_id) is None:
                raise ConflictError(f"track {track_id} is not in the catalogue any more (removed, or merged)")
            holder = None if path is None else stores.tracks.by_path(path)
            if holder is not None and holder.id != track_id and holder.presence is Presence.PRESENT:
                raise ConflictError(f"{path} belongs to track {holder.id} by now")

    def switch_back(self, stores: Stores, plan: PlanRecord, stamp: FileStamp | None, events: list[Event]) -> None:
        """Undo it from the record."""
        record = plan.record
        carry, relocate = plan.carry, plan.relocate
        if carry is not None and stamp is not None:
            stores.carrying.carry_back(carry.track_id, record["track"], stamp=stamp)
            events.append(TrackChanged(track_id=carry.track_id))
        if relocate is not None:
            before = record["presence"]
            if relocate.before is not None:
                stores.tracks.place(
                    relocate.track_id, path=relocate.before, stamp=_stamp(record["stamp"]), presence=Presence(before)
                )
            events.append(TrackChanged(track_id=relocate.track_id))
        if "absorbed" in record:
            stores.carrying.put_back(record["absorbed"])
        if record.get("playlist"):
            self._shorten_playlist(stores, record["playlist"])
        if plan.correction is not None:
            events.extend(take_back(stores, plan.correction, record, at_s=self._clock.now_s()))
        put_back_playlists(stores, plan.playlists)

    def _carry(
        self, stores: Stores, plan: PlanRecord, carry: CarryOver, stamp: FileStamp, events: list[Event]
    ) -> dict[str, Any]:
        record: dict[str, Any] = {}
        if carry.absorbs is not None and stores.tracks.get(carry.absorbs) is not None:
            record["absorbed"] = stores.carrying.take_out(carry.absorbs)
        record["track"] = stores.carrying.carry_over(
            carry.track_id,
            path=carry.path,
            stamp=stamp,
            digest=plan.record["new"]["digest"],
            offset_s=None if carry.same_sound else carry.offset_s,
        )
        jobs = stores.jobs.enqueue(
            JobKind.ANALYSE, [carry.track_id], priority=Priority.FRESH, at_s=self._clock.now_s(), new_id=self._new_id
        )
        events.append(TrackChanged(track_id=carry.track_id))
        events.extend(JobProgressed(job=job) for job in jobs)
        return record

    def _relocate(self, stores: Stores, step: Relocate, events: list[Event]) -> dict[str, Any]:
        track = stores.tracks.get(step.track_id)
        if track is None:
            raise NotFoundError(f"no track {step.track_id}")
        stamp = track.stamp
        record: dict[str, Any] = {
            "presence": track.presence.value,
            "stamp": None if stamp is None else [stamp.size_bytes, stamp.mtime_ns, stamp.ctime_ns, stamp.inode],
        }
        if step.absorbs is not None and stores.tracks.get(step.absorbs) is not None:
            record["absorbed"] = stores.carrying.take_out(step.absorbs)
        stores.tracks.place(step.track_id, path=step.found.path, stamp=step.found.stamp, presence=Presence.PRESENT)
        events.append(TrackChanged(track_id=step.track_id))
        return record

    def _extend_playlist(self, stores: Stores, tell: TellRekordbox) -> dict[str, Any] | None:
        lists = stores.playlists.all()
        mine = next((one for one in lists if one.name == tell.playlist and one.origin == "cratehand"), None)
        if mine is None:
            mine = Playlist(
                id=PlaylistId(self._new_id()), name=tell.playlist, kind=PlaylistKind.PLAYLIST, position=len(lists)
            )
        if tell.track_id in mine.entries:
            return None
        stores.playlists.save(_with_entries(mine, (*mine.entries, tell.track_id)))
        return {"id": mine.id, "track": tell.track_id}

    def _shorten_playlist(self, stores: Stores, added: dict[str, Any]) -> None:
        mine = next((one for one in stores.playlists.all() if one.id == added["id"]), None)
        if mine is None:
            return
        entries = tuple(entry for entry in mine.entries if entry != added["track"])
        if entries:
            stores.playlists.save(_with_entries(mine, entries))
        else:
            stores.playlists.remove(mine.id)


def _with_entries(playlist: Playlist, entries: tuple[TrackId, ...]) -> Playlist:
    return Playlist(
        id=playlist.id, name=playlist.name, kind=playlist.kind, parent_id=playlist.parent_id,
        position=playlist.position, entries=entries, origin=playlist.origin,
    )  # fmt: skip


def _meet(one: PlanRecord, other: PlanRecord) -> bool:
    """Whether two plans touch the same file, the same track's file, the same word or the same playlist."""
    places = bool(one.paths & other.paths) or bool(_words(one) & _words(other))
    if other.correction is not None:
        return places  # a file that was swapped since leaves the word as it is, or the word says that it differs
    is_same_track = one.track_id is not None and one.track_id == other.track_id
    return places or (is_same_track and (one.carry or one.relocate) is not None)


def _words(plan: PlanRecord) -> set[tuple[str, str]]:
    step = plan.correction
    words = set() if step is None else {(str(step.track_id), str(edit["field"])) for edit in step.edits}
    return words | {("playlist", str(each.playlist_id)) for each in plan.playlists}


def _tracks_before(plan: PlanRecord) -> list[tuple[TrackId, Any]]:
    found: list[tuple[TrackId, Any]] = []
    if plan.carry is not None and plan.swap is not None:
        found.append((plan.carry.track_id, plan.swap.current.path))
    if plan.relocate is not None:
        found.append((plan.relocate.track_id, plan.relocate.before))
    return found


def _stamp(numbers: list[int] | None) -> FileStamp | None:
    if numbers is None:
        return None
    size_bytes, mtime_ns, ctime_ns, inode = numbers
    return FileStamp(size_bytes=size_bytes, mtime_ns=mtime_ns, ctime_ns=ctime_ns, inode=inode)
