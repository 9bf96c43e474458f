"""Playlists: look at them; rename and delete one's own, shown before and undone from their record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from cratehand.domain.collection import Playlist, PlaylistKind
from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError, UnsupportedError
from cratehand.domain.events import PlanChanged
from cratehand.domain.ids import PlanId, PlaylistId
from cratehand.domain.plan import Plan
from cratehand.domain.plan_record import ChangePlaylist, PlanRecord
from cratehand.domain.ports import Clock
from cratehand.domain.provenance import SourceKind
from cratehand.domain.stores import Catalogue, IdSource, Stores
from cratehand.usecases.collection_export import full_name
from cratehand.usecases.event_bus import Publish
from cratehand.usecases.plan_playlists import change_playlists, remove_playlist, removing

_LONGEST_NAME: Final = 255
_NAMED: Final = 5
"""So many of those that a word may mean are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaylistEdit:
    """A change of the playlists, made or only shown."""

    plan: Plan
    plan_id: PlanId | None
    """What `History` undoes it by; None where nothing was changed."""


class Playlists:
    """The playlists of the catalogue."""

    def __init__(self, catalogue: Catalogue, *, clock: Clock, new_id: IdSource, publish: Publish) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._new_id = new_id
        self._publish = publish

    def all(self) -> Sequence[Playlist]:
        """Return every playlist and folder, parents before children."""
        with self._catalogue.reading() as stores:
            return stores.playlists.all()

    def full_names(self) -> Mapping[PlaylistId, str]:
        """Return the name of each playlist with its folders."""
        return _full_names(self.all())

    def rename(self, reference: str, name: str, *, who: str, dry_run: bool = False) -> PlaylistEdit:
        """Give a playlist or folder another name.

        Args:
            reference: Id, name, or full name (``Peak/2024/Techno``) of one.
            name: The new name, without its folders.
            who: Who wants it, for the history.
            dry_run: Only say what would change.

        Raises:
            NotFoundError: There is none.
            ConflictError: The name means several, or the folder has one of the new name.
            InvalidInputError: The new name is none.
            UnsupportedError: It follows Rekordbox, which would give it its old name again.
        """
        name = _clean(name)

        def steps(playlists: Sequence[Playlist], playlist: Playlist) -> Sequence[ChangePlaylist]:
            _require_free(playlists, playlist, name)
            return [ChangePlaylist(before=playlist, after=replace(playlist, name=name))]

        def write(stores: Stores, playlist: Playlist, plan_id: str) -> PlanRecord | None:
            wanted, at_s = replace(playlist, name=name), self._clock.now_s()
            why = f"rename {playlist.name} to {name}"
            return change_playlists(stores, [wanted], plan_id=plan_id, who=who, why=why, at_s=at_s)

        return self._edit(reference, steps, None if dry_run else write)

    def delete(self, reference: str, *, who: str, dry_run: bool = False) -> PlaylistEdit:
        """Remove a playlist, or a folder with everything in it; the tracks stay. Arguments and errors as `rename`."""

        def steps(playlists: Sequence[Playlist], playlist: Playlist) -> Sequence[ChangePlaylist]:
            gone = _within(playlists, playlist.id)
            for each in gone:
                _require_own(each)
            return removing(gone)

        def write(stores: Stores, playlist: Playlist, plan_id: str) -> PlanRecord | None:
            why, at_s = f"delete {playlist.kind} {playlist.name}", self._clock.now_s()
            return remove_playlist(stores, playlist.id, plan_id=plan_id, who=who, why=why, at_s=at_s)

        return self._edit(reference, steps, None if dry_run else write)

    def _edit(
        self,
        reference: str,
        steps: Callable[[Sequence[Playlist], Playlist], Sequence[ChangePlaylist]],
        write: Callable[[Stores, Playlist, str], PlanRecord | None] | None,
    ) -> PlaylistEdit:
        with self._catalogue.reading() if write is None else self._catalogue.writing() as stores:
            playlists = stores.playlists.all()
            playlist = _find(playlists, reference)
            _require_own(playlist)
            changing = [step for step in steps(playlists, playlist) if step.before != step.after]
            planned = [change for step in changing for change in step.changes()]
            done = None if write is None else write(stores, playlist, self._new_id())
        if done is None:
            return PlaylistEdit(plan=Plan(why=reference, changes=tuple(planned)), plan_id=None)
        self._publish(PlanChanged(plan_id=done.id, kind=done.kind.value, state=done.state.value))
        return PlaylistEdit(plan=done.plan, plan_id=done.id)


def _full_names(playlists: Sequence[Playlist]) -> dict[PlaylistId, str]:
    by_id = {playlist.id: playlist for playlist in playlists}
    return {playlist.id: full_name(playlist, by_id) for playlist in playlists}


def _find(playlists: Sequence[Playlist], reference: str) -> Playlist:
    """Return the one playlist that an id, a full name, or a name alone means; in this order."""
    names = _full_names(playlists)
    for fits in (
        [each for each in playlists if each.id == reference],
        [each for each in playlists if names[each.id] == reference],
        [each for each in playlists if each.name == reference],
    ):
        if len(fits) > 1:
            some = ", ".join(f"{names[each.id]} ({each.kind}, {each.id})" for each in fits[:_NAMED])
            raise ConflictError(f"{reference!r} means {len(fits)} playlists: {some}; give the full name or the id")
        if fits:
            return fits[0]
    raise NotFoundError(f"there is no playlist {reference!r}: `cratehand playlists list` lists them")


def _within(playlists: Sequence[Playlist], playlist_id: PlaylistId) -> list[Playlist]:
    """Return a playlist and all in it; parents stand before children."""
    ids = {playlist_id}
    found = []
    for playlist in playlists:
        if playlist.id in ids or playlist.parent_id in ids:
            ids.add(playlist.id)
            found.append(playlist)
    return found


def _require_own(playlist: Playlist) -> None:
    if playlist.origin == SourceKind.REKORDBOX:
        raise UnsupportedError(
            f"the {playlist.kind} {playlist.name!r} follows Rekordbox: change it there, cratehand takes that over"
        )


def _require_free(playlists: Sequence[Playlist], playlist: Playlist, name: str) -> None:
    for other in playlists:
        if other.id != playlist.id and (other.parent_id, other.name) == (playlist.parent_id, name):
            kind = "a folder" if other.kind is PlaylistKind.FOLDER else "a playlist"
            raise ConflictError(f"there is {kind} {name!r} in the same place already: choose another name")


def _clean(name: str) -> str:
    clean = name.strip()
    if not clean or len(clean) > _LONGEST_NAME or not clean.isprintable():
        raise InvalidInputError(
            f"{name[:80]!r} is no name for a playlist: give 1 to {_LONGEST_NAME} characters on one line"
        )
    return clean
