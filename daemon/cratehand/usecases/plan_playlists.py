"""Changes of playlists as plans that are applied at once, and how they are brought back exactly."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from cratehand.domain.collection import Playlist
from cratehand.domain.errors import ConflictError
from cratehand.domain.ids import PlanId, PlaylistId
from cratehand.domain.plan_record import ChangePlaylist, PlanKind, PlanRecord, PlanState
from cratehand.domain.stores import Stores


def change_playlists(
    stores: Stores, wanted: Sequence[Playlist], *, plan_id: str, who: str, why: str, at_s: float
) -> PlanRecord | None:
    """Save playlists, and keep the plan that says so; parents before children.

    Args:
        stores: Inside a write transaction.
        wanted: As they shall be; one with a known id replaces that.
        plan_id: Of the plan.
        who: Who wants it.
        why: For people.
        at_s: When.

    Returns:
        The applied plan; None where nothing changes.
    """
    ids = {playlist.id for playlist in wanted}
    before = _by_id(stores.playlists.some(ids))
    for playlist in wanted:
        stores.playlists.save(playlist)
    after = _by_id(stores.playlists.some(ids))
    steps = [ChangePlaylist(before=before.get(each.id), after=after.get(each.id)) for each in wanted]
    return _keep(stores, steps, plan_id=plan_id, who=who, why=why, at_s=at_s)


def remove_playlist(
    stores: Stores, playlist_id: PlaylistId, *, plan_id: str, who: str, why: str, at_s: float
) -> PlanRecord | None:
    """Remove a playlist, or a folder with all in it, and keep the plan that says so; None where there is none."""
    steps = removing(stores.playlists.within(playlist_id))
    stores.playlists.remove(playlist_id)
    return _keep(stores, steps, plan_id=plan_id, who=who, why=why, at_s=at_s)


def removing(playlists: Sequence[Playlist]) -> list[ChangePlaylist]:
    """Return the steps that remove playlists, given parents before children."""
    # Children first, so that the way back makes parents first.
    return [ChangePlaylist(before=playlist, after=None) for playlist in reversed(playlists)]


def require_playlists(stores: Stores, steps: Sequence[ChangePlaylist]) -> None:
    """See that playlists are as a plan left them; raises `ConflictError` saying what stands in the way."""
    now = _by_id(stores.playlists.all())
    made = {step.playlist_id for step in steps if step.before is None}
    for step in steps:
        known = now.get(step.playlist_id) if step.playlist_id is not None else None
        if step.after is None:
            if known is not None:
                raise ConflictError(f"there is a playlist {known.name!r} with the same id again: remove that first")
            _require_place(step.before, now.keys() | {each.playlist_id for each in steps})
            continue
        if known is None:
            raise ConflictError(f"the playlist {step.after.name!r} was removed since: undo that first")
        if known != _with_known_tracks(stores, step.after):
            raise ConflictError(f"the playlist {step.after.name!r} was changed since: undo that first")
    for playlist in now.values():
        if playlist.parent_id in made and playlist.id not in made:
            raise ConflictError(f"the playlist {playlist.name!r} lies in a folder that would go: move it away first")


def _require_place(gone: Playlist | None, there: AbstractSet[PlaylistId | None]) -> None:
    if gone is not None and gone.parent_id is not None and gone.parent_id not in there:
        raise ConflictError(f"the folder in which {gone.name!r} lay was removed since: undo that first")


def put_back_playlists(stores: Stores, steps: Sequence[ChangePlaylist]) -> None:
    """Make playlists what they were before a plan."""
    for step in reversed(steps):
        if step.before is not None:
            stores.playlists.save(step.before)
        elif step.after is not None:
            stores.playlists.remove(step.after.id)


def _keep(
    stores: Stores, steps: Sequence[ChangePlaylist], *, plan_id: str, who: str, why: str, at_s: float
) -> PlanRecord | None:
    changed = tuple(step for step in steps if step.before != step.after)
    if not changed:
        return None
    plan = PlanRecord(
        id=PlanId(plan_id), kind=PlanKind.PLAYLIST, state=PlanState.APPLIED, who=who, why=why, track_id=None,
        created_at_s=at_s, applied_at_s=at_s, steps=changed,
    )  # fmt: skip
    stores.plans.add(plan)
    return plan


def _by_id(playlists: Sequence[Playlist]) -> dict[PlaylistId, Playlist]:
    return {playlist.id: playlist for playlist in playlists}


def _with_known_tracks(stores: Stores, playlist: Playlist) -> Playlist:
    """Leave out tracks that are gone from the catalogue: nobody changed the playlist by that."""
    known = stores.tracks.many(playlist.entries)
    return replace(playlist, entries=tuple(entry for entry in playlist.entries if entry in known))
