"""Plans that write what is known of a track into the tags of its file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError
from cratehand.domain.fields import Field
from cratehand.domain.file_ports import FileSwapper
from cratehand.domain.ids import PlanId
from cratehand.domain.key import MusicalKey
from cratehand.domain.plan_record import CarryOver, PlanKind, PlanRecord, PlanState, SwapFile
from cratehand.domain.ports import Clock
from cratehand.domain.stores import Catalogue, IdSource
from cratehand.domain.track import Presence
from cratehand.usecases.library import resolve

TAG_FIELDS: Final = (Field.TEMPO_BPM, Field.KEY, Field.ENERGY)
"""What may be written where it is known."""


class KeyNotation(StrEnum):
    """How a key is written."""

    SHORT = "short"
    """``F#m``: what Rekordbox, Traktor and Serato read and write."""
    NAME = "name"
    """``F# minor``."""
    CAMELOT = "camelot"
    """``11A``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TagWish:
    """What is to be written into the file of one track."""

    track: str
    """Id, beginning of one, or path."""
    fields: Sequence[str] = ()
    """Of `TAG_FIELDS`; all where empty."""
    notation: KeyNotation = KeyNotation.SHORT
    cover: Path | None = None


class TagPlans:
    """Makes plans of kind `TAGS` and has them applied."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        files: FileSwapper,
        clock: Clock,
        new_id: IdSource,
        apply: Callable[[str, str], PlanRecord],
    ) -> None:
        self._catalogue = catalogue
        self._files = files
        self._clock = clock
        self._new_id = new_id
        self._apply = apply

    def write(self, wish: TagWish, *, who: str, dry_run: bool = False) -> PlanRecord:
        """Write tags; return the plan, applied unless it was a dry run.

        Raises:
            NotFoundError: No such track.
            InvalidInputError: A field that can't be written, or nothing is known that could be.
            ConflictError: The file is not on this device.
        """
        fields = [_field(name) for name in wish.fields] or list(TAG_FIELDS)
        with self._catalogue.reading() as stores:
            track_id = resolve(stores, wish.track)
            track = stores.tracks.get(track_id)
            facts = {field: stores.facts.believed([track_id], field).get(track_id) for field in fields}
        if track is None:
            raise NotFoundError(f"no track {track_id}")
        if track.path is None or track.presence is not Presence.PRESENT:
            raise ConflictError(f"the file of track {track_id} is not here now: plug its drive in")
        tags = {field.value: _text(fact.value, wish.notation) for field, fact in facts.items() if fact is not None}
        if not tags and wish.cover is None:
            raise InvalidInputError(f"nothing is known of track {track_id} that could be written: analyse it first")
        plan = PlanRecord(
            id=PlanId(self._new_id()),
            kind=PlanKind.TAGS,
            state=PlanState.OPEN,
            who=who,
            why=f"write {', '.join([*tags, *(['cover'] if wish.cover else [])])}",
            track_id=track_id,
            created_at_s=self._clock.now_s(),
            steps=(
                SwapFile(current=self._files.state(track.path), target=track.path, tags=tags, cover=wish.cover),
                CarryOver(track_id=track_id, path=track.path, same_sound=True),
            ),
        )
        if dry_run:
            return plan
        with self._catalogue.writing() as stores:
            stores.plans.add(plan)
        return self._apply(plan.id, who)


def _field(name: str) -> Field:
    known = [field.value for field in TAG_FIELDS]
    wanted = {"tempo": "tempo_bpm", "bpm": "tempo_bpm"}.get(name, name)
    if wanted not in known:
        raise InvalidInputError(f"{name!r} is not written into tags: {', '.join(known)} are")
    return Field(wanted)


def _text(value: object, notation: KeyNotation) -> str:
    if isinstance(value, MusicalKey):
        return {KeyNotation.NAME: str(value), KeyNotation.CAMELOT: value.camelot}.get(notation, value.short)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
