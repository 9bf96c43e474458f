"""Plans that tell Rekordbox what is known better here of a track that it has."""

from collections.abc import Callable
from typing import Any, Final

from cratehand.domain.belief import believe
from cratehand.domain.collection_edit import EDITABLE_FIELDS
from cratehand.domain.errors import ConflictError, InvalidInputError, NotFoundError
from cratehand.domain.fact_values import to_json
from cratehand.domain.fields import Field
from cratehand.domain.ids import PlanId, TrackId
from cratehand.domain.plan_record import PlanKind, PlanRecord, PlanState, TellRekordbox
from cratehand.domain.ports import Clock
from cratehand.domain.provenance import AnyFact, SourceKind
from cratehand.domain.stores import Catalogue, IdSource, Stores
from cratehand.usecases.library import resolve

REPAIRED_PLAYLIST: Final = "cratehand repaired"
_REPAIRED: Final = (*sorted(EDITABLE_FIELDS), Field.BEAT_GRID)


class Repair:
    """Makes plans of kind `REPAIR`: values of Rekordbox that a person corrected here, or that we measured otherwise."""

    def __init__(
        self, catalogue: Catalogue, *, clock: Clock, new_id: IdSource, apply: Callable[[str, str], PlanRecord]
    ) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._new_id = new_id
        self._apply = apply

    def propose(self, track: str, *, who: str, dry_run: bool = False) -> PlanRecord:
        """Find what differs and apply the plan, unless it is a dry run.

        Raises:
            NotFoundError: No such track.
            ConflictError: Rekordbox does not have it.
            InvalidInputError: Nothing differs from what Rekordbox says.
        """
        with self._catalogue.reading() as stores:
            track_id = resolve(stores, track)
            known = stores.tracks.get(track_id)
            if known is None:
                raise NotFoundError(f"no track {track_id}")
            if known.collection_id is None:
                raise ConflictError(f"track {track_id} is not in Rekordbox's collection: export it instead")
            edits = _differences(stores, track_id)
        if not edits:
            raise InvalidInputError(f"Rekordbox says of track {track_id} what is believed here: nothing to repair")
        plan = PlanRecord(
            id=PlanId(self._new_id()),
            kind=PlanKind.REPAIR,
            state=PlanState.OPEN,
            who=who,
            why=f"correct {', '.join(edit['field'] for edit in edits)} in Rekordbox",
            track_id=track_id,
            created_at_s=self._clock.now_s(),
            steps=(TellRekordbox(track_id=track_id, playlist=REPAIRED_PLAYLIST, edits=tuple(edits)),),
        )
        if dry_run:
            return plan
        with self._catalogue.writing() as stores:
            stores.plans.add(plan)
        return self._apply(plan.id, who)


def _differences(stores: Stores, track_id: TrackId) -> list[dict[str, Any]]:
    by_field: dict[Field, list[AnyFact]] = {}
    for fact in stores.facts.facts(track_id):
        by_field.setdefault(fact.field, []).append(fact)
    edits = []
    for field in _REPAIRED:
        facts = by_field.get(field, [])
        stated = believe([fact for fact in facts if fact.source.kind is SourceKind.REKORDBOX])
        meant = believe([fact for fact in facts if fact.source.kind is SourceKind.PERSON])
        # What a person set always goes; what we measured is no reason to overrule the DJ's own program.
        if meant is not None and (stated is None or stated.value != meant.value):
            before = None if stated is None else to_json(stated.value)
            edits.append({"field": field.value, "before": before, "after": to_json(meant.value)})
    return edits
