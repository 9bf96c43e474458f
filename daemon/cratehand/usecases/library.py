"""Look at the catalogue, and correct it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cratehand.domain.belief import believe
from cratehand.domain.errors import ConflictError, NotFoundError
from cratehand.domain.events import TrackChanged
from cratehand.domain.fact_values import encode
from cratehand.domain.fields import Field
from cratehand.domain.ids import TrackId
from cratehand.domain.plan import Change, Plan
from cratehand.domain.ports import Clock
from cratehand.domain.provenance import PERSON, AnyFact, Fact, SourceKind
from cratehand.domain.search import Page, TrackQuery
from cratehand.domain.stores import Catalogue, IdSource, Stores
from cratehand.domain.track import TrackDetail, TrackSummary
from cratehand.usecases.corrections import corrected_values
from cratehand.usecases.event_bus import Publish
from cratehand.usecases.plan_corrections import corrected_plan, correction
from cratehand.usecases.tempo_octaves import reconsider_genre

_SHORTEST_PREFIX: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """What a correction changes, and the track after it (or before it, in a dry run)."""

    plan: Plan
    track: TrackDetail


class Library:
    """The catalogue as a person asks for it."""

    def __init__(self, catalogue: Catalogue, *, clock: Clock, new_id: IdSource, publish: Publish) -> None:
        self._catalogue = catalogue
        self._clock = clock
        self._new_id = new_id
        self._publish = publish

    def list_tracks(self, query: TrackQuery) -> Page[TrackSummary]:
        """Return one page of the tracks that fit."""
        with self._catalogue.reading() as stores:
            return stores.tracks.query(query)

    def track(self, reference: str) -> TrackDetail:
        """Return everything known of the track that an id, the beginning of an id, or a path names.

        Raises:
            NotFoundError: No track is named so.
            ConflictError: The beginning of an id fits several tracks.
        """
        with self._catalogue.reading() as stores:
            return detail(stores, resolve(stores, reference))

    def correct(
        self, reference: str, assignments: Mapping[str, str], *, who: str = "somebody", dry_run: bool = False
    ) -> Correction:
        """Record a person's word: it wins from now on and no analysis overwrites it; `History` can undo it.

        Args:
            reference: As for `track`.
            assignments: Field to text, as `cratehand track set` takes them, see `corrected_values`; an empty text
                takes an earlier correction back.
            who: Whose word.
            dry_run: Only say what would change.

        Raises:
            NotFoundError, ConflictError: As for `track`.
            InvalidInputError: No such field, or a value it can not have.
        """
        with self._catalogue.reading() as stores:
            before = detail(stores, resolve(stores, reference))
        believed = {field: believe(facts) for field, facts in _by_field(before).items()}
        known = {field: fact.value for field, fact in believed.items() if fact}
        values = corrected_values(assignments, known)
        plan = Plan(
            why=f"correct {before.summary.title or before.track.path or before.track.id}",
            changes=tuple(
                Change(
                    what=f"set {field}",
                    where=str(before.track.path or before.track.id),
                    before=_shown(fact.value) if (fact := believed.get(field)) else "",
                    after=_shown(value),
                )
                for field, value in values.items()
            ),
        )
        if dry_run:
            return Correction(plan=plan, track=before)
        track_id = before.track.id
        with self._catalogue.writing() as stores:
            where = str(before.track.path or track_id)
            step = correction(stores, track_id, where=where, believed=known, values=values)
            stores.facts.record(track_id, self._statements(stores, track_id, values))
            moved = reconsider_genre(stores, track_id, at_s=self._clock.now_s()) if Field.TEMPO_BPM in values else []
            if step.edits:
                now_s = self._clock.now_s()
                stores.plans.add(corrected_plan(stores, step, self._new_id(), who=who, at_s=now_s, moved=moved))
            after = detail(stores, track_id)
        for changed in (track_id, *moved):
            self._publish(TrackChanged(track_id=changed))
        return Correction(plan=plan, track=after)

    def _statements(self, stores: Stores, track_id: TrackId, values: Mapping[Field, object]) -> list[AnyFact]:
        # The clock may have jumped back since the last correction; the later word has to carry the later time.
        last_s = max(
            (fact.at_s for fact in stores.facts.facts(track_id) if fact.source.kind is SourceKind.PERSON), default=0.0
        )
        at_s = max(self._clock.now_s(), last_s + 0.001)
        return [Fact(field=field, value=value, source=PERSON, at_s=at_s) for field, value in values.items()]


def resolve(stores: Stores, reference: str) -> TrackId:
    """Find the one track that an id, the beginning of an id (4 digits or more), or a path names."""
    if stores.tracks.get(TrackId(reference)) is not None:
        return TrackId(reference)
    if (track := stores.tracks.by_path(Path(reference).expanduser().absolute())) is not None:
        return track.id
    found = stores.tracks.by_id_prefix(reference) if len(reference) >= _SHORTEST_PREFIX else []
    if len(found) > 1:
        raise ConflictError(f"{reference!r} is the beginning of {len(found)} track ids: give more of it")
    if not found:
        raise NotFoundError(f"no track with the id or path {reference!r}: `cratehand tracks` lists them")
    return found[0]


def detail(stores: Stores, track_id: TrackId) -> TrackDetail:
    """Gather everything about one track."""
    track, summary = stores.tracks.get(track_id), stores.tracks.summary(track_id)
    if track is None or summary is None:
        raise NotFoundError(f"no track with the id {track_id}")
    return TrackDetail(
        track=track,
        summary=summary,
        facts=tuple(stores.facts.facts(track_id)),
        cues=tuple(stores.cues.cues(track_id)),
        playlists=tuple(stores.playlists.names_of(track_id)),
    )


def _by_field(track: TrackDetail) -> dict[Field, list[AnyFact]]:
    grouped: dict[Field, list[AnyFact]] = {}
    for fact in track.facts:
        grouped.setdefault(fact.field, []).append(fact)
    return grouped


def _shown(value: object) -> str:
    return "" if value is None else encode(value)
